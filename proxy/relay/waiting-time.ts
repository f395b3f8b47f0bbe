/** How long a request waited for a primary, over all its waits. */
import type { Clock } from "../../shared/clock.ts";

export class WaitingTime {
  readonly #clock: Clock;
  #enteredMs = 0;
  #sumMs = 0;
  #parked = false;
  #entering = false;

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

  /** It begins with `enter`, and has not been if it ends within that. */
  during(enter: () => void): void {
    this.#enteredMs = this.#clock.monotonicMs();
    this.#entering = true;
    enter();
    this.#entering = false;
  }

  ends(): void {
    if (this.#entering) return;
    this.#parked = true;
    this.#sumMs += this.#clock.monotonicMs() - this.#enteredMs;
  }
}
