/**
 * What this proxy thinks of one host: `up`, `suspect`, `down`, or `unknown` until it has heard. Pure.
 *
 * Two independent signs are needed where one could lie: a refused probe counts when a second one, a moment later, is
 * refused too and the data address does not answer either; a miss counts when there are several in a row. An error of a
 * real request is never a verdict, it only makes the next probe leave at once. The hard case is a host that still
 * answers its heartbeats while its main thread or its data address is dead: the report's tick age and a probe of the
 * data address find that. The other is this proxy itself sleeping: `away` forgives what was missed meanwhile.
 */
import type { NodeId } from "../../shared/ids.ts";
import type { HostReport } from "../../shared/wire/reports.ts";
import { answered, channelState, failed, forgiven, quietChannel } from "./probe-channel.ts";
import type { FailureKind, ProbeChannel } from "./probe-channel.ts";
import type { Settings } from "./settings.ts";

export type DownReason = "refused" | "missed" | "data-unreachable" | "hung";

export type Verdict =
  | { readonly type: "unknown" }
  | { readonly type: "up" }
  | { readonly type: "suspect"; readonly reason: FailureKind }
  | { readonly type: "down"; readonly reason: DownReason; readonly sinceMs: number };

export interface HostHealth {
  readonly host: NodeId;
  readonly verdict: Verdict;
  readonly control: ProbeChannel;
  readonly data: ProbeChannel;
  /** The newest report, placed by when its probe was sent. */
  readonly report: { readonly body: HostReport; readonly sentMs: number; readonly roundTripMs: number } | null;
  /** The first sign of the present trouble; `null` while up. */
  readonly troubleSinceMs: number | null;
  /** `ordered`: this host is to take over, look often. */
  readonly pace: "normal" | "ordered";
  readonly probeDueMs: number;
  readonly dataDueMs: number;
  readonly probedMs: number;
  /** When it came back: was down and is not, or answered from another process than before. */
  readonly backMs: number;
  /** Since when it says that it distrusts its own clock; `null`: it does not. */
  readonly distrustedMs: number | null;
}

export type HealthEvent =
  | { readonly type: "tick" }
  | { readonly type: "answered"; readonly report: HostReport; readonly sentMs: number }
  | { readonly type: "failed"; readonly kind: FailureKind; readonly sentMs: number }
  | { readonly type: "dataAnswered"; readonly sentMs: number }
  | { readonly type: "dataFailed"; readonly kind: FailureKind; readonly sentMs: number }
  | { readonly type: "trafficFailed" }
  | { readonly type: "paced"; readonly pace: HostHealth["pace"] }
  /** This proxy was away: failures so far, and those still to come of probes already sent, say nothing. */
  | { readonly type: "away" };

export type HealthEffect = "probe" | "probeData";

export interface HealthStep {
  readonly health: HostHealth;
  readonly effects: readonly HealthEffect[];
}

/** A thousand requests that break at once ask for one probe. */
const PROBE_GAP_MS = 5;
const CONFIRMATIONS = 5;
const never = Number.NEGATIVE_INFINITY;

export const newHostHealth = (host: NodeId, nowMs: number): HostHealth => ({
  host,
  verdict: { type: "unknown" },
  control: quietChannel,
  data: quietChannel,
  report: null,
  troubleSinceMs: null,
  pace: "normal",
  probeDueMs: nowMs,
  dataDueMs: nowMs,
  probedMs: Number.NEGATIVE_INFINITY,
  backMs: Number.NEGATIVE_INFINITY,
  distrustedMs: null,
});

export function stepHealth(before: HostHealth, event: HealthEvent, nowMs: number, settings: Settings): HealthStep {
  const seen = judge(take(before, event, nowMs, settings), nowMs, settings);
  return sendDue(hurry(before, seen, nowMs, settings), nowMs, settings);
}

/** When something has to happen although nothing is heard. */
export const healthWakeMs = (health: HostHealth): number => Math.min(health.probeDueMs, health.dataDueMs);

function take(health: HostHealth, event: HealthEvent, nowMs: number, settings: Settings): HostHealth {
  switch (event.type) {
    case "tick":
      return health;
    case "answered":
      return takeReport(health, event.report, event.sentMs, nowMs);
    case "failed":
      return confirmSoon(
        { ...health, control: failed(health.control, event.kind, event.sentMs) },
        event.kind,
        nowMs,
        settings,
      );
    case "dataAnswered":
      return { ...health, data: answered(health.data, event.sentMs) };
    case "dataFailed":
      return confirmSoon(
        { ...health, data: failed(health.data, event.kind, event.sentMs) },
        event.kind,
        nowMs,
        settings,
      );
    case "trafficFailed":
      return probeAt(health, Math.max(nowMs, health.probedMs + PROBE_GAP_MS));
    case "paced":
      return { ...health, pace: event.pace };
    case "away":
      return { ...health, control: forgiven(health.control, nowMs), data: forgiven(health.data, nowMs) };
  }
}

