/**
 * Who can take a pool over, best first. Pure.
 *
 * A candidate answers its heartbeats, may and can take over, reads the same vault, and has just written to it. One that
 * came back a moment ago is none yet: a host that falls again and again must not get the pool each time. Among those that are
 * near the head the one with the fewest pools comes first, so that the pools of a dead host spread over the others; then the one
 * that has applied most, which is quickest; equals go by the configured preference. One that distrusts its own clock comes last,
 * but is never left out: nothing of safety reads a clock.
 */
import type { NodeId, PoolId } from "../../shared/ids.ts";
import { isQuarantined as saysQuarantined, unfitnessOf, vaultTroubleOf, WARM_MS } from "../../shared/fitness.ts";
import type { HostHealth } from "./host-health.ts";
import { poolReportOf } from "./pool-view.ts";
import type { Settings } from "./settings.ts";

export interface CandidateRules {
  readonly pool: PoolId;
  readonly preferred: readonly NodeId[];
  /** Hosts that the configuration allows to take over. */
  readonly candidates: readonly NodeId[];
  /** `null`: the vault has no id yet, any is right. */
  readonly vaultId: string | null;
  /** Nodes that an operator took out. */
  readonly offline: readonly NodeId[];
  /** Hosts whose last order failed. */
  readonly excluded: readonly NodeId[];
  /** How many other pools a host carries. */
  readonly load: (host: NodeId) => number;
}

export interface Candidates {
  /** Best first. */
  readonly able: readonly HostHealth[];
  /** Hosts that lack nothing but a vault that they can write to. */
  readonly withoutVault: number;
  /** When the next of those that came back a moment ago has been well for long enough. */
  readonly stableMs: number;
}

export function candidates(
  hosts: readonly HostHealth[],
  rules: CandidateRules,
  nowMs: number,
  settings: Settings,
): Candidates {
  const fit = hosts.filter((health) => !rules.excluded.includes(health.host) && isFit(health, rules));
  const writing = fit.filter((health) => hasVault(health, settings));
  const stableAt = ({ backMs }: HostHealth): number => backMs + settings.stableMs;
  const able = writing.filter((health) => stableAt(health) <= nowMs).sort((a, b) => compare(a, b, rules));
  const unstable = writing.map(stableAt).filter((atMs) => atMs > nowMs);
  return { able, withoutVault: fit.length - writing.length, stableMs: Math.min(...unstable) };
}

/** Whether its own write probe of the vault is fresh and good. */
export const hasVault = ({ report }: HostHealth, settings: Settings): boolean =>
  report !== null && vaultTroubleOf(report.body, settings.storageFreshMs) === null;

/** Whether it distrusts its own clock, as it last said. */
export const isQuarantined = ({ report }: HostHealth): boolean => report !== null && saysQuarantined(report.body);

function isFit(health: HostHealth, { pool, vaultId, candidates, offline }: CandidateRules): boolean {
  const { report, verdict, host } = health;
  if (report === null || (verdict.type !== "up" && verdict.type !== "suspect")) return false;
  if (verdict.type === "suspect" && verdict.reason !== "timeout") return false;
  return candidates.includes(host) && !offline.includes(host) && unfitnessOf(report.body, { pool, vaultId }) === null;
}

function compare(a: HostHealth, b: HostHealth, rules: CandidateRules): number {
  return (
    Number(isQuarantined(a)) - Number(isQuarantined(b)) ||
    suspicion(a) - suspicion(b) ||
    crashes(a, rules.pool) - crashes(b, rules.pool) ||
    coldness(a, rules.pool) - coldness(b, rules.pool) ||
    rules.load(a.host) - rules.load(b.host) ||
    appliedSlot(b, rules.pool) - appliedSlot(a, rules.pool) ||
    preference(a.host, rules) - preference(b.host, rules) ||
    (a.host < b.host ? -1 : 1)
  );
}

const suspicion = ({ verdict }: HostHealth): number => (verdict.type === "up" ? 0 : 1);

/** A standby that would take over by itself but waits for an order first has crashed in a loop: others come before it. */
function crashes({ report }: HostHealth, pool: PoolId): number {
  const entry = report === null ? null : poolReportOf(report.body, pool);
  return entry?.role === "standby" && entry.takingOver ? 1 : 0;
}

function coldness({ report }: HostHealth, pool: PoolId): number {
  const entry = report === null ? null : poolReportOf(report.body, pool);
  return (entry?.lagMs ?? 0) > WARM_MS ? 1 : 0;
}

const appliedSlot = ({ report }: HostHealth, pool: PoolId): number =>
  report === null ? 0 : (poolReportOf(report.body, pool)?.slot ?? 0);

function preference(host: NodeId, { preferred }: CandidateRules): number {
  const index = preferred.indexOf(host);
  return index < 0 ? preferred.length : index;
}
