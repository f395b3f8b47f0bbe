/**
 * What the decisions are tuned by: the configuration's `health` and `takeover`, and the few figures that follow from
 * them. `docs/proxy.md` has each formula with its trade-off.
 */
import type { Config } from "../../shared/config/config.ts";

export interface Settings {
  readonly intervalMs: number;
  readonly failures: number;
  readonly hangMs: number;
  readonly graceMs: number;
  readonly storageMs: number;
  readonly stableMs: number;
  readonly dampMs: number;
  readonly takeoverMs: number;
  /** Between a refused probe and the one that confirms it. */
  readonly confirmMs: number;
  /** Between probes of a host that is suspect. */
  readonly suspectIntervalMs: number;
  /** Between probes of a host that was ordered to take over. */
  readonly orderedIntervalMs: number;
  /** A host that refused an order, or could not be reached with it, is not ordered again before. */
  readonly retryMs: number;
  /** A candidate's last good write to the vault must be younger. */
  readonly storageFreshMs: number;
  /** Silence of all events for so long means that this proxy itself was away: what it missed says nothing of others. */
  readonly awayMs: number;
  /** Probes in a row that must be answered before a host that was down is up again. */
  readonly recoveries: number;
  /** A proxy that agrees sends the order so much later for each one that comes before it. */
  readonly signalGapMs: number;
  /** A standby's vote counts for so long. */
  readonly voteFreshMs: number;
  /** So many takeovers within the window are nothing special. */
  readonly dampFreeTakeovers: number;
  readonly dampWindowMs: number;
  /** A timer that fires so late means that this proxy's own observations are worth less. */
  readonly lateMs: number;
}

const CONFIRM_MS = 20;
const ORDERED_INTERVAL_MS = 20;
const RECOVERIES = 2;
const DAMP_FREE_TAKEOVERS = 3;
const DAMP_WINDOW_MS = 60_000;

export function settings({ health, takeover }: Pick<Config, "health" | "takeover">): Settings {
  const { intervalMs, failures, hangMs, graceMs, storageMs, stableMs, dampMs } = health;
  return {
    intervalMs,
    failures,
    hangMs,
    graceMs,
    storageMs,
    stableMs,
    dampMs,
    takeoverMs: takeover.timeoutMs,
    confirmMs: CONFIRM_MS,
    suspectIntervalMs: Math.min(intervalMs, Math.max(CONFIRM_MS, intervalMs / 4)),
    orderedIntervalMs: Math.min(intervalMs, ORDERED_INTERVAL_MS),
    retryMs: Math.min(takeover.timeoutMs, 4 * intervalMs),
    storageFreshMs: storageMs / 2,
    awayMs: 2 * intervalMs,
    recoveries: RECOVERIES,
    signalGapMs: 2 * intervalMs,
    voteFreshMs: 2 * (intervalMs + health.timeoutMs),
    dampFreeTakeovers: DAMP_FREE_TAKEOVERS,
    dampWindowMs: DAMP_WINDOW_MS,
    lateMs: intervalMs / 2,
  };
}
