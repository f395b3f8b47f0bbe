/** Counters of the counter example: each increment is answered with the new value. */
import type { Client } from "./client.ts";
import { Keys, timesOf, valueIn, type Workload } from "./workload.ts";

interface Counter {
  readonly n: number;
}

export class CounterWorkload implements Workload {
  readonly kind = "counter";
  readonly clients = 2;
  readonly #keys = new Keys("k", 300);

  async step(client: Client): Promise<void> {
    const key = this.#keys.next();
    if (client.dice.chance(0.3)) return this.#read(client, key);
    const told = await client.send({ method: "POST", path: `/counter/${key}`, body: "{}" });
    const answer = valueIn<Counter | null>(told, null)?.n ?? null;
    client.recorder.add({ of: "counter", call: { ...timesOf(told), key, call: "increment", answer } });
  }

  async readAll(client: Client): Promise<void> {
    for (const key of this.#keys.all()) await this.#read(client, key);
  }

  async #read(client: Client, key: string): Promise<void> {
    const told = await client.send({ method: "GET", path: `/counter/${key}` });
    const { n: value } = valueIn<Counter>(told, { n: 0 });
    client.recorder.add({ of: "counter", call: { ...timesOf(told), key, call: "read", value } });
  }
}
