/** How long a request waited for a primary, over all its waits. */
import type { Clock } from "../../shared/clock.ts";

export class WaitingTime {
  readonly #clock: Clock;
  #enteredMs = 0;
  #sumMs = 0;
  #parked = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** In milliseconds; `null` if it never waited. */
  get parkedMs(): number | null {
    return this.#parked ? this.#sumMs : null;
  }

  get sumMs(): number {
    return this.#sumMs;
  }

  begins(): void {
    this.#enteredMs = this.#clock.monotonicMs();
  }

  ends(): void {
    this.#parked = true;
    this.#sumMs += this.#clock.monotonicMs() - this.#enteredMs;
  }
}
