/**
 * What this proxy knows of one pool: the newest claim to serve it, the newest fence, the order under way. Pure.
 *
 * Two things are learned from reports, and they are kept apart. A *claim* is what a host says that serves: only it raises
 * the epoch and moves the route, and neither ever goes back. A *fence* may be known from anybody who has read it, and
 * says only whom to judge: its owner, even if that host never served.
 */
import type { NodeId, PoolId } from "../../shared/ids.ts";
import type { FenceMessage, HostReport, PoolReport } from "../../shared/wire/messages.ts";

export interface Claim {
  readonly host: NodeId;
  readonly fence: FenceMessage;
  /** When it was learned: older reports of that host say nothing against it. */
  readonly learnedMs: number;
}

export interface Order {
  readonly host: NodeId;
  readonly bootId: string;
  /** The fence to depose; `null` where there is none yet. */
  readonly fence: string | null;
  readonly cause: string;
  readonly sentMs: number;
  /** Who does not serve by then has failed. */
  readonly deadlineMs: number;
}

/** A host whose order failed; not asked again before, unless it was started again. */
export interface Tried {
  readonly host: NodeId;
  readonly bootId: string;
  readonly untilMs: number;
}

/** One loss of the primary, from its first sign to the next claim: for the log and the phases. */
export interface Incident {
  readonly cause: string;
  readonly troubleMs: number;
  readonly detectedMs: number;
  readonly orderedMs: number | null;
}

/** `vault-unavailable`: there would be candidates, but none can write to the vault. */
export type PoolState = "serving" | "waiting" | "taking-over" | "vault-unavailable";

export interface PoolView {
  readonly pool: PoolId;
  readonly state: PoolState;
  /** The epoch of the newest claim; 0 before the first. Never goes down. */
  readonly epoch: number;
  readonly claim: Claim | null;
  readonly fence: FenceMessage | null;
  /** Since when `fence` is the newest known, `null` included. */
  readonly fenceSinceMs: number;
  /** Since when its owner is known not to serve. */
  readonly idleSinceMs: number | null;
  readonly order: Order | null;
  readonly tried: readonly Tried[];
  readonly incident: Incident | null;
  /** The latest log time that any report carried. */
  readonly logTimeMs: number;
}

export const newPoolView = (pool: PoolId, nowMs: number): PoolView => ({
  pool,
  state: "waiting",
  epoch: 0,
  claim: null,
  fence: null,
  fenceSinceMs: nowMs,
  idleSinceMs: null,
  order: null,
  tried: [],
  incident: null,
  logTimeMs: 0,
});

export const poolReportOf = (report: HostReport, pool: PoolId): PoolReport | null =>
  report.pools.find((entry) => entry.pool === pool) ?? null;

/** Learns what a host says of the pool, in a report that was asked for at `sentMs`. */
export function learnReport(view: PoolView, report: HostReport, sentMs: number, nowMs: number): PoolView {
  const entry = poolReportOf(report, view.pool);
  if (entry === null) return view;
  const timed = entry.logTimeMs > view.logTimeMs ? { ...view, logTimeMs: entry.logTimeMs } : view;
  if (entry.fence === null) return timed;
  const known = learnFence(timed, entry.fence, nowMs);
  const own = entry.serving && entry.fence.owner === report.host && entry.fence.bootId === report.bootId;
  return own ? learnClaim(known, report.host as NodeId, entry.fence, sentMs) : known;
}

/** Learns that a fence exists. */
export function learnFence(view: PoolView, fence: FenceMessage, nowMs: number): PoolView {
  if (view.fence !== null && fence.epoch <= view.fence.epoch) return view;
  return { ...view, fence, fenceSinceMs: nowMs, idleSinceMs: null, tried: [] };
}

/** Learns that `host` serves under its own `fence`. A claim of the same or a lower epoch changes nothing. */
export function learnClaim(view: PoolView, host: NodeId, fence: FenceMessage, learnedMs: number): PoolView {
  if (fence.epoch < view.epoch) return view;
  const claim = { host, fence, learnedMs };
  if (fence.epoch === view.epoch) return sameFence(view.claim?.fence, fence) ? { ...view, claim } : view;
  // Whoever serves under a fence has made it history, whatever another fence of that epoch looked like.
  const newest = view.fence === null || fence.epoch >= view.fence.epoch ? fence : view.fence;
  return { ...view, epoch: fence.epoch, claim, fence: newest };
}

const sameFence = (a: FenceMessage | undefined, b: FenceMessage): boolean => a?.id === b.id;
