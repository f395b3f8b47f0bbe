/** What `/api/v1/status` and the status page show, made from the core's state. Times in milliseconds. */
import type { Config } from "../shared/config/config.ts";
import type { NodeId, PoolId } from "../shared/ids.ts";
import type { PoolReport } from "../shared/wire/messages.ts";
import type { HostHealth, Verdict } from "./core/host-health.ts";
import { poolReportOf, type PoolState, type PoolView } from "./core/pool-view.ts";
import type { ProxyState } from "./core/proxy-state.ts";

export interface ProxyStatus {
  readonly cluster: string;
  /** The proxy that says all this. */
  readonly self: NodeId;
  readonly pools: readonly PoolStatus[];
  readonly hosts: readonly HostStatus[];
  readonly proxies: readonly ProxyNodeStatus[];
}

interface PoolStatus {
  readonly id: PoolId;
  readonly state: PoolState;
  readonly epoch: number;
  readonly primary: NodeId | null;
  readonly slot: number | null;
  readonly standbys: readonly { readonly host: NodeId; readonly slot: number; readonly lagMs: number }[];
  readonly parked: number;
}

interface HostStatus {
  readonly id: NodeId;
  /** In the first pool; `roles` has them all. `null`: not heard. */
  readonly role: string | null;
  readonly roles: Readonly<Record<string, string>>;
  readonly health: Verdict["type"];
  readonly reason: string | null;
  readonly clockOffsetMs: number | null;
  readonly version: string | null;
  readonly configHash: string | null;
  /** Ids of the keys that it accepts; the first signs. `null`: it has not said. */
  readonly keys: readonly string[] | null;
  /** Why it and this proxy have no version of the protocol in common; `null`: they have. */
  readonly protocol: string | null;
  readonly alarms: readonly string[];
}

interface ProxyNodeStatus {
  readonly id: NodeId;
  readonly health: "up" | "unknown";
  /** `null`: proxies do not tell one another what they see. */
  readonly agrees: boolean | null;
  /** As of a host. */
  readonly keys: readonly string[] | null;
  readonly protocol: string | null;
}

export interface StatusSource {
  readonly config: Config;
  readonly self: NodeId;
  readonly state: ProxyState;
  /** Of this proxy. */
  readonly keys: readonly string[];
  readonly offsetMs: (host: NodeId) => number | null;
  readonly protocolProblem: (host: NodeId) => string | null;
  readonly parked: (pool: PoolId) => number;
}

export function proxyStatus(source: StatusSource): ProxyStatus {
  const { config, self, state, keys } = source;
  return {
    cluster: config.cluster,
    self,
    pools: [...state.pools.values()].map((view) => poolStatus(view, source)),
    hosts: [...state.hosts.values()].map((health) => hostStatus(health, source)),
    proxies: config.proxies.map(({ id }) =>
      id === self
        ? { id, health: "up", agrees: true, keys, protocol: null }
        : { id, health: "unknown", agrees: null, keys: null, protocol: null },
    ),
  };
}

function poolStatus(view: PoolView, { state, parked }: StatusSource): PoolStatus {
  const { pool: id, epoch } = view;
  const primary = view.state === "serving" ? (view.claim?.host ?? null) : null;
  const reports = reportsOf(id, state);
  const standbys = reports
    .filter(({ host, entry }) => host !== primary && entry.role === "standby")
    .map(({ host, entry }) => ({ host, slot: entry.slot, lagMs: entry.lagMs }));
  const slot = reports.find(({ host }) => host === primary)?.entry.slot ?? null;
  return { id, state: view.state, epoch, primary, slot, standbys, parked: parked(id) };
}

/** Of hosts that are down nothing is known any more. */
function reportsOf(pool: PoolId, state: ProxyState): { readonly host: NodeId; readonly entry: PoolReport }[] {
  return [...state.hosts.values()].flatMap(({ host, report, verdict }) => {
    const entry = report === null || verdict.type === "down" ? null : poolReportOf(report.body, pool);
    return entry === null ? [] : [{ host, entry }];
  });
}

function hostStatus(
  { host: id, report, verdict }: HostHealth,
  { offsetMs, protocolProblem }: StatusSource,
): HostStatus {
  const entries = report?.body.pools ?? [];
  return {
    id,
    role: entries[0]?.role ?? null,
    roles: Object.fromEntries(entries.map((entry) => [entry.pool, entry.role])),
    health: verdict.type,
    reason: "reason" in verdict ? verdict.reason : null,
    clockOffsetMs: offsetMs(id),
    version: report?.body.version ?? null,
    configHash: report?.body.configHash ?? null,
    keys: report?.body.keys ?? null,
    protocol: protocolProblem(id),
    alarms: entries.flatMap((entry) => (entry.alarm === null ? [] : [`${entry.pool}: ${entry.alarm}`])),
  };
}
