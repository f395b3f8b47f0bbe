/**
 * What the decisions are tuned by: the configuration's `health`, `takeover` and `gossip`, and the few figures that follow from
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
  readonly gossip: Config["gossip"];
}

const CONFIRM_MS = 20;
const ORDERED_INTERVAL_MS = 20;
const RECOVERIES = 2;

export function settings({ health, takeover, gossip }: Pick<Config, "health" | "takeover" | "gossip">): Settings {
  const { intervalMs, failures, hangMs, graceMs, storageMs, stableMs, dampMs } = health;
  return {
    intervalMs,
    failures,
    hangMs,
    graceMs,
    storageMs,
    stableMs,
    dampMs,
    gossip,
    takeoverMs: takeover.timeoutMs,
    confirmMs: CONFIRM_MS,
    suspectIntervalMs: Math.min(intervalMs, Math.max(CONFIRM_MS, intervalMs / 4)),
    orderedIntervalMs: Math.min(intervalMs, ORDERED_INTERVAL_MS),
    retryMs: Math.min(takeover.timeoutMs, 4 * intervalMs),
    storageFreshMs: hangMs / 2,
    awayMs: 2 * intervalMs,
    recoveries: RECOVERIES,
  };
}
