/** A client that brings the position of its last answer, and asks for no more than that: it must never be taken back. */
import type { Client } from "./client.ts";
import { SPACE, timesOf, type Workload } from "./workload.ts";

export class SessionWorkload implements Workload {
  readonly kind = "session";
  readonly clients = 1;
  readonly #positions = new Map<Client, number>();

  async step(client: Client): Promise<void> {
    const brought = this.#positions.get(client) ?? null;
    const path = `${SPACE}/session-${client.name}`;
    const fields: Record<string, string> = brought === null ? {} : { "hotspare-lsn": String(brought) };
    const writes = client.dice.chance(0.3);
    const told = await client.send(
      writes ? { method: "PUT", path, body: JSON.stringify(client.unique()), fields } : { method: "GET", path, fields },
    );
    const lsn = told.reply?.lsn ?? null;
    client.recorder.add({ of: "session", call: { ...timesOf(told), session: client.name, broughtLsn: brought, lsn } });
    if (told.outcome === "ok" && lsn !== null) this.#positions.set(client, lsn);
  }

  async readAll(client: Client): Promise<void> {
    await this.step(client);
  }
}
