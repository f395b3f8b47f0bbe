/** A clock that is moved by hand: time passes in the steps that a test asks for, and whatever falls due runs to its end. */
import type { Cancel, Clock } from "../../shared/clock.ts";

export class HandClock implements Clock {
  #nowMs = 0;
  #timers: { readonly atMs: number; readonly run: () => void }[] = [];

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): Cancel {
    const timer = { atMs: this.#nowMs + delayMs, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Lets time pass, timer by timer. */
  async pass(durationMs: number): Promise<void> {
    const endMs = this.#nowMs + durationMs;
    await turn();
    for (let next = this.#due(endMs); next; next = this.#due(endMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
      await turn();
    }
    this.#nowMs = endMs;
  }

  /** The process stands still meanwhile: what fell due runs afterwards. */
  async sleep(durationMs: number): Promise<void> {
    this.#nowMs += durationMs;
    await this.pass(0);
  }

  #due(endMs: number): { readonly atMs: number; readonly run: () => void } | undefined {
    const [next] = this.#timers.filter(({ atMs }) => atMs <= endMs).toSorted((one, other) => one.atMs - other.atMs);
    this.#timers = this.#timers.filter((timer) => timer !== next);
    return next;
  }
}

/** Everything that needs no more time, down to the vault in memory, happens in one turn of the event loop. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
