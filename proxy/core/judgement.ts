/**
 * What this proxy alone thinks of the owner of a pool's newest fence, whether it ever served or not. Pure.
 *
 * An opinion is a vote, not yet an order. *Hard* is a reason that nothing but the owner's own loss explains: its process
 * is gone, or it says itself that it does not serve. Any other could as well be the network, or this proxy.
 */
import type { NodeId } from "../../shared/ids.ts";
import { hasVault, isQuarantined } from "./candidates.ts";
import { dampedMs } from "./damping.ts";
import type { HostHealth, Verdict } from "./host-health.ts";
import type { PoolReport } from "../../shared/wire/reports.ts";
import { poolReportOf, type PoolView } from "./pool-view.ts";
import type { Settings } from "./settings.ts";

export type Hosts = ReadonlyMap<NodeId, HostHealth>;

export type Judgement =
  | { readonly type: "serving" }
  | { readonly type: "wait"; readonly untilMs: number }
  /** It serves, and something is wrong with it that is worth an order only to a host that is better off. */
  | { readonly type: "sick"; readonly cause: "storage" | "clock"; readonly troubleMs: number }
  | { readonly type: "lost"; readonly cause: string; readonly troubleMs: number; readonly isHard: boolean };

type DownHost = HostHealth & { readonly verdict: Extract<Verdict, { type: "down" }> };
type Lost = Extract<Judgement, { type: "lost" }>;

export function judgeOwner(view: PoolView, hosts: Hosts, nowMs: number, settings: Settings): Judgement {
  const judgement = judge(view, hosts, nowMs, settings);
  const isSoft = judgement.type === "sick" || (judgement.type === "lost" && !judgement.isHard);
  if (!isSoft || view.order !== null) return judgement;
  const countsMs = judgement.troubleMs + dampedMs(view.takeoversMs, nowMs, settings);
  return nowMs >= countsMs ? judgement : { type: "wait", untilMs: countsMs };
}

/** Whether the newest claim stands: its fence is the newest, and no later report of its host takes it back. */
export function serves({ claim, fence, pool }: PoolView, hosts: Hosts): boolean {
  if (claim === null || claim.fence.id !== fence?.id) return false;
  const report = hosts.get(claim.host)?.report ?? null;
  if (report === null || report.sentMs <= claim.learnedMs) return true;
  const entry = poolReportOf(report.body, pool);
  return entry !== null && entry.serving && entry.fence?.id === claim.fence.id;
}

function judge(view: PoolView, hosts: Hosts, nowMs: number, settings: Settings): Judgement {
  const { fence } = view;
  if (fence === null) return overdue(view.fenceSinceMs, nowMs, settings, { cause: "no primary yet", isHard: true });
  const owner = hosts.get(fence.owner as NodeId);
  if (owner === undefined) return lost(`${fence.owner} is not configured`, nowMs);
  if (view.order !== null && fence.owner === view.order.host && !serves(view, hosts)) {
    return { type: "wait", untilMs: view.order.deadlineMs };
  }
  const { verdict } = owner;
  if (verdict.type === "down") return judgeDown(view, { ...owner, verdict }, nowMs, settings);
  if (serves(view, hosts)) return judgeServing(owner, hosts, nowMs, settings);
  return judgeIdle(view, owner, hosts, { nowMs, settings });
}

/**
 * A host that this proxy has never seen well may only be starting, like everybody else after a power cut. One that was down
 * already when its fence became known lived when it wrote that: what was missed before says nothing against it.
 */
function judgeDown(
  { fenceSinceMs }: PoolView,
  { verdict, control, data, troubleSinceMs }: DownHost,
  nowMs: number,
  settings: Settings,
): Judgement {
  const cause = verdict.reason;
  const isHard = cause === "refused";
  if (control.heardMs === null || data.heardMs === null)
    return overdue(fenceSinceMs, nowMs, settings, { cause, isHard });
  if (verdict.sinceMs >= fenceSinceMs) return { type: "lost", cause, troubleMs: troubleSinceMs ?? nowMs, isHard };
  const untilMs = fenceSinceMs + settings.failures * settings.intervalMs;
  return nowMs >= untilMs ? { type: "lost", cause, troubleMs: fenceSinceMs, isHard } : { type: "wait", untilMs };
}

