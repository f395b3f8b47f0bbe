/** Lists in one document each: an append reads the list and puts it back longer, if nobody else has meanwhile. */
import type { Client, Told } from "./client.ts";
import { Keys, SPACE, timesOf, valueIn, type Workload } from "./workload.ts";

const MOST_TRIES = 8;

export class ListWorkload implements Workload {
  readonly kind = "list";
  readonly clients = 2;
  readonly #keys = new Keys("l", 120);

  async step(client: Client): Promise<void> {
    const key = this.#keys.next();
    await (client.dice.chance(0.7) ? this.#append(client, key) : this.#read(client, key));
  }

  async readAll(client: Client): Promise<void> {
    for (const key of this.#keys.all()) await this.#read(client, key);
  }

  async #read(client: Client, key: string): Promise<Told> {
    const told = await client.send({ method: "GET", path: `${SPACE}/${key}` });
    const values = valueIn<readonly string[]>(told, []);
    client.recorder.add({ of: "list", call: { ...timesOf(told), key, call: "read", values } });
    return told;
  }

  /** One call of the checker's, however often it is refused because of another. */
  async #append(client: Client, key: string): Promise<void> {
    const value = client.unique();
    const beganMs = performance.now();
    for (let tries = 1; ; tries += 1) {
      const told = await this.#appendOnce(client, { key, value });
      if (told.reply?.status === 412 && tries < MOST_TRIES) continue;
      const call = { ...timesOf(told), invokedMs: beganMs, key, call: "append", value } as const;
      return client.recorder.add({ of: "list", call });
    }
  }

  async #appendOnce(client: Client, { key, value }: { readonly key: string; readonly value: string }): Promise<Told> {
    const found = await this.#read(client, key);
    if (found.outcome !== "ok") return { ...found, outcome: "fail", completedMs: performance.now() };
    const body = JSON.stringify([...valueIn<readonly string[]>(found, []), value]);
    const etag = found.reply?.etag;
    const fields: Record<string, string> = etag ? { "if-match": etag } : { "if-none-match": "*" };
    return client.send({ method: "PUT", path: `${SPACE}/${key}`, body, fields });
  }
}
