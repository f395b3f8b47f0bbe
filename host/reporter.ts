/**
 * Keeps the control thread's picture of this host fresh: at once when a pool's state changes, and now and then anyway, for
 * what only time changes.
 */
import type { Cancel, Clock } from "../shared/clock.ts";
import type { WriteProbe } from "../shared/vault/write-probe.ts";
import type { Control } from "./control.ts";
import type { HostedPool } from "./pool.ts";

export interface ReporterOptions {
  readonly pools: readonly HostedPool[];
  readonly control: Pick<Control, "publish" | "probe">;
  readonly probe: WriteProbe;
  readonly clock: Clock;
}

const INTERVAL_MS = 50;

export class Reporter {
  readonly #options: ReporterOptions;
  readonly #unlisten: (() => void)[];
  #timer: Cancel;

  constructor(options: ReporterOptions) {
    this.#options = options;
    const report = (): void => this.#report();
    this.#unlisten = options.pools.flatMap((pool) => [pool.on("primary", report), pool.on("standby", report)]);
    this.#timer = this.#schedule();
    this.#report();
  }

  stop(): void {
    this.#timer();
    for (const unlisten of this.#unlisten) unlisten();
  }

  #schedule(): Cancel {
    return this.#options.clock.after(INTERVAL_MS, () => {
      this.#report();
      this.#timer = this.#schedule();
    });
  }

  #report(): void {
    const { pools, control, probe, clock } = this.#options;
    const now = clock.monotonicMs();
    control.publish(pools.map((pool) => pool.report(now)));
    control.probe(probe.report());
  }
}
