/** A host that dies breaks thousands of requests within a moment: the core hears of it at once, then now and then. */
import type { Clock } from "../shared/clock.ts";
import type { NodeId } from "../shared/ids.ts";

const GAP_MS = 5;

export class TroubleLimit {
  readonly #clock: Clock;
  readonly #tell: (host: NodeId) => void;
  readonly #waiting = new Set<NodeId>();
  readonly #toldMs = new Map<NodeId, number>();

  constructor(clock: Clock, tell: (host: NodeId) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** A request to this host failed. What is told follows later, never within. */
  add(host: NodeId): void {
    if (this.#waiting.has(host)) return;
    const earliestMs = (this.#toldMs.get(host) ?? Number.NEGATIVE_INFINITY) + GAP_MS;
    const delayMs = Math.max(0, earliestMs - this.#clock.monotonicMs());
    this.#waiting.add(host);
    const tell = (): void => {
      this.#waiting.delete(host);
      this.#toldMs.set(host, this.#clock.monotonicMs());
      this.#tell(host);
    };
    if (delayMs === 0) queueMicrotask(tell);
    else this.#clock.after(delayMs, tell);
  }
}
