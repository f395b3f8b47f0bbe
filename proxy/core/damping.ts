/**
 * What keeps a pool from being handed round: after several takeovers in a short time a soft reason must last before it
 * counts. Pure.
 *
 * A host that says itself that it does not serve, or whose process is gone, is never waited for. A reason that could as
 * well be the network, or a machine under load, must have lasted for a time that doubles with each further takeover, up to
 * `health.damp`: so no failover that is needed is held up for longer than that.
 */
import type { Settings } from "./settings.ts";

/** Takeovers that are remembered. */
const MAX_REMEMBERED = 16;

export const rememberTakeover = (takeoversMs: readonly number[], nowMs: number): readonly number[] =>
  [...takeoversMs, nowMs].slice(-MAX_REMEMBERED);

/** How long a soft reason must have lasted by now. */
export function dampedMs(takeoversMs: readonly number[], nowMs: number, settings: Settings): number {
  const { dampWindowMs, dampFreeTakeovers, dampMs, intervalMs, failures } = settings;
  const recent = takeoversMs.filter((atMs) => nowMs - atMs <= dampWindowMs).length;
  if (recent < dampFreeTakeovers) return 0;
  return Math.min(dampMs, intervalMs * failures * 2 ** (recent - dampFreeTakeovers + 1));
}
