/**
 * When to order a takeover, and whom. Pure.
 *
 * Ordered is what enough proxies agree on (`ballot.ts`) from what each thinks alone (`judgement.ts`). Safety never rests on
 * this being right: a needless order costs a short pause, and the journal decides who wins. So no step here waits for the
 * dead host, and an order may be sent twice, also by two proxies. It can fail to find anybody: then the pool waits, and every
 * later report decides again.
 */
import type { NodeId } from "../../shared/ids.ts";
import type { FenceMessage } from "../../shared/wire/reports.ts";
import { countVotes, type Ballot } from "./ballot.ts";
import { candidates, isQuarantined, type CandidateRules } from "./candidates.ts";
import { orderElsewhere, seatsOf, type Council } from "./council.ts";
import type { HostHealth } from "./host-health.ts";
import { judgeOwner, serves, type Hosts, type Judgement } from "./judgement.ts";
import {
  learnClaim,
  learnFence,
  poolReportOf,
  type Incident,
  type Order,
  type PoolState,
  type PoolView,
} from "./pool-view.ts";
import type { Settings } from "./settings.ts";

export type PoolRules = Omit<CandidateRules, "excluded" | "offline" | "load">;

export interface Situation {
  readonly hosts: Hosts;
  readonly council: Council;
  readonly nowMs: number;
  readonly rules: PoolRules;
  readonly settings: Settings;
  /** Until then this proxy orders nobody by itself: maintenance, or it was taken out. `null`: it does. */
  readonly restsUntilMs: number | null;
  /** Nodes that an operator took out. */
  readonly offline: readonly NodeId[];
  /** How many other pools a host carries. */
  readonly load: (host: NodeId) => number;
}

export interface Decision {
  readonly view: PoolView;
  /** The order to send, if one is to be sent now. */
  readonly order: Order | null;
  /** Standbys to ask for a vote now. */
  readonly ask: readonly { readonly host: NodeId; readonly bootId: string }[];
  /** Decide again then, even if nothing is heard. */
  readonly wakeMs: number;
}

type Against = Extract<Judgement, { type: "sick" | "lost" }>;

export function decide(before: PoolView, situation: Situation): Decision {
  const view = noteForeign(endOrder(noteIdle(before, situation), situation), situation);
  const judgement = judgeOwner(view, situation.hosts, situation.nowMs, situation.settings);
  switch (judgement.type) {
    case "serving":
      return settled(
        { ...view, opinion: "well", order: null, foreign: null, tried: [], incident: null },
        "serving",
        Number.POSITIVE_INFINITY,
      );
    case "wait":
      return settled({ ...view, opinion: "waiting" }, waitingState(view, situation.hosts), judgement.untilMs);
    case "sick":
    case "lost":
      return decideAgainst({ ...noteIncident(view, judgement, situation), opinion: judgement.type }, situation);
  }
}

/** Whether requests may be sent to the host of the claim. */
export function isOpen(view: PoolView, hosts: Hosts): boolean {
  if (view.claim === null || !serves(view, hosts)) return false;
  const verdict = hosts.get(view.claim.host)?.verdict;
  if (verdict === undefined || verdict.type === "down") return false;
  // Refused a moment ago: requests would only come back. What is slow or will not talk to us may still serve.
  return !(verdict.type === "suspect" && (verdict.reason === "refused" || verdict.reason === "reset"));
}

/**
 * Hosts to look at often: who was ordered, and whoever is taking the pool over. Where another proxy has ordered, that one
 * looks, and tells at once.
 */
export function watched(view: PoolView, hosts: Hosts): NodeId[] {
  if (view.state === "serving" || (view.order === null && view.foreign !== null)) return [];
  return [...hosts.values()]
    .filter((health) => health.host === view.order?.host || isTakingOver(health, view))
    .map((health) => health.host);
}

/** The ordered host serves, says its signed answer. */
export const orderServed = (view: PoolView, host: NodeId, fence: FenceMessage, nowMs: number): PoolView =>
  learnClaim(learnFence(view, fence, nowMs), host, fence, nowMs);

/** The ordered host refused; if it knows a newer fence, there is somebody else to judge, else it is not asked again before `untilMs`. */
export function orderRefused(
  view: PoolView,
  host: NodeId,
  fence: FenceMessage | null,
  at: { nowMs: number; untilMs: number },
): PoolView {
  const learned = fence === null ? view : learnFence(view, fence, at.nowMs);
  if (learned.fence !== view.fence) return { ...learned, order: null };
  return orderFailed(view, host, at.untilMs);
}

