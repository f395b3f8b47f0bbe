/**
 * How much this proxy may trust its own impatience. Pure.
 *
 * A timer that fires late shows that this process did not run, and what did not run cannot have heard answers in time: then
 * a host is given more misses before it counts as silent. Each late timer raises the strain by one, each interval without
 * one lowers it; it has a bound, so that a slow proxy is late in its judgement and not without one.
 */
import type { Settings } from "./settings.ts";

export interface Strain {
  readonly level: number;
  readonly changedMs: number;
}

const MAX_LEVEL = 5;

export const noStrain: Strain = { level: 0, changedMs: Number.NEGATIVE_INFINITY };

/** `dueMs`: when this step should have come at the latest. */
export function strainAfter(
  before: Strain,
  { dueMs, nowMs }: { readonly dueMs: number; readonly nowMs: number },
  settings: Settings,
): Strain {
  if (nowMs - dueMs > settings.lateMs) return { level: Math.min(MAX_LEVEL, before.level + 1), changedMs: nowMs };
  if (before.level === 0 || nowMs - before.changedMs < settings.intervalMs) return before;
  return { level: before.level - 1, changedMs: nowMs };
}

export const strained = (settings: Settings, { level }: Strain): Settings =>
  level === 0 ? settings : { ...settings, failures: settings.failures + level };
