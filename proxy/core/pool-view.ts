/**
 * What this proxy knows of one pool: the newest claim to serve it, the newest fence, the order under way. Pure.
 *
 * Two things are learned from reports, and they are kept apart. A *claim* is what a host says that serves: only it raises
 * the epoch and moves the route, and neither ever goes back. A *fence* may be known from anybody who has read it, and
 * says only whom to judge: its owner, even if that host never served.
 */
import type { NodeId, PoolId } from "../../shared/ids.ts";
import type { Answer, PoolSighting, VoteMessage } from "../../shared/wire/messages.ts";
import type { FenceMessage, HostReport, PoolReport } from "../../shared/wire/reports.ts";
import { rememberTakeover } from "./damping.ts";

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
  readonly votes: readonly VoteMessage[];
  /** Milliseconds from the first sign to this order, each from the end of the one before. */
  readonly phases: Readonly<Record<string, number>>;
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

/** The own vote on the owner of the newest fence; `lost` and `sick` are for deposing it. */
export type Opinion = PoolSighting["opinion"];

/** What a standby said when it was asked to vote in the place of silent proxies. */
export interface StandbyVote {
  readonly host: NodeId;
  /** Of the owner of this fence. */
  readonly fence: string | null;
  readonly verdict: Answer<"vote">["verdict"];
  readonly reason: string;
  readonly heardMs: number;
  /** Wall time, for people. */
  readonly seenAtMs: number;
}

/** An order of another proxy: this one waits for what becomes of it. */
export interface ForeignOrder {
  readonly by: NodeId;
  readonly host: NodeId;
  readonly sinceMs: number;
}

/** One loss of the primary, from its first sign to the next claim: for the log and the phases. */
export interface Incident {
  readonly cause: string;
  readonly troubleMs: number;
  /** The same by the wall clock, for people. */
  readonly seenAtMs: number;
  readonly detectedMs: number;
  /** When enough proxies agreed. */
  readonly agreedMs: number | null;
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
  readonly opinion: Opinion;
  readonly standbyVotes: readonly StandbyVote[];
  /** Whom this proxy asked last for a vote. */
  readonly standbysAsked: readonly NodeId[];
  /** When standbys are to be asked next; who has not answered by then is not waited for. */
  readonly voteDueMs: number;
  readonly foreign: ForeignOrder | null;
  /** When other fences became the newest, the last few of them. */
  readonly takeoversMs: readonly number[];
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
  opinion: "waiting",
  standbyVotes: [],
  standbysAsked: [],
  voteDueMs: nowMs,
  foreign: null,
  takeoversMs: [],
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
  const takeoversMs = view.fence === null ? view.takeoversMs : rememberTakeover(view.takeoversMs, nowMs);
  // What was agreed was about another owner.
  const incident = view.incident && { ...view.incident, agreedMs: null };
  return { ...view, fence, fenceSinceMs: nowMs, idleSinceMs: null, tried: [], standbyVotes: [], takeoversMs, incident };
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
