/**
 * Tells the standbys that there is something new in the journal, where the share cannot: a network file system's watch
 * sees nothing of other machines. A hint, and so at a bounded rate, one on its way to each host at a time, never repeated.
 */
import type { Clock } from "../shared/clock.ts";
import { sleep } from "../shared/clock.ts";
import type { HostConfig } from "../shared/config/config.ts";
import type { PoolId } from "../shared/ids.ts";
import type { Sending } from "../shared/wire/message-client.ts";
import type { HostedPool } from "./pool.ts";

type PushedHost = Pick<HostConfig, "id" | "control">;

export interface PushOptions {
  readonly pool: HostedPool;
  /** The other hosts. */
  readonly hosts: () => readonly PushedHost[];
  readonly client: { send(name: "appended", sending: Sending<"appended">): Promise<unknown> };
  readonly clock: Clock;
}

const TIMEOUT_MS = 1000;
/** Between two to the same host: a standby is so far behind at most. */
const GAP_MS = 50;

export class Push {
  readonly #options: PushOptions;
  readonly #abort = new AbortController();
  readonly #unlisten: () => void;
  readonly #underWay = new Set<string>();
  readonly #owed = new Set<string>();

  constructor(options: PushOptions) {
    this.#options = options;
    this.#unlisten = options.pool.on("change", () => this.#pushAll());
  }

  stop(): void {
    this.#unlisten();
    this.#abort.abort(new Error("the host stops"));
  }

  #pushAll(): void {
    if (!this.#options.pool.serving) return;
    for (const host of this.#options.hosts()) {
      if (this.#underWay.has(host.id)) this.#owed.add(host.id);
      else void this.#push(host);
    }
  }

  async #push({ id, control }: PushedHost): Promise<void> {
    const { pool, client, clock } = this.#options;
    const { signal } = this.#abort;
    this.#underWay.add(id);
    do {
      this.#owed.delete(id);
      const body: { pool: PoolId; slot: number } = { pool: pool.id, slot: pool.state.applied?.slot ?? 0 };
      await client.send("appended", { to: id, address: control, body, timeoutMs: TIMEOUT_MS, signal });
      await sleep(clock, GAP_MS, signal).catch(() => undefined);
    } while (this.#owed.has(id) && pool.serving && !signal.aborted);
    this.#underWay.delete(id);
  }
}
