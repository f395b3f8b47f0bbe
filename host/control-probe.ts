/**
 * What load balancers and supervisors may ask without a signature: a pure judgement of a host's report. 200 or 503,
 * always with a body that says why.
 *
 * | path | 200 if |
 * | --- | --- |
 * | `/live` | the main thread ticks |
 * | `/health` | live, and no pool has an alarm |
 * | `/ready` | live, and each pool is a serving primary, or a standby without an alarm |
 * | `/primary` | live, and each pool is a serving primary |
 * | `/standby?lag=` | live, and each pool is a standby, not further behind than `lag` (`500ms`, `5s`; a number: milliseconds) |
 *
 * "Each pool" is the one named by `?pool=`, or all of them. A query that makes no sense is a 503 that says so: whoever asks
 * wrongly must not be sent any traffic.
 */
import { parseDuration } from "../shared/config/duration.ts";
import { unreachable } from "../shared/errors.ts";
import type { HostReport, PoolReport } from "../shared/wire/reports.ts";

export const PROBES = ["live", "health", "ready", "primary", "standby"] as const;
export type ProbeName = (typeof PROBES)[number];

/** As parsed from the URL: a name that comes twice is a list. */
export interface ProbeQuery {
  readonly pool?: unknown;
  readonly lag?: unknown;
}

export interface ProbeAnswer {
  readonly status: 200 | 503;
  readonly body: ProbeBody;
}

interface ProbeBody extends Partial<PoolSummary> {
  /** `null` with 200. */
  readonly reason: string | null;
  readonly host: string;
  readonly version: string;
  readonly mainTickAgeMs: number;
  /** Why it distrusts its own clock; `null` if it does not. */
  readonly quarantined: string | null;
  /** Ids of the keys that it accepts; the first signs. */
  readonly keys: readonly string[];
  /** Those that were asked about. With exactly one, its fields are also beside these. */
  readonly pools: readonly PoolSummary[];
}

type PoolSummary = ReturnType<typeof summary>;

export interface Probing {
  readonly name: ProbeName;
  readonly query: ProbeQuery;
  readonly stalledMs: number;
}

export function probe(report: HostReport, { name, query, stalledMs }: Probing): ProbeAnswer {
  const pools = report.pools.filter(({ pool }) => query.pool === undefined || pool === query.pool);
  const reason = stalled(report, stalledMs) ?? (name === "live" ? null : whyNot(name, pools, query));
  const { host, version, mainTickAgeMs, quarantined = null, keys = [] } = report;
  const summaries = pools.map(summary);
  const single = summaries.length === 1 ? summaries[0] : {};
  const body = { reason, host, version, mainTickAgeMs, quarantined, keys, ...single, pools: summaries };
  return { status: reason === null ? 200 : 503, body };
}

const stalled = ({ mainTickAgeMs }: HostReport, stalledMs: number): string | null =>
  mainTickAgeMs > stalledMs ? `the main thread has not ticked for ${Math.round(mainTickAgeMs)} ms` : null;

function whyNot(name: Exclude<ProbeName, "live">, pools: readonly PoolReport[], query: ProbeQuery): string | null {
  if (pools.length === 0)
    return query.pool === undefined ? "no pool is known yet" : `there is no pool ${JSON.stringify(query.pool)}`;
  const maxLagMs = readLag(query.lag);
  if (maxLagMs === null) return `lag: found ${JSON.stringify(query.lag)}, accepted is a span of time such as 500ms`;
  for (const pool of pools) {
    const reason = whyNotPool(name, pool, maxLagMs);
    if (reason !== null) return `pool ${pool.pool}: ${reason}`;
  }
  return null;
}

function whyNotPool(name: Exclude<ProbeName, "live">, pool: PoolReport, maxLagMs: number): string | null {
  switch (name) {
    case "health":
      return pool.alarm;
    case "primary":
      return whyNotPrimary(pool);
    case "standby":
      return whyNotStandby(pool, maxLagMs);
    case "ready":
      return pool.role === "standby" ? pool.alarm : whyNotPrimary(pool);
    default:
      return unreachable(name);
  }
}

function whyNotPrimary({ role, serving }: PoolReport): string | null {
  if (role !== "primary") return `it is ${role}`;
  return serving ? null : "it does not serve yet";
}

function whyNotStandby({ role, lagMs }: PoolReport, maxLagMs: number): string | null {
  if (role !== "standby") return `it is ${role}`;
  return lagMs <= maxLagMs ? null : `it is ${Math.round(lagMs)} ms behind`;
}

/** `null` if it is no span of time. */
function readLag(text: unknown): number | null {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  if (typeof text !== "string") return null;
  return /^\d{1,15}$/.test(text) ? Number(text) : parseDuration(text);
}

function summary({ pool, role, serving, fence, slot, lsn, lagMs, unfit, alarm, takingOver }: PoolReport) {
  return { pool, role, serving, epoch: fence?.epoch ?? 0, slot, lsn, lagMs, unfit, alarm, takingOver };
}
