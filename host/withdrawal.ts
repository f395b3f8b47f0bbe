/**
 * Carries out that an operator took this host out of the cluster: a pool that it serves moves away first, and only then is it
 * offline. As long as nobody could follow it goes on serving and tries again, unless the operator said that it may be the
 * last: then a final checkpoint is taken, and the pool rests.
 */
import { sleep, type Clock } from "../shared/clock.ts";
import { reasonOf } from "../shared/errors.ts";
import type { NodeId } from "../shared/ids.ts";
import type { Log } from "../shared/log.ts";
import { exclusionOf, offlineOf, type Decisions } from "../shared/revisions/decisions.ts";
import type { Handover } from "./handover.ts";
import type { PoolCheckpoints } from "./pool-checkpoints.ts";
import type { HostedPool } from "./pool.ts";

export interface WithdrawalOptions {
  readonly self: NodeId;
  readonly pool: HostedPool;
  readonly handover: Handover;
  readonly checkpoints: Pick<PoolCheckpoints, "take">;
  readonly clock: Clock;
  readonly log: Log;
}

const RETRY_MS = 1000;

export class Withdrawal {
  readonly #options: WithdrawalOptions;
  readonly #abort = new AbortController();
  /** Why this host is out; `null`: it is not. */
  #reason: string | null = null;
  /** Also if nobody could follow. */
  #last = false;
  #working = false;

  constructor(options: WithdrawalOptions) {
    this.#options = options;
  }

  decided(decisions: Decisions): void {
    const { self, pool } = this.#options;
    this.#reason = exclusionOf(decisions, self);
    this.#last = offlineOf(decisions, self)?.last ?? false;
    pool.decided(this.#reason);
    void this.#work();
  }

  stop(): void {
    this.#abort.abort(new Error("the host stops"));
  }

  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    const { clock } = this.#options;
    const { signal } = this.#abort;
    // A takeover that was under way may still end in serving.
    while (!signal.aborted && this.#reason !== null && !this.#isOut()) {
      await this.#leave(this.#reason);
      await sleep(clock, RETRY_MS, signal).catch(() => undefined);
    }
    this.#working = false;
  }

  #isOut(): boolean {
    return this.#options.pool.state.phase.type === "offline";
  }

  async #leave(reason: string): Promise<void> {
    const { pool, handover, checkpoints, log } = this.#options;
    try {
      if (!pool.serving || (await handover.leave(reason, { insists: false })) || !this.#last) return;
      await handover.rest(reason);
      await checkpoints.take("the last host is taken offline");
      if (this.#reason !== null) await pool.handOver(null, reason);
    } catch (error) {
      log.warn({ reason: reasonOf(error) }, "the host cannot leave the pool yet");
    }
  }
}
