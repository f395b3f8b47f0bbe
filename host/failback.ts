/** Gives a served pool back to a host that is preferred over this one, as `core/failback.ts` decides. Looks every few seconds. */
import type { Cancel, Clock } from "../shared/clock.ts";
import { reasonOf } from "../shared/errors.ts";
import type { NodeId } from "../shared/ids.ts";
import type { Log } from "../shared/log.ts";
import { NOBODY_FIT, preferredOver, stepFailback } from "./core/failback.ts";
import type { Handover } from "./handover.ts";
import type { HostedPool } from "./pool.ts";

export interface FailbackOptions {
  readonly self: NodeId;
  readonly pool: Pick<HostedPool, "id" | "serving">;
  readonly handover: Pick<Handover, "fit" | "to">;
  /** Hosts in the order in which they are preferred, as it is now. */
  readonly preferred: () => readonly NodeId[];
  readonly stableMs: number;
  readonly inMaintenance: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
}

const LOOK_MS = 2000;

export class Failback {
  readonly #options: FailbackOptions;
  #fitSince = NOBODY_FIT;
  #servingSinceMs: number | null = null;
  #timer: Cancel = () => undefined;
  #stopped = false;

  constructor(options: FailbackOptions) {
    this.#options = options;
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer();
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer = this.#options.clock.after(LOOK_MS, () => void this.#look().finally(() => this.#schedule()));
  }

  async #look(): Promise<void> {
    const { self, pool, preferred, handover, inMaintenance, stableMs, clock } = this.#options;
    if (!pool.serving) return this.#forget();
    this.#servingSinceMs ??= clock.monotonicMs();
    const over = preferredOver(self, preferred());
    const known = over.length > 0 ? await handover.fit() : [];
    const fit = over.flatMap((host) => known.filter((one) => one.host === host));
    const sight = { fit, servingSinceMs: this.#servingSinceMs, inMaintenance: inMaintenance() };
    const { fitSince, to } = stepFailback(this.#fitSince, sight, clock.monotonicMs(), stableMs);
    this.#fitSince = fitSince;
    if (to !== null && !this.#stopped) await this.#giveBack(to);
  }

  /** If it is refused, that host has to be fit for as long again: nobody is asked every few seconds. */
  async #giveBack(to: NodeId): Promise<void> {
    const { handover, self, log } = this.#options;
    this.#fitSince = NOBODY_FIT;
    try {
      await handover.to(to, { by: self, cause: `failback: ${to} is preferred, and was fit for long enough` });
    } catch (error) {
      log.warn({ to, reason: reasonOf(error) }, "the pool was not given back");
    }
  }

  #forget(): void {
    this.#fitSince = NOBODY_FIT;
    this.#servingSinceMs = null;
  }
}
