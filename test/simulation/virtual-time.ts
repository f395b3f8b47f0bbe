/**
 * Drives real code in virtual time: one entry of the scheduler, then everything that it leads to in promises, ticks and
 * immediates, then the next. What waits for real time (a timer, a disk) is not waited for.
 */
import type { Clock } from "../../shared/clock.ts";
import type { Dice } from "./dice.ts";
import { Scheduler } from "./scheduler.ts";

/** 2026-01-01: a wall clock must show some time. */
const WALL_START_MS = 1_767_225_600_000;
/** Immediates that immediates make. */
const ROUNDS = 2;

export class VirtualTime {
  readonly clock: Clock;
  readonly #scheduler: Scheduler;

  constructor(dice: Dice) {
    const scheduler = new Scheduler(dice);
    this.#scheduler = scheduler;
    this.clock = {
      monotonicMs: () => scheduler.nowMs,
      wallMs: () => WALL_START_MS + scheduler.nowMs,
      after: (delayMs, run) => {
        let isCancelled = false;
        scheduler.after(delayMs, () => isCancelled || run());
        return () => void (isCancelled = true);
      },
    };
  }

  get nowMs(): number {
    return this.#scheduler.nowMs;
  }

  after(delayMs: number, run: () => void): void {
    this.#scheduler.after(delayMs, run);
  }

  /** Runs what is due in the next `durationMs`. */
  async run(durationMs: number): Promise<void> {
    await this.until(new Promise<void>((resolve) => this.#scheduler.after(durationMs, resolve)), durationMs);
  }

  /** Runs until `promise` is settled. @throws {Error} if that does not happen within `limitMs`. */
  async until<Value>(promise: Promise<Value>, limitMs = 120_000): Promise<Value> {
    const endMs = this.nowMs + limitMs;
    const waiting = new Set([promise]);
    const settled = (): void => void waiting.delete(promise);
    promise.then(settled, settled);
    for (await settle(); waiting.size > 0; await settle()) {
      if (this.#scheduler.nextMs > endMs) throw new Error(`not settled within ${limitMs} ms of virtual time`);
      this.#scheduler.step();
    }
    return promise;
  }
}

async function settle(): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) await new Promise((resolve) => setImmediate(resolve));
}
