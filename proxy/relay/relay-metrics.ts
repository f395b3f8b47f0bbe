/** What the data plane counts: in plain maps while requests run, given to the registry when somebody asks. */
import { Counter, Histogram, type Registry } from "prom-client";
import type { PoolId } from "../../shared/ids.ts";

const PARK_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export class RelayMetrics {
  readonly #answers = new Map<PoolId, Map<number, number>>();
  readonly #failures: Counter<"pool" | "code">;
  readonly #replays: Counter<"pool">;
  readonly #parkSeconds: Histogram<"pool">;
  readonly #refused: Counter<"status">;

  constructor(register: Registry) {
    const registers = [register];
    const answers = this.#answers;
    // Registers itself, and is asked for nothing but this.
    void new Counter({
      name: "hotspare_proxy_requests_total",
      help: "Requests answered by a host",
      labelNames: ["pool", "status"],
      registers,
      collect() {
        for (const [pool, statuses] of answers) {
          for (const [status, count] of statuses) this.inc({ pool, status: String(status) }, count);
          statuses.clear();
        }
      },
    });
    this.#failures = new Counter({
      name: "hotspare_proxy_failures_total",
      help: "Requests that ended without a host's answer",
      labelNames: ["pool", "code"],
      registers,
    });
    this.#replays = new Counter({
      name: "hotspare_proxy_replays_total",
      help: "Requests that were sent again",
      labelNames: ["pool"],
      registers,
    });
    this.#refused = new Counter({
      name: "hotspare_proxy_refused_requests_total",
      help: "Requests that could not be read for certain, came too slowly, or asked for what is not offered",
      labelNames: ["status"],
      registers,
    });
    this.#parkSeconds = new Histogram({
      name: "hotspare_proxy_park_seconds",
      help: "How long parked requests waited",
      labelNames: ["pool"],
      buckets: PARK_BUCKETS,
      registers,
    });
  }

  /** A host's answer begins. `waitedMs`: how long it was parked; `null` if it was not. */
  answered(pool: PoolId, status: number, waitedMs: number | null): void {
    let statuses = this.#answers.get(pool);
    if (statuses === undefined) this.#answers.set(pool, (statuses = new Map<number, number>()));
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (waitedMs !== null) this.#parkSeconds.observe({ pool }, waitedMs / 1000);
  }

  /** It ended without a host's answer, by error code; `client-gone` if nobody waited any more. */
  failed(pool: PoolId, code: string): void {
    this.#failures.inc({ pool, code });
  }

  /** It reached no pool. */
  refused(status: number): void {
    this.#refused.inc({ status });
  }

  replayed(pool: PoolId): void {
    this.#replays.inc({ pool });
  }
}