function takeReport(health: HostHealth, body: HostReport, sentMs: number, nowMs: number): HostHealth {
  const control = answered(health.control, sentMs);
  if (health.report !== null && sentMs < health.report.sentMs) return { ...health, control };
  const isAnother = health.report !== null && health.report.body.bootId !== body.bootId;
  const backMs = isAnother ? nowMs : health.backMs;
  const distrustedMs = (body.quarantined ?? null) === null ? null : (health.distrustedMs ?? nowMs);
  return { ...health, control, backMs, distrustedMs, report: { body, sentMs, roundTripMs: nowMs - sentMs } };
}

/** A refusal is confirmed at once by a second probe, which also goes to the data address. */
function confirmSoon(health: HostHealth, kind: FailureKind, nowMs: number, settings: Settings): HostHealth {
  return kind === "refused" || kind === "reset" ? probeAt(health, nowMs + settings.confirmMs) : health;
}

const probeAt = (health: HostHealth, atMs: number): HostHealth => ({
  ...health,
  probeDueMs: Math.min(health.probeDueMs, atMs),
  dataDueMs: Math.min(health.dataDueMs, atMs),
});

function judge(health: HostHealth, nowMs: number, settings: Settings): HostHealth {
  const verdict = verdictOf(health, nowMs, settings);
  const troubled = verdict.type === "suspect" || verdict.type === "down";
  const backMs = health.verdict.type === "down" && verdict.type !== "down" ? nowMs : health.backMs;
  const troubleSinceMs = troubled ? (health.troubleSinceMs ?? troubleMs(health, nowMs)) : null;
  return { ...health, verdict, backMs, troubleSinceMs };
}

function verdictOf(health: HostHealth, nowMs: number, settings: Settings): Verdict {
  const reason = downReason(health, nowMs, settings);
  const before = health.verdict;
  if (reason !== null) return before.type === "down" ? before : { type: "down", reason, sinceMs: nowMs };
  const { control, data } = health;
  const failure = control.lastFailure ?? data.lastFailure;
  if (before.type === "down" && failure !== "rejected" && failure !== "invalid" && !recovered(health, settings)) {
    return before;
  }
  if (failure !== null) return { type: "suspect", reason: failure };
  return control.goods === 0 ? { type: "unknown" } : { type: "up" };
}

function downReason(health: HostHealth, nowMs: number, settings: Settings): DownReason | null {
  const control = channelState(health.control, nowMs, settings);
  const data = channelState(health.data, nowMs, settings);
  const bothRefused = health.control.refusals > 0 && health.data.refusals > 0;
  if ((control === "gone" && health.data.failures > 0) || (data === "gone" && bothRefused)) return "refused";
  if (control === "silent") return health.control.refusals > 0 ? "refused" : "missed";
  if (data === "gone" || data === "silent") return "data-unreachable";
  return control === "good" && isHung(health, settings) ? "hung" : null;
}

const isHung = ({ report }: HostHealth, { hangMs }: Settings): boolean =>
  report !== null && report.body.mainTickAgeMs >= hangMs;

/** Hysteresis: a host that was down is up only after several answers in a row, and one of its data address. */
const recovered = (health: HostHealth, settings: Settings): boolean =>
  health.control.goods >= settings.recoveries && health.data.goods > 0;

const troubleMs = ({ control, data }: HostHealth, nowMs: number): number =>
  Math.min(control.failingSinceMs ?? nowMs, data.failingSinceMs ?? nowMs);

/** From the moment of suspicion on, the next probe is not as far away as it was. */
function hurry(before: HostHealth, health: HostHealth, nowMs: number, settings: Settings): HostHealth {
  const changed = before.verdict.type !== health.verdict.type || before.pace !== health.pace;
  return changed ? probeAt(health, Math.max(nowMs, health.probedMs + gapMs(health, nowMs, settings))) : health;
}

function sendDue(health: HostHealth, nowMs: number, settings: Settings): HealthStep {
  const nextMs = nowMs + gapMs(health, nowMs, settings);
  const control = health.probeDueMs <= nowMs;
  const data = health.dataDueMs <= nowMs;
  return {
    health: {
      ...health,
      probeDueMs: control ? nextMs : health.probeDueMs,
      dataDueMs: data ? nextMs : health.dataDueMs,
      probedMs: control ? nowMs : health.probedMs,
    },
    effects: [...(control ? (["probe"] as const) : []), ...(data ? (["probeData"] as const) : [])],
  };
}

function gapMs(health: HostHealth, nowMs: number, settings: Settings): number {
  if (health.pace === "ordered") return settings.orderedIntervalMs;
  if (health.verdict.type !== "suspect") return settings.intervalMs;
  return isConfirming(health, nowMs, settings) ? settings.confirmMs : settings.suspectIntervalMs;
}

/** Refused a moment ago, and not yet for long. */
function isConfirming({ control, data }: HostHealth, nowMs: number, { confirmMs }: Settings): boolean {
  const refusedMs = Math.max(control.refusedSinceMs ?? never, data.refusedSinceMs ?? never);
  return nowMs - refusedMs < CONFIRMATIONS * confirmMs;
}
