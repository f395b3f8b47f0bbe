/**
 * Whether a primary begins its next batch now, or waits shortly until as many writes wait as the last batch had: they are
 * on their way, since their clients were just answered; without it two half-full batches alternate.
 */
import type { Cancel, Clock } from "../shared/clock.ts";
import type { WriteQueue } from "./write-queue.ts";

const LONGEST_MS = 1;

export class Gathering {
  readonly #queue: Pick<WriteQueue, "length">;
  readonly #clock: Clock;
  readonly #over: () => void;
  #lastGroup = 1;
  #publishMs = 1;
  #waiting: Cancel | null = null;

  /** `over` is called when the wait has ended by itself. */
  constructor(queue: Pick<WriteQueue, "length">, clock: Clock, over: () => void) {
    this.#queue = queue;
    this.#clock = clock;
    this.#over = over;
  }

  /** So many writes made the batch that begins now. */
  began(writes: number): void {
    this.#lastGroup = writes;
  }

  /** A batch took so long from its beginning to its commit. */
  published(durationMs: number): void {
    this.#publishMs = 0.8 * this.#publishMs + 0.2 * durationMs;
  }

  /** Whether to begin now. */
  enough(): boolean {
    if (this.#waiting) {
      if (this.#queue.length < this.#lastGroup) return false;
      this.stop();
      return true;
    }
    if (this.#lastGroup <= 1 || this.#queue.length >= this.#lastGroup) return true;
    this.#waiting = this.#clock.after(Math.min(LONGEST_MS, this.#publishMs / 2), () => {
      this.#waiting = null;
      this.#lastGroup = Math.max(1, Math.min(this.#lastGroup, this.#queue.length));
      this.#over();
    });
    return false;
  }

  stop(): void {
    this.#waiting?.();
    this.#waiting = null;
  }
}
