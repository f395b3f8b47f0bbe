/** What `/api/v1/status` and the status page show, made from the core's state. Times in milliseconds. */
import type { ClockDispute } from "../shared/clocks/clock-median.ts";
import type { PeerClocks } from "../shared/clocks/peer-clocks.ts";
import type { Config } from "../shared/config/config.ts";
import type { NodeId, PoolId } from "../shared/ids.ts";
import { exclusionOf, maintenanceAt, type Maintenance } from "../shared/revisions/decisions.ts";
import type { PoolReport } from "../shared/wire/reports.ts";
import { PROTOCOL, type ProtocolRange } from "../shared/wire/protocol-range.ts";
import { peerStateOf } from "./core/gossip.ts";
import { ballotOf } from "./core/failover.ts";
import type { HostHealth, Verdict } from "./core/host-health.ts";
import type { Content } from "./core/observation.ts";
import { poolReportOf, type PoolState, type PoolView } from "./core/pool-view.ts";
import type { WorkerCount } from "./relay/traffic.ts";
import { councilOf, type ProxyState, type Rules } from "./core/proxy-state.ts";

export interface ProxyStatus {
  readonly cluster: string;
  readonly pools: readonly PoolStatus[];
  readonly hosts: readonly HostStatus[];
  readonly proxies: readonly ProxyNodeStatus[];
  /** Whose clock and view all this is. */
  readonly self: NodeId;
  /** Which two clocks differ though nobody can say whose is wrong; `null`: none, or the median says. */
  readonly clockDispute: string | null;
  /** Processes of this proxy that carry requests. */
  readonly workers: WorkerCount;
  /** While it holds, nobody is ordered to take over; `null`: there is none. */
  readonly maintenance: Maintenance | null;
}

/** How far a node's clock is ahead of this proxy's, and of the median of at least three; `null`: not known. */
interface ClockStatus {
  readonly clockOffsetMs: number | null;
  readonly clockErrorMs: number | null;
  readonly clockDeviationMs: number | null;
  /** Why the node distrusts its own clock; `null`: it does not, or nobody has heard. */
  readonly quarantined: string | null;
}

/** How a node stands to its configuration file, as it says; of one that was not heard, or is older, nothing is known. */
interface ConfigStatus {
  readonly configHash: string | null;
  readonly configProblem: string | null;
  readonly pendingRestart: readonly string[];
}

interface PoolStatus {
  readonly id: PoolId;
  readonly state: PoolState;
  readonly epoch: number;
  readonly primary: NodeId | null;
  readonly slot: number | null;
  readonly standbys: readonly { readonly host: NodeId; readonly slot: number; readonly lagMs: number }[];
  readonly parked: number;
  /** Why this proxy would depose the primary, with how many others; `null`: it would not. */
  readonly trouble: string | null;
}

interface HostStatus extends ClockStatus, ConfigStatus {
  /** Why it takes no part: an operator took it out, or removed it; `null`: it does. */
  readonly offline: string | null;
  readonly id: NodeId;
  /** In the first pool; `roles` has them all. `null`: not heard. */
  readonly role: string | null;
  readonly roles: Readonly<Record<string, string>>;
  readonly health: Verdict["type"];
  readonly reason: string | null;
  readonly version: string | null;
  /** Ids of the keys that it accepts; the first signs. `null`: it has not said. */
  readonly keys: readonly string[] | null;
  /** Why it and this proxy have no version of the protocol in common; `null`: they have. */
  readonly protocol: string | null;
  readonly alarms: readonly string[];
}

interface ProxyNodeStatus extends ClockStatus, ConfigStatus {
  /** Why it takes no part: an operator took it out, or removed it; `null`: it does. */
  readonly offline: string | null;
  readonly id: NodeId;
  readonly health: "up" | "suspect" | "down" | "unknown";
  /** Why it refuses what this proxy says to it; `null`: it does not. */
  readonly reason: string | null;
  /** Whether it sees primaries and epochs as this proxy does; `null`: it has not said. */
  readonly agrees: boolean | null;
  readonly version: string | null;
  /** Ids of the keys that it accepts; the first is the one that it signs with. `null`: it has not said. */
  readonly keys: readonly string[] | null;
  /** Why it has no version of the protocol in common with this proxy. */
  readonly protocol: string | null;
  /** Which versions of the protocol it speaks, and the Node.js that it runs on. Of the others nobody is told. */
  readonly speaks: ProtocolRange | null;
  readonly node: string | null;
}

export interface StatusSource {
  readonly config: Config;
  readonly self: NodeId;
  readonly state: ProxyState;
  readonly clocks: PeerClocks;
  /** Why this proxy distrusts its own clock. */
  readonly quarantined: string | null;
  /** Why that proxy refuses what this one says to it. */
  readonly refusal: (proxy: NodeId) => string | null;
  readonly nowMs: number;
  readonly rules: Rules;
  readonly protocolProblem: (node: NodeId) => string | null;
  readonly parked: (pool: PoolId) => number;
  readonly workers: WorkerCount;
}