/** The ordered host cannot be used before `untilMs`. */
export function orderFailed(view: PoolView, host: NodeId, untilMs: number): PoolView {
  if (view.order?.host !== host) return view;
  const others = view.tried.filter((entry) => entry.host !== host);
  return { ...view, tried: [...others, { host, bootId: view.order.bootId, untilMs }], order: null };
}

function noteIdle(view: PoolView, { hosts, nowMs }: Situation): PoolView {
  if (serves(view, hosts)) return view.idleSinceMs === null ? view : { ...view, idleSinceMs: null };
  return view.idleSinceMs === null ? { ...view, idleSinceMs: nowMs } : view;
}

/** An order ends when another host won, when its host dies, or when its time is over. */
function endOrder(view: PoolView, { hosts, nowMs, settings }: Situation): PoolView {
  const tried = view.tried.filter(({ untilMs }) => untilMs > nowMs);
  const kept = tried.length === view.tried.length ? view : { ...view, tried };
  const { order, fence } = kept;
  if (order === null) return kept;
  const fenced = fence !== null && fence.id !== order.fence;
  if (fenced && fence.owner !== order.host) return { ...kept, order: null };
  const dead = hosts.get(order.host)?.verdict.type === "down";
  return dead || nowMs >= order.deadlineMs ? orderFailed(kept, order.host, nowMs + settings.takeoverMs) : kept;
}

function noteForeign(view: PoolView, { council, nowMs }: Situation): PoolView {
  const found = orderElsewhere(council, view);
  if (found === null) return view.foreign === null ? view : { ...view, foreign: null };
  const isKnown = view.foreign?.by === found.by && view.foreign.host === found.host;
  return isKnown ? view : { ...view, foreign: { ...found, sinceMs: nowMs } };
}

function noteIncident(view: PoolView, { cause, troubleMs }: Against, { nowMs, council }: Situation): PoolView {
  if (view.incident !== null) return view;
  const seenAtMs = Math.max(0, Math.round(troubleMs + council.wallAheadMs));
  const incident: Incident = { cause, troubleMs, seenAtMs, detectedMs: nowMs, agreedMs: null, orderedMs: null };
  return { ...view, incident };
}

/** An owner that still serves, sick or not, is taken out only when there is an order for another host. */
function waitingState(view: PoolView, hosts: Hosts): PoolState {
  if (view.order !== null || view.foreign !== null) return "taking-over";
  const isThere = view.claim !== null && hosts.get(view.claim.host)?.verdict.type !== "down";
  return isThere && serves(view, hosts) ? "serving" : "waiting";
}

function decideAgainst(before: PoolView, situation: Situation): Decision {
  const { nowMs, settings, hosts, restsUntilMs } = situation;
  // What was ordered before goes on.
  if (restsUntilMs !== null && before.order === null) return settled(before, waitingState(before, hosts), restsUntilMs);
  const ballot = ballotOf(before, situation);
  const view = noteAgreed(before, ballot, nowMs);
  if (view.order !== null) return settled(view, "taking-over", view.order.deadlineMs);
  if (ballot.needsStandbys && !ballot.agreed && nowMs >= view.voteDueMs) return askStandbys(view, situation);
  const agreedMs = view.incident?.agreedMs ?? null;
  if (agreedMs === null)
    return settled(view, waitingState(view, hosts), ballot.needsStandbys ? view.voteDueMs : Number.POSITIVE_INFINITY);
  const foreignUntilMs = view.foreign === null ? nowMs : view.foreign.sinceMs + settings.takeoverMs;
  if (nowMs < foreignUntilMs) return settled(view, "taking-over", foreignUntilMs);
  const turnMs = agreedMs + ballot.rank * settings.signalGapMs;
  return nowMs < turnMs ? settled(view, waitingState(view, hosts), turnMs) : orderBest(view, ballot, situation);
}

export function ballotOf(
  view: PoolView,
  { council, nowMs, settings }: Pick<Situation, "council" | "nowMs" | "settings">,
): Ballot {
  const fence = view.fence?.id ?? null;
  const fresh = view.standbyVotes.filter((vote) => vote.fence === fence && nowMs - vote.heardMs < settings.voteFreshMs);
  // One that saw the vault move may be the last to answer.
  const isWhole =
    nowMs >= view.voteDueMs || view.standbysAsked.every((host) => fresh.some((vote) => vote.host === host));
  const standbyVotes = isWhole ? fresh : fresh.filter(({ verdict }) => verdict === "alive");
  return countVotes({ self: council.self, seats: seatsOf(council, view), standbyVotes, fence });
}

