/** What comes of something if it comes in time: for what may hang, such as a share or a name server. */
import { sleep, type Clock } from "../../shared/clock.ts";

/** `wanted`, or `otherwise` after `timeoutMs`; the rest of `wanted` is nobody's concern then. Throws what `wanted` throws. */
export async function inTime<T>(
  wanted: Promise<T>,
  otherwise: T,
  { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
): Promise<T> {
  const decided = new AbortController();
  const late = sleep(clock, timeoutMs, decided.signal).then(
    () => otherwise,
    () => otherwise,
  );
  try {
    return await Promise.race([wanted, late]);
  } finally {
    decided.abort();
    wanted.catch(() => undefined);
  }
}
