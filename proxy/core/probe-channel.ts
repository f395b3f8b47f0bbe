/**
 * What the probes of one address say, as an estimator: is somebody there? A host has two, control and data. Pure.
 *
 * Probes leave at fixed intervals, whether or not the last one was answered, so answers and failures may arrive in any
 * order: each is placed by when its probe was sent, and an older answer does not outweigh a newer failure.
 */
import type { Settings } from "./settings.ts";

/** Why a probe has no answer that can be used. */
export type FailureKind = "refused" | "reset" | "timeout" | "unreachable" | "rejected" | "invalid";

export interface ProbeChannel {
  /** When the newest answered probe was sent; `null`: never answered. */
  readonly heardMs: number | null;
  /** Answered in a row, up to now. */
  readonly goods: number;
  /** Failed in a row, of any kind that can mean "nobody there". */
  readonly failures: number;
  /** When the oldest of them was sent. */
  readonly failingSinceMs: number | null;
  readonly refusals: number;
  readonly refusedSinceMs: number | null;
  /** When the newest failed probe was sent. */
  readonly failedMs: number;
  readonly lastFailure: FailureKind | null;
}

export const quietChannel: ProbeChannel = {
  heardMs: null,
  goods: 0,
  failures: 0,
  failingSinceMs: null,
  refusals: 0,
  refusedSinceMs: null,
  failedMs: Number.NEGATIVE_INFINITY,
  lastFailure: null,
};

/** `gone`: refused, and confirmed. `silent`: not answering for the whole of the time-out. */
export type ChannelState = "untried" | "good" | "failing" | "gone" | "silent" | "rejected";

/** A timer may fire a little early by another clock; probes so far apart count as two. */
const CONFIRM_SHARE = 0.75;

export function answered(channel: ProbeChannel, sentMs: number): ProbeChannel {
  if (sentMs < channel.failedMs) return channel;
  const heardMs = Math.max(sentMs, channel.heardMs ?? sentMs);
  return { ...quietChannel, heardMs, goods: channel.goods + 1, failedMs: channel.failedMs };
}

export function failed(channel: ProbeChannel, kind: FailureKind, sentMs: number): ProbeChannel {
  if (channel.heardMs !== null && sentMs < channel.heardMs) return channel;
  const failedMs = Math.max(channel.failedMs, sentMs);
  // Somebody is there who will not talk to us: never a reason to call a host down.
  if (kind === "rejected" || kind === "invalid") {
    return { ...quietChannel, heardMs: channel.heardMs, failedMs, lastFailure: kind };
  }
  const refusal = kind === "refused" || kind === "reset";
  return {
    ...channel,
    goods: 0,
    failures: channel.failures + 1,
    failingSinceMs: earlier(channel.failingSinceMs, sentMs),
    refusals: channel.refusals + (refusal ? 1 : 0),
    refusedSinceMs: refusal ? earlier(channel.refusedSinceMs, sentMs) : channel.refusedSinceMs,
    failedMs,
    lastFailure: kind,
  };
}

/** Forgets failures: this proxy was away, so they say nothing of the host. What was heard stays. */
export function forgiven(channel: ProbeChannel, nowMs: number): ProbeChannel {
  return { ...quietChannel, heardMs: channel.heardMs === null ? null : nowMs, goods: channel.goods };
}

export function channelState(channel: ProbeChannel, nowMs: number, settings: Settings): ChannelState {
  if (channel.lastFailure === "rejected" || channel.lastFailure === "invalid") return "rejected";
  if (channel.failures === 0) return channel.goods === 0 ? "untried" : "good";
  if (isSilent(channel, nowMs, settings)) return "silent";
  return isGone(channel, nowMs, settings) ? "gone" : "failing";
}

function isSilent(channel: ProbeChannel, nowMs: number, settings: Settings): boolean {
  const silentMs = nowMs - (channel.failingSinceMs ?? nowMs);
  const boundMs = Math.max(settings.failures * settings.intervalMs, onlyRefused(channel) ? settings.graceMs : 0);
  return channel.failures >= settings.failures && silentMs >= boundMs;
}

function isGone(channel: ProbeChannel, nowMs: number, settings: Settings): boolean {
  if (channel.refusals < 2 || channel.refusedSinceMs === null) return false;
  const apart = channel.failedMs - channel.refusedSinceMs >= settings.confirmMs * CONFIRM_SHARE;
  return apart && nowMs - channel.refusedSinceMs >= settings.graceMs;
}

const onlyRefused = (channel: ProbeChannel): boolean => channel.refusals === channel.failures;

const earlier = (a: number | null, b: number): number => (a === null ? b : Math.min(a, b));