function noteAgreed(view: PoolView, { agreed }: Ballot, nowMs: number): PoolView {
  const { incident } = view;
  if (incident === null || agreed === (incident.agreedMs !== null)) return view;
  return { ...view, incident: { ...incident, agreedMs: agreed ? nowMs : null } };
}

/** All that could take over: they see the vault. */
function askStandbys(view: PoolView, { hosts, nowMs, settings, rules }: Situation): Decision {
  const ask = [...hosts.values()].flatMap(({ host, verdict, report }) => {
    const isWell = verdict.type === "up" && host !== view.fence?.owner;
    const knows = report !== null && poolReportOf(report.body, rules.pool) !== null;
    return isWell && knows ? [{ host, bootId: report.body.bootId }] : [];
  });
  const voteDueMs = nowMs + settings.intervalMs;
  const standbysAsked = ask.map(({ host }) => host);
  return { ...settled({ ...view, standbysAsked, voteDueMs }, waitingState(view, hosts), voteDueMs), ask };
}

function isTakingOver({ report, verdict }: HostHealth, view: PoolView): boolean {
  if (report === null || verdict.type === "down") return false;
  const entry = poolReportOf(report.body, view.pool);
  return entry !== null && (entry.takingOver || entry.role === "taking-over");
}

/** Than an owner that is only sick: any candidate's storage is well. */
const isBetter = (health: HostHealth, { fence, incident }: PoolView): boolean =>
  health.host !== fence?.owner && (incident?.cause !== "clock" || !isQuarantined(health));

function orderBest(view: PoolView, ballot: Ballot, situation: Situation): Decision {
  const { hosts, nowMs, rules, settings, offline, load } = situation;
  const others = [...hosts.values()].filter((health) => view.opinion === "lost" || isBetter(health, view));
  const excluded = view.tried
    .filter(({ host, bootId }) => hosts.get(host)?.report?.body.bootId === bootId)
    .map(({ host }) => host);
  const { able, withoutVault, stableMs } = candidates(others, { ...rules, excluded, offline, load }, nowMs, settings);
  const heir = heirOf(view, hosts);
  const best = able.find(({ host }) => host === heir) ?? able[0];
  if (best?.report === undefined || best.report === null) {
    const wakeMs = Math.min(stableMs, ...view.tried.map((entry) => entry.untilMs));
    const state = withoutVault > 0 ? "vault-unavailable" : "waiting";
    return settled(view, view.opinion === "sick" ? waitingState(view, hosts) : state, wakeMs);
  }
  const incident = view.incident === null ? null : { ...view.incident, orderedMs: view.incident.orderedMs ?? nowMs };
  const order: Order = {
    host: best.host,
    bootId: best.report.body.bootId,
    fence: view.fence?.id ?? null,
    cause: incident?.cause ?? "no primary",
    votes: ballot.votes,
    phases: incident === null ? {} : phasesBefore(incident, nowMs),
    sentMs: nowMs,
    deadlineMs: nowMs + settings.takeoverMs,
  };
  return { view: { ...view, order, incident, state: "taking-over" }, order, ask: [], wakeMs: order.deadlineMs };
}

/** Whom the release of the last tenure names: it is taking over already, and everybody else would only race it. */
function heirOf({ pool, fence }: PoolView, hosts: Hosts): NodeId | null {
  const entries = [...hosts.values()].flatMap(({ report }) => (report && poolReportOf(report.body, pool)) ?? []);
  const named = entries.find((entry) => entry.fence?.id === fence?.id && (entry.successor ?? null) !== null);
  return (named?.successor ?? null) as NodeId | null;
}

/** Milliseconds from the first sign to the order, each from the end of the one before. */
function phasesBefore({ troubleMs, detectedMs, agreedMs }: Incident, nowMs: number): Record<string, number> {
  const agreed = agreedMs ?? nowMs;
  return {
    detected: Math.max(0, detectedMs - troubleMs),
    agreed: Math.max(0, agreed - detectedMs),
    ordered: nowMs - agreed,
  };
}

const settled = (view: PoolView, state: PoolState, wakeMs: number): Decision => ({
  view: view.state === state ? view : { ...view, state },
  order: null,
  ask: [],
  wakeMs,
});
