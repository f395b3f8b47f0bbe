/** Sets of documents, each made once and never touched again, listed now and then, and all of them at the end. */
import type { Client } from "./client.ts";
import { Keys, timesOf, valueIn, type Workload } from "./workload.ts";

interface Page {
  readonly documents: readonly { readonly id: string }[];
}

const DOCUMENTS = "/spaces/sets/documents";
/** Below the longest page, so that one answer shows a whole set. */
const EACH = 800;

export class SetWorkload implements Workload {
  readonly kind = "set";
  readonly clients = 3;
  readonly #keys = new Keys("s", EACH);

  async step(client: Client): Promise<void> {
    const key = this.#keys.next();
    if (client.dice.chance(0.03)) return this.#read(client, key);
    const value = `${key}.${client.unique()}`;
    const told = await client.send({
      method: "PUT",
      path: `${DOCUMENTS}/${value}`,
      body: JSON.stringify({ value, padding: "x".repeat(client.dice.whole(0, 300)) }),
      fields: { "if-none-match": "*" },
    });
    client.recorder.add({ of: "set", call: { ...timesOf(told), key, call: "add", value } });
  }

  async readAll(client: Client): Promise<void> {
    for (const key of this.#keys.all()) await this.#read(client, key);
  }

  async #read(client: Client, key: string): Promise<void> {
    const told = await client.send({ method: "GET", path: `${DOCUMENTS}?prefix=${key}.&limit=1000` });
    const values = valueIn<Page>(told, { documents: [] }).documents.map(({ id }) => id);
    client.recorder.add({ of: "set", call: { ...timesOf(told), key, call: "read", values } });
  }
}