export function proxyStatus(source: StatusSource): ProxyStatus {
  const { config, self, state, clocks } = source;
  return {
    cluster: config.cluster,
    self,
    pools: [...state.pools.values()].map((view) => poolStatus(view, source)),
    hosts: [...state.hosts.values()].map((health) => hostStatus(health, source)),
    proxies: config.proxies.map(({ id }) => proxyNodeStatus(id, source)),
    clockDispute: disputeText(clocks.dispute()),
    workers: source.workers,
    maintenance: maintenanceAt(state.decisions, source.nowMs + state.own.wallAheadMs),
  };
}

function proxyNodeStatus(id: NodeId, source: StatusSource): ProxyNodeStatus {
  const { self, clocks, state, nowMs, rules, refusal, protocolProblem } = source;
  const isSelf = id === self;
  const health = isSelf ? "up" : PEER_HEALTH[peerStateOf(state.gossip, id, nowMs, rules.gossip)];
  // Of one that is silent nothing is known any more.
  const content = health === "up" ? (state.gossip.known.get(id)?.content ?? null) : null;
  return {
    id,
    health,
    reason: isSelf ? null : refusal(id),
    offline: exclusionOf(state.decisions, id),
    agrees: isSelf ? true : content && agrees(content, state.pools),
    version: content?.program ?? null,
    ...configStatus(content),
    keys: content?.keys ?? null,
    protocol: isSelf ? null : protocolProblem(id),
    speaks: isSelf ? PROTOCOL : null,
    node: isSelf ? process.versions.node : null,
    ...clockStatus(id, clocks, isSelf ? source.quarantined : (content?.quarantined ?? null)),
  };
}

const PEER_HEALTH = { unknown: "unknown", alive: "up", suspect: "suspect", dead: "down" } as const;

const agrees = ({ pools }: Content, own: ReadonlyMap<PoolId, PoolView>): boolean =>
  pools.every(({ pool, epoch, primary, opinion }) => {
    const view = own.get(pool as PoolId);
    return view?.epoch === epoch && (view.claim?.host ?? null) === primary && view.opinion === opinion;
  });

type Configured = Pick<Content, "configHash" | "configProblem" | "pendingRestart">;

const configStatus = (said: Configured | null): ConfigStatus => ({
  configHash: said?.configHash ?? null,
  configProblem: said?.configProblem ?? null,
  pendingRestart: said?.pendingRestart ?? [],
});

function clockStatus(node: NodeId, clocks: PeerClocks, quarantined: string | null): ClockStatus {
  const offset = clocks.estimate(node);
  return {
    clockOffsetMs: offset?.offsetMs ?? null,
    clockErrorMs: offset?.errorMs ?? null,
    clockDeviationMs: clocks.deviationOf(node)?.offsetMs ?? null,
    quarantined,
  };
}

function disputeText(dispute: ClockDispute | null): string | null {
  if (dispute === null) return null;
  const { ahead, behind, difference } = dispute;
  const figures = `${Math.round(difference.offsetMs)} ms (± ${Math.ceil(difference.errorMs)} ms)`;
  return `the clock of ${ahead} is ${figures} ahead of that of ${behind}; which of them is wrong cannot be said`;
}

function poolStatus(view: PoolView, source: StatusSource): PoolStatus {
  const { state, parked } = source;
  const { pool: id, epoch } = view;
  const primary = view.state === "serving" ? (view.claim?.host ?? null) : null;
  const reports = reportsOf(id, state);
  const standbys = reports
    .filter(({ host, entry }) => host !== primary && entry.role === "standby")
    .map(({ host, entry }) => ({ host, slot: entry.slot, lagMs: entry.lagMs }));
  const slot = reports.find(({ host }) => host === primary)?.entry.slot ?? null;
  const trouble = troubleOf(view, source);
  return { id, state: view.state, epoch, primary, slot, standbys, parked: parked(id), trouble };
}

function troubleOf(view: PoolView, { state, nowMs, rules }: StatusSource): string | null {
  if (view.incident === null) return null;
  const council = councilOf(state, nowMs, rules);
  const { inFavour, needed } = ballotOf(view, { council, nowMs, settings: rules.settings });
  return `${view.incident.cause}: ${inFavour} of ${needed} proxies needed say so`;
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
  { clocks, protocolProblem, state }: StatusSource,
): HostStatus {
  const entries = report?.body.pools ?? [];
  return {
    id,
    role: entries[0]?.role ?? null,
    roles: Object.fromEntries(entries.map((entry) => [entry.pool, entry.role])),
    health: verdict.type,
    reason: "reason" in verdict ? verdict.reason : null,
    offline: exclusionOf(state.decisions, id),
    ...clockStatus(id, clocks, verdict.type === "down" ? null : (report?.body.quarantined ?? null)),
    version: report?.body.version ?? null,
    ...configStatus(report?.body ?? null),
    keys: report?.body.keys ?? null,
    protocol: protocolProblem(id),
    alarms: entries.flatMap((entry) => (entry.alarm === null ? [] : [`${entry.pool}: ${entry.alarm}`])),
  };
}
