/** What the data plane counts. */
import { Counter, Histogram, type Registry } from "prom-client";

export interface RelayMetrics {
  readonly requests: Counter<"pool" | "status">;
  /** How a request ended that no host answered, by error code; `client-gone` if nobody waited any more. */
  readonly failures: Counter<"pool" | "code">;
  readonly replays: Counter<"pool">;
  readonly parkSeconds: Histogram<"pool">;
}

const PARK_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export function relayMetrics(register: Registry): RelayMetrics {
  const registers = [register];
  return {
    requests: new Counter({
      name: "hotspare_proxy_requests_total",
      help: "Requests answered by a host",
      labelNames: ["pool", "status"],
      registers,
    }),
    failures: new Counter({
      name: "hotspare_proxy_failures_total",
      help: "Requests that ended without a host's answer",
      labelNames: ["pool", "code"],
      registers,
    }),
    replays: new Counter({
      name: "hotspare_proxy_replays_total",
      help: "Requests that were sent again",
      labelNames: ["pool"],
      registers,
    }),
    parkSeconds: new Histogram({
      name: "hotspare_proxy_park_seconds",
      help: "How long parked requests waited",
      labelNames: ["pool"],
      buckets: PARK_BUCKETS,
      registers,
    }),
  };
}
