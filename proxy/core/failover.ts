/**
 * When to order a takeover, and whom. Pure.
 *
 * Judged is the owner of the newest fence, whether it ever served or not. Safety never rests on this being right: a
 * needless order costs a short pause, and the journal decides who wins. So no step here waits for the dead host, and an
 * order may be sent twice. It can fail to find anybody: then the pool waits, and every later report decides again.
 */
import type { NodeId } from "../../shared/ids.ts";
import type { FenceMessage } from "../../shared/wire/messages.ts";
import { candidates, isQuarantined, type CandidateRules, type Candidates } from "./candidates.ts";
import type { HostHealth } from "./host-health.ts";
import { learnClaim, learnFence, poolReportOf, type Order, type PoolState, type PoolView } from "./pool-view.ts";
import type { Settings } from "./settings.ts";

export type Hosts = ReadonlyMap<NodeId, HostHealth>;
export type PoolRules = Omit<CandidateRules, "excluded">;

export interface Decision {
  readonly view: PoolView;
  /** The order to send, if one is to be sent now. */
  readonly order: Order | null;
  /** Decide again then, even if nothing is heard. */
  readonly wakeMs: number;
}

type Sickness = "storage" | "clock";

/** What the newest fence's owner is doing. */
type Judgement =
  | { readonly type: "serving" }
  | { readonly type: "wait"; readonly untilMs: number }
  /** It serves, but its storage or its clock is sick: worth an order only to a candidate whose own is not. */
  | { readonly type: "sick"; readonly cause: Sickness }
  | { readonly type: "lost"; readonly cause: string; readonly troubleMs: number };

