/**
 * How many requests may be under way over all HTTP/2 connections together: a connection is bounded by itself, but all of
 * them at their bound would be too much.
 */
const MOST_STREAMS = 20_000;

export class StreamPlaces {
  #left = MOST_STREAMS;

  /** False: there is none. */
  take(): boolean {
    if (this.#left === 0) return false;
    this.#left -= 1;
    return true;
  }

  give(): void {
    this.#left += 1;
  }
}
