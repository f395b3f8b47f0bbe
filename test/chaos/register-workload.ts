/** Documents as registers: read, written, and written only if nobody else has since (`If-Match`). */
import type { RegisterValue } from "../checkers/linearizability.ts";
import type { Client } from "./client.ts";
import { Keys, readRegister, SPACE, timesOf, type Workload } from "./workload.ts";

/** What a client last saw of a key: the value, and the entity tag that stands for it. */
interface Seen {
  readonly key: string;
  readonly value: RegisterValue;
  readonly etag: string;
}

export class RegisterWorkload implements Workload {
  readonly kind = "register";
  readonly clients = 4;
  readonly #keys = new Keys("r", 300);
  readonly #seen = new Map<Client, Seen>();

  async step(client: Client): Promise<void> {
    const key = this.#keys.next();
    const seen = this.#seen.get(client);
    const roll = client.dice.next();
    if (roll < 0.3) await this.#write(client, key);
    else if (roll < 0.65 && seen?.key === key) await this.#compareAndSet(client, seen);
    else await this.#read(client, key);
  }

  async readAll(client: Client): Promise<void> {
    for (const key of this.#keys.all()) await this.#read(client, key);
  }

  async #read(client: Client, key: string): Promise<void> {
    const told = await client.send({ method: "GET", path: `${SPACE}/${key}` });
    const value = readRegister(told);
    client.recorder.add({ of: "register", call: { ...timesOf(told), key, call: "read", value } });
    this.#note(client, { key, value, etag: told.reply?.etag });
  }

  async #write(client: Client, key: string): Promise<void> {
    const value = client.unique();
    const told = await client.send({ method: "PUT", path: `${SPACE}/${key}`, body: JSON.stringify(value) });
    client.recorder.add({ of: "register", call: { ...timesOf(told), key, call: "write", value } });
    this.#note(client, { key, value, etag: told.reply?.etag });
  }

  async #compareAndSet(client: Client, { key, value: from, etag }: Seen): Promise<void> {
    const to = client.unique();
    const fields = { "if-match": etag };
    const told = await client.send({ method: "PUT", path: `${SPACE}/${key}`, body: JSON.stringify(to), fields });
    const refused = told.reply?.status === 412;
    client.recorder.add({ of: "register", call: { ...timesOf(told), key, call: "cas", from, to, refused } });
    if (refused) this.#seen.delete(client);
    else this.#note(client, { key, value: to, etag: told.reply?.etag });
  }

  #note(client: Client, { key, value, etag }: Omit<Seen, "etag"> & { readonly etag: string | null | undefined }): void {
    if (etag) this.#seen.set(client, { key, value, etag });
    else this.#seen.delete(client);
  }
}