/** Sick only where another host is better off: else nothing would be won. */
function judgeServing(owner: HostHealth, hosts: Hosts, nowMs: number, settings: Settings): Judgement {
  const others = [...hosts.values()].filter((health) => health !== owner && hasVault(health, settings));
  const stalledMs = owner.report?.body.probe.ageMs ?? 0;
  if (stalledMs >= settings.storageMs && others.length > 0)
    return { type: "sick", cause: "storage", troubleMs: nowMs - (stalledMs - settings.storageMs) };
  const hasBetterClock = others.some((health) => !isQuarantined(health));
  return isQuarantined(owner) && hasBetterClock
    ? { type: "sick", cause: "clock", troubleMs: owner.distrustedMs ?? nowMs }
    : { type: "serving" };
}

function judgeIdle(view: PoolView, owner: HostHealth, hosts: Hosts, at: At): Judgement {
  const { nowMs, settings } = at;
  const sinceMs = view.idleSinceMs ?? nowMs;
  const entry = owner.report === null ? null : poolReportOf(owner.report.body, view.pool);
  if (entry === null || isBehind(owner, view) || entry.role === "taking-over") {
    // It may be deaf to us alone, or wrong in its clock or key: that is never "down".
    const refusesUs = owner.verdict.type === "suspect" && owner.verdict.reason === "rejected";
    if (refusesUs) return { type: "wait", untilMs: Number.POSITIVE_INFINITY };
    return overdue(sinceMs, nowMs, settings, { cause: "does not serve", isHard: false });
  }
  const cause = `not serving: ${entry.role}`;
  if (owner.report?.body.bootId === view.fence?.bootId) return judgeLeft(entry, hosts, { ...at, cause, sinceMs });
  // Nobody has served since this proxy started: everybody may be starting.
  const waitsForOrder = entry.role === "standby" && entry.takingOver;
  if (view.claim === null && !waitsForOrder) return overdue(sinceMs, nowMs, settings, { cause, isHard: true });
  // Started again a moment ago: it takes over by itself and shows so, or waits for an order, since it crashed in a loop.
  const settledMs = sinceMs + settings.intervalMs;
  return nowMs >= settledMs ? lost(cause, sinceMs) : { type: "wait", untilMs: settledMs };
}

interface At {
  readonly nowMs: number;
  readonly settings: Settings;
}

/**
 * Its tenure is over. Where it hands over itself, it orders the one that it names, in which nobody need get in the way; for a
 * while, and if that one lives.
 */
function judgeLeft(
  { successor = null }: PoolReport,
  hosts: Hosts,
  { nowMs, settings, cause, sinceMs }: At & { readonly cause: string; readonly sinceMs: number },
): Judgement {
  const verdict = successor === null ? undefined : hosts.get(successor as NodeId)?.verdict;
  const untilMs = verdict === undefined || verdict.type === "down" ? sinceMs : sinceMs + settings.retryMs;
  return nowMs >= untilMs ? lost(cause, sinceMs) : { type: "wait", untilMs };
}

const lost = (cause: string, troubleMs: number): Lost => ({ type: "lost", cause, troubleMs, isHard: true });

function overdue(
  sinceMs: number,
  nowMs: number,
  settings: Settings,
  { cause, isHard }: Pick<Lost, "cause" | "isHard">,
): Judgement {
  const untilMs = sinceMs + settings.takeoverMs;
  return nowMs >= untilMs ? { type: "lost", cause, troubleMs: sinceMs, isHard } : { type: "wait", untilMs };
}

/** What it last said is older than its fence: it says nothing about how it serves under it. */
function isBehind({ report }: HostHealth, { pool, fence, fenceSinceMs }: PoolView): boolean {
  if (report === null || report.sentMs < fenceSinceMs) return true;
  return report.body.bootId === fence?.bootId && poolReportOf(report.body, pool)?.fence?.id !== fence.id;
}
