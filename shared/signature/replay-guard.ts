/**
 * Refuses a nonce that was seen before, in bounded memory, for the life of this process. Of each series only the highest
 * counter and a window below it are kept. What is below the window is refused, seen or not.
 *
 * A replay after this process restarted is refused elsewhere: by the receiver's boot id in the body, or by the time window.
 *
 * The bound is on series, over all senders. At the limit the series that was silent longest makes room, and from then on a
 * series that is not known is believed only inside the time window: else what was forgotten could be replayed. A series heard
 * within the window is never forgotten; if all were, the new one is refused. That takes thousands of starts of the senders.
 */
import type { NodeId } from "../ids.ts";
import type { Clock } from "../clock.ts";
import type { Nonce } from "./nonce.ts";

/** How many counters below the highest one may still arrive, each once. */
export const REPLAY_WINDOW = 1024;

export interface Arrival {
  readonly from: NodeId;
  readonly nonce: Nonce;
  /** Whether the signature's `created` is inside the time window. */
  readonly time: "inside" | "outside";
}

export interface ReplayGuardOptions {
  readonly clock: Clock;
  /** How long a signature may be believed: both sides of the window together. */
  readonly windowMs: number;
  readonly maxSeries?: number;
}

export class ReplayGuard {
  readonly #clock: Clock;
  readonly #windowMs: number;
  readonly #maxSeries: number;
  /** In order of the last arrival, oldest first. */
  readonly #series = new Map<string, SeenSeries>();
  #forgot = false;

  constructor({ clock, windowMs, maxSeries = 4096 }: ReplayGuardOptions) {
    this.#clock = clock;
    this.#windowMs = windowMs;
    this.#maxSeries = maxSeries;
  }

  /** Takes the nonce as seen. `null`: it is new; otherwise why it is refused. Call it once the signature is verified. */
  admit(arrival: Arrival): string | null {
    const key = `${arrival.from} ${arrival.nonce.series}`;
    const known = this.#series.get(key);
    if (known === undefined) {
      const reason = this.#makeRoom(arrival);
      if (reason !== null) return reason;
    }
    const series = known ?? new SeenSeries();
    const reason = series.take(arrival.nonce.counter);
    if (reason !== null) return reason;
    series.heardMs = this.#clock.monotonicMs();
    this.#series.delete(key);
    this.#series.set(key, series);
    return null;
  }

  #makeRoom(arrival: Arrival): string | null {
    const full = this.#series.size >= this.#maxSeries;
    if ((full || this.#forgot) && arrival.time === "outside")
      return "an unknown series of nonces, out of the time window";
    if (!full) return null;
    for (const [oldest, { heardMs }] of this.#series) {
      if (this.#clock.monotonicMs() - heardMs <= this.#windowMs)
        return "too many series of nonces within the time window";
      this.#series.delete(oldest);
      this.#forgot = true;
      break;
    }
    return null;
  }
}

/** A ring of bits: bit `counter % REPLAY_WINDOW` says whether that counter was seen. */
class SeenSeries {
  heardMs = 0;
  #highest = 0;
  readonly #bits = new Uint32Array(REPLAY_WINDOW / 32);

  take(counter: number): string | null {
    if (counter <= this.#highest - REPLAY_WINDOW) return "the nonce is older than the window of nonces";
    if (counter <= this.#highest && this.#has(counter)) return "the nonce was seen before";
    this.#advance(counter);
    this.#bits[index(counter)] = (this.#bits[index(counter)] ?? 0) | mask(counter);
    return null;
  }

  #has(counter: number): boolean {
    return ((this.#bits[index(counter)] ?? 0) & mask(counter)) !== 0;
  }

  /** The counters that are passed over share their bits with ones that leave the window: those must read as not seen. */
  #advance(counter: number): void {
    if (counter - this.#highest >= REPLAY_WINDOW) this.#bits.fill(0);
    else
      for (let passed = this.#highest + 1; passed <= counter; passed++)
        this.#bits[index(passed)] = (this.#bits[index(passed)] ?? 0) & ~mask(passed);
    this.#highest = Math.max(this.#highest, counter);
  }
}

const index = (counter: number): number => Math.floor((counter % REPLAY_WINDOW) / 32);
const mask = (counter: number): number => 1 << (counter % 32);
