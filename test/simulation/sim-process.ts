/**
 * One life after another of one process: it can be killed, started again, and paused for any time between any two things
 * that it does. What it had scheduled dies with it; what falls due while it is paused happens when it goes on.
 */
import type { Scheduler } from "./scheduler.ts";

/** One life: what is scheduled on it happens in it, or never. */
export interface Lifeline {
  readonly ended: () => boolean;
  readonly later: (delayMs: number, run: () => void) => void;
}

export class SimProcess {
  readonly #scheduler: Scheduler;
  #life = 0;
  #alive = false;
  #pausedUntilMs = 0;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  get alive(): boolean {
    return this.#alive;
  }

  get paused(): boolean {
    return this.#scheduler.nowMs < this.#pausedUntilMs;
  }

  start(): void {
    this.#life += 1;
    this.#alive = true;
    this.#pausedUntilMs = 0;
  }

  kill(): void {
    this.#life += 1;
    this.#alive = false;
  }

  pause(durationMs: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#scheduler.nowMs + durationMs);
  }

  resume(): void {
    this.#pausedUntilMs = 0;
  }

  lifeline(): Lifeline {
    const life = this.#life;
    return {
      ended: () => life !== this.#life,
      later: (delayMs, run) => this.#scheduler.after(delayMs, () => this.#run(life, run)),
    };
  }

  later(delayMs: number, run: () => void): void {
    this.lifeline().later(delayMs, run);
  }

  #run(life: number, run: () => void): void {
    if (life !== this.#life || !this.#alive) return;
    const waitMs = this.#pausedUntilMs - this.#scheduler.nowMs;
    // Looks again at short intervals, so that a process that is resumed early goes on.
    if (waitMs > 0) return this.#scheduler.after(Math.min(waitMs, RESUME_LOOK_MS), () => this.#run(life, run));
    run();
  }
}

const RESUME_LOOK_MS = 500;
