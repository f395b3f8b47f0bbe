/**
 * A process's clocks in virtual time. The monotonic one begins anywhere and may run a little fast or slow; the wall clock
 * is off, drifts and jumps. Both go on through a pause; timers that fall due meanwhile ring when the process goes on.
 */
import type { Cancel, Clock } from "../../shared/clock.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Lifeline } from "./sim-process.ts";

/** As Node's timers have it. */
const SHORTEST_MS = 1;

/** Of one machine, over all its lives. */
export interface WallClock {
  offsetMs: number;
}

export class SimClock implements Clock {
  readonly #scheduler: Scheduler;
  readonly #life: Lifeline;
  readonly #rate: number;
  readonly #startMs: number;
  readonly #wall: WallClock;

  constructor(scheduler: Scheduler, life: Lifeline, machine: { readonly rate: number; readonly wall: WallClock }) {
    this.#scheduler = scheduler;
    this.#life = life;
    this.#rate = machine.rate;
    this.#startMs = scheduler.nowMs;
    this.#wall = machine.wall;
  }

  monotonicMs(): number {
    return 1_000 + (this.#scheduler.nowMs - this.#startMs) * this.#rate;
  }

  wallMs(): number {
    return Math.floor(1_700_000_000_000 + this.#scheduler.nowMs * this.#rate + this.#wall.offsetMs);
  }

  after(delayMs: number, run: () => void): Cancel {
    let open = true;
    this.#life.later(Math.max(SHORTEST_MS, delayMs) / this.#rate, () => {
      if (open) run();
      open = false;
    });
    return () => {
      open = false;
    };
  }
}
