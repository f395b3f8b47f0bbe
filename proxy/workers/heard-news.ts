/**
 * What heartbeats bring that workers have to know: who lives, and how late it is in each pool's log. With short intervals
 * and many hosts that comes often, so the first goes at once and what follows goes together after a moment.
 */
import type { Cancel, Clock } from "../../shared/clock.ts";
import type { NodeId, PoolId } from "../../shared/ids.ts";
import type { Heard, LogTime } from "./worker-messages.ts";

export interface HeardNewsOptions {
  readonly clock: Clock;
  readonly pools: () => readonly PoolId[];
  readonly logTimeMs: (pool: PoolId) => number;
  readonly tell: (news: Heard) => void;
}

const GAP_MS = 20;

export class HeardNews {
  readonly #options: HeardNewsOptions;
  readonly #lives = new Map<NodeId, number>();
  readonly #told = new Map<PoolId, number>();
  #gap: Cancel | null = null;

  constructor(options: HeardNewsOptions) {
    this.#options = options;
  }

  /** `host` answered a heartbeat that was sent at `sentMs`. */
  lives(host: NodeId, sentMs: number): void {
    this.#lives.set(host, Math.max(sentMs, this.#lives.get(host) ?? sentMs));
    if (this.#gap === null) this.flush();
  }

  /** Tells at once what has been heard: before anything else is told that came after it. */
  flush(): void {
    if (this.#lives.size === 0) return;
    const lives = [...this.#lives].map(([host, sentMs]) => ({ host, sentMs }));
    this.#lives.clear();
    this.#gap?.();
    this.#gap = this.#options.clock.after(GAP_MS, () => {
      this.#gap = null;
      this.flush();
    });
    this.#options.tell({ lives, logTimes: this.#newLogTimes() });
  }

  stop(): void {
    this.#gap?.();
    this.#lives.clear();
  }

  #newLogTimes(): readonly LogTime[] {
    const { pools, logTimeMs } = this.#options;
    const now = pools().map((pool) => ({ pool, logTimeMs: logTimeMs(pool) }));
    const changed = now.filter(({ pool, logTimeMs: ms }) => this.#told.get(pool) !== ms);
    for (const { pool, logTimeMs: ms } of changed) this.#told.set(pool, ms);
    return changed;
  }
}
