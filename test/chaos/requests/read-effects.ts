/** How often each write took effect, as the application of `app.ts` tells, page by page. */
import { EFFECTS_PAGE } from "./app.ts";

/** @param prefix only writes whose names begin so. */
export async function readEffects(url: string, prefix = ""): Promise<ReadonlyMap<string, number>> {
  const effects = new Map<string, number>();
  for (let after = prefix; ;) {
    const answer = await fetch(`${url}/effects?after=${encodeURIComponent(after)}`);
    if (answer.status !== 200) throw new Error(`reading effects ended with ${answer.status}: ${await answer.text()}`);
    const page = (await answer.json()) as readonly { readonly write: string; readonly times: number }[];
    for (const { write, times } of page) if (write.startsWith(prefix)) effects.set(write, times);
    if (page.length < EFFECTS_PAGE) return effects;
    after = page.at(-1)!.write;
  }
}