export function decide(before: PoolView, hosts: Hosts, nowMs: number, rules: PoolRules, settings: Settings): Decision {
  const view = endOrder(noteIdle(before, hosts, nowMs), hosts, nowMs, settings);
  const judgement = judgeOwner(view, hosts, nowMs, settings);
  switch (judgement.type) {
    case "serving":
      return settled({ ...view, order: null, tried: [], incident: null }, "serving", Number.POSITIVE_INFINITY);
    case "wait":
      return settled(view, view.order === null ? "waiting" : "taking-over", judgement.untilMs);
    case "sick":
      return orderAway(view, hosts, { cause: judgement.cause, nowMs }, rules, settings);
    case "lost":
      return orderBest(noteIncident(view, judgement, nowMs), hosts, nowMs, rules, settings);
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

/** Hosts to look at often: who was ordered, and whoever is taking the pool over. */
export function watched(view: PoolView, hosts: Hosts): NodeId[] {
  if (view.state === "serving") return [];
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

function noteIdle(view: PoolView, hosts: Hosts, nowMs: number): PoolView {
  if (serves(view, hosts)) return view.idleSinceMs === null ? view : { ...view, idleSinceMs: null };
  return view.idleSinceMs === null ? { ...view, idleSinceMs: nowMs } : view;
}

/** An order ends when another host won, when its host dies, or when its time is over. */
function endOrder(view: PoolView, hosts: Hosts, nowMs: number, settings: Settings): PoolView {
  const tried = view.tried.filter(({ untilMs }) => untilMs > nowMs);
  const kept = tried.length === view.tried.length ? view : { ...view, tried };
  const { order, fence } = kept;
  if (order === null) return kept;
  const fenced = fence !== null && fence.id !== order.fence;
  if (fenced && fence.owner !== order.host) return { ...kept, order: null };
  const dead = hosts.get(order.host)?.verdict.type === "down";
  return dead || nowMs >= order.deadlineMs ? orderFailed(kept, order.host, nowMs + settings.takeoverMs) : kept;
}

function judgeOwner(view: PoolView, hosts: Hosts, nowMs: number, settings: Settings): Judgement {
  const { fence } = view;
  if (fence === null) return overdue(view.fenceSinceMs, nowMs, settings, "no primary yet");
  const owner = hosts.get(fence.owner as NodeId);
  if (owner === undefined) return { type: "lost", cause: `${fence.owner} is not configured`, troubleMs: nowMs };
  if (view.order !== null && fence.owner === view.order.host && !serves(view, hosts)) {
    return { type: "wait", untilMs: view.order.deadlineMs };
  }
  if (owner.verdict.type === "down") return judgeDown(view, owner, nowMs, settings);
  if (serves(view, hosts)) return judgeServing(owner, settings);
  return judgeIdle(view, owner, nowMs, settings);
}

/** A host that this proxy has never seen well may only be starting, like everybody else after a power cut. */
function judgeDown(view: PoolView, owner: HostHealth, nowMs: number, settings: Settings): Judgement {
  const cause = owner.verdict.type === "down" ? owner.verdict.reason : "down";
  if (owner.control.heardMs === null || owner.data.heardMs === null)
    return overdue(view.fenceSinceMs, nowMs, settings, cause);
  return { type: "lost", cause, troubleMs: owner.troubleSinceMs ?? nowMs };
}

function judgeServing(owner: HostHealth, settings: Settings): Judgement {
  const stalled = owner.report !== null && owner.report.body.probe.ageMs >= settings.hangMs;
  if (stalled) return { type: "sick", cause: "storage" };
  return isQuarantined(owner) ? { type: "sick", cause: "clock" } : { type: "serving" };
}

function judgeIdle(view: PoolView, owner: HostHealth, nowMs: number, settings: Settings): Judgement {
  const sinceMs = view.idleSinceMs ?? nowMs;
  const entry = owner.report === null ? null : poolReportOf(owner.report.body, view.pool);
  if (entry === null || isBehind(owner, view) || entry.role === "taking-over") {
    // It may be deaf to us alone, or wrong in its clock or key: that is never "down".
    const refusesUs = owner.verdict.type === "suspect" && owner.verdict.reason === "rejected";
    if (refusesUs) return { type: "wait", untilMs: Number.POSITIVE_INFINITY };
    return overdue(sinceMs, nowMs, settings, "does not serve");
  }
  const cause = `not serving: ${entry.role}`;
  if (owner.report?.body.bootId === view.fence?.bootId) return { type: "lost", cause, troubleMs: sinceMs };
  // Nobody has served since this proxy started: everybody may be starting.
  const waitsForOrder = entry.role === "standby" && entry.takingOver;
  if (view.claim === null && !waitsForOrder) return overdue(sinceMs, nowMs, settings, cause);
  // Started again a moment ago: it takes over by itself and shows so, or waits for an order, since it crashed in a loop.
  const settledMs = sinceMs + settings.intervalMs;
  return nowMs >= settledMs ? { type: "lost", cause, troubleMs: sinceMs } : { type: "wait", untilMs: settledMs };
}

function overdue(sinceMs: number, nowMs: number, settings: Settings, cause: string): Judgement {
  const untilMs = sinceMs + settings.takeoverMs;
  return nowMs >= untilMs ? { type: "lost", cause, troubleMs: sinceMs } : { type: "wait", untilMs };
}

/** Whether the newest claim stands: its fence is the newest, and no later report of its host takes it back. */
function serves({ claim, fence, pool }: PoolView, hosts: Hosts): boolean {
  if (claim === null || claim.fence.id !== fence?.id) return false;
  const report = hosts.get(claim.host)?.report ?? null;
  if (report === null || report.sentMs <= claim.learnedMs) return true;
  const entry = poolReportOf(report.body, pool);
  return entry !== null && entry.serving && entry.fence?.id === claim.fence.id;
}

function isTakingOver({ report, verdict }: HostHealth, view: PoolView): boolean {
  if (report === null || verdict.type === "down") return false;
  const entry = poolReportOf(report.body, view.pool);
  return entry !== null && (entry.takingOver || entry.role === "taking-over");
}

/** What it last said is older than its fence: it says nothing about how it serves under it. */
function isBehind({ report }: HostHealth, { pool, fence, fenceSinceMs }: PoolView): boolean {
  if (report === null || report.sentMs < fenceSinceMs) return true;
  return report.body.bootId === fence?.bootId && poolReportOf(report.body, pool)?.fence?.id !== fence.id;
}

function noteIncident(
  view: PoolView,
  { cause, troubleMs }: { cause: string; troubleMs: number },
  nowMs: number,
): PoolView {
  return view.incident === null
    ? { ...view, incident: { cause, troubleMs, detectedMs: nowMs, orderedMs: null } }
    : view;
}

/** From a primary that is sick: only to a candidate that is not sick in the same way. Any candidate's storage is well. */
function orderAway(
  view: PoolView,
  hosts: Hosts,
  { cause, nowMs }: { readonly cause: Sickness; readonly nowMs: number },
  rules: PoolRules,
  settings: Settings,
): Decision {
  const isBetter = (health: HostHealth): boolean =>
    health.host !== view.fence?.owner && (cause === "storage" || !isQuarantined(health));
  const others = new Map([...hosts].filter(([, health]) => isBetter(health)));
  if (view.order === null && rankedFor(view, others, rules, settings).able.length === 0)
    return settled(view, "serving", Number.POSITIVE_INFINITY);
  return orderBest(noteIncident(view, { cause, troubleMs: nowMs }, nowMs), others, nowMs, rules, settings);
}

/** Who may be ordered now, best first. */
function rankedFor(view: PoolView, hosts: Hosts, rules: PoolRules, settings: Settings): Candidates {
  const excluded = view.tried
    .filter(({ host, bootId }) => hosts.get(host)?.report?.body.bootId === bootId)
    .map(({ host }) => host);
  return candidates([...hosts.values()], { ...rules, excluded }, settings);
}

function orderBest(view: PoolView, hosts: Hosts, nowMs: number, rules: PoolRules, settings: Settings): Decision {
  if (view.order !== null) return settled(view, "taking-over", view.order.deadlineMs);
  const { able, withoutVault } = rankedFor(view, hosts, rules, settings);
  const best = able[0];
  if (best?.report === undefined || best.report === null) {
    const wakeMs = Math.min(...view.tried.map((entry) => entry.untilMs));
    return settled(view, withoutVault > 0 ? "vault-unavailable" : "waiting", wakeMs);
  }
  const order: Order = {
    host: best.host,
    bootId: best.report.body.bootId,
    fence: view.fence?.id ?? null,
    cause: view.incident?.cause ?? "no primary",
    sentMs: nowMs,
    deadlineMs: nowMs + settings.takeoverMs,
  };
  const incident = view.incident === null ? null : { ...view.incident, orderedMs: view.incident.orderedMs ?? nowMs };
  return { view: { ...view, order, incident, state: "taking-over" }, order, wakeMs: order.deadlineMs };
}

const settled = (view: PoolView, state: PoolState, wakeMs: number): Decision => ({
  view: view.state === state ? view : { ...view, state },
  order: null,
  wakeMs,
});
