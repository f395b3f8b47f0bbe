/** What changed and why, for the log, for metrics and for people who ask later. Pure. */
import type { NodeId, PoolId } from "../../shared/ids.ts";
import type { Decisions } from "../../shared/revisions/decisions.ts";
import type { VoteMessage } from "../../shared/wire/messages.ts";
import { peerStateOf } from "./gossip.ts";
import type { GossipRules, GossipState } from "./gossip-state.ts";
import type { HostHealth, Verdict } from "./host-health.ts";
import type { PeerState } from "./peers.ts";
import type { Incident, PoolState, PoolView } from "./pool-view.ts";

export type Note =
  | {
      readonly type: "ordered";
      readonly pool: PoolId;
      readonly host: NodeId;
      readonly fence: string | null;
      readonly cause: string;
      readonly votes: readonly VoteMessage[];
    }
  /** Operations were decided: what holds now. */
  | {
      readonly type: "decided";
      readonly revision: number;
      readonly offline: readonly string[];
      readonly maintenance: string | null;
    }
  | { readonly type: "proxy"; readonly proxy: NodeId; readonly from: PeerState; readonly state: PeerState }
  | { readonly type: "verdict"; readonly host: NodeId; readonly from: Verdict["type"]; readonly verdict: Verdict }
  /** A host, or this proxy, distrusts its own clock for this reason, or (`null`) trusts it again. */
  | { readonly type: "quarantine"; readonly node: NodeId; readonly reason: string | null }
  | {
      readonly type: "pool";
      readonly pool: PoolId;
      readonly from: PoolState;
      readonly state: PoolState;
      readonly cause: string | null;
    }
  | {
      readonly type: "order-ended";
      readonly pool: PoolId;
      readonly host: NodeId;
      readonly outcome: string;
      readonly reason: string;
    }
  | {
      readonly type: "served";
      readonly pool: PoolId;
      readonly host: NodeId;
      readonly epoch: number;
      readonly phases: Phases | null;
    };

/** Milliseconds of one loss of the primary, each from the end of the one before. */
export interface Phases {
  readonly cause: string;
  readonly detectedMs: number;
  readonly agreedMs: number;
  readonly orderedMs: number;
  readonly servingMs: number;
  readonly totalMs: number;
}

export function decisionNotes(before: Decisions, { revision, offline, maintenance }: Decisions): Note[] {
  if (revision === before.revision) return [];
  return [
    { type: "decided", revision, offline: offline.map(({ node }) => node), maintenance: maintenance?.reason ?? null },
  ];
}

export function verdictNotes(before: HostHealth, { host, verdict }: HostHealth): Note[] {
  const from = before.verdict.type;
  return from === verdict.type ? [] : [{ type: "verdict", host, from, verdict }];
}

/** What time alone changes shows in the next step. */
export function peerNotes(
  before: GossipState,
  after: GossipState,
  { beforeMs, nowMs }: { readonly beforeMs: number; readonly nowMs: number },
  rules: GossipRules,
): Note[] {
  return [...after.peers.keys()].flatMap((proxy) => {
    const [from, state] = [peerStateOf(before, proxy, beforeMs, rules), peerStateOf(after, proxy, nowMs, rules)];
    return from === state ? [] : [{ type: "proxy", proxy, from, state } as const];
  });
}

export function quarantineNotes(before: HostHealth, { host, report }: HostHealth): Note[] {
  const reason = report?.body.quarantined ?? null;
  return reason === (before.report?.body.quarantined ?? null) ? [] : [{ type: "quarantine", node: host, reason }];
}

export function poolNotes(before: PoolView, after: PoolView, nowMs: number): Note[] {
  const { pool, state, claim } = after;
  const notes: Note[] = [];
  if (before.state !== state) {
    const cause = (after.incident ?? before.incident)?.cause ?? null;
    notes.push({ type: "pool", pool, from: before.state, state, cause });
  }
  if (state === "serving" && claim !== null && (before.state !== state || before.claim?.fence.id !== claim.fence.id)) {
    const phases = phasesOf(before.incident, nowMs);
    notes.push({ type: "served", pool, host: claim.host, epoch: after.epoch, phases });
  }
  return notes;
}

function phasesOf(incident: Incident | null, nowMs: number): Phases | null {
  if (incident === null) return null;
  const { cause, troubleMs, detectedMs } = incident;
  const agreedMs = incident.agreedMs ?? detectedMs;
  const orderedMs = incident.orderedMs ?? agreedMs;
  return {
    cause,
    detectedMs: detectedMs - troubleMs,
    agreedMs: agreedMs - detectedMs,
    orderedMs: orderedMs - agreedMs,
    servingMs: nowMs - orderedMs,
    totalMs: nowMs - troubleMs,
  };
}
