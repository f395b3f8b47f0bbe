/** The phases of a takeover in milliseconds, for logs, answers and receipts. Pure. */
import type { Timings } from "./pool-state.ts";

const PHASES = [
  ["verify", "verifiedMs"],
  ["fence", "fencedMs"],
  ["confirm", "confirmedMs"],
  ["apply", "appliedMs"],
  ["open", "servingMs"],
] as const;

type Phase = (typeof PHASES)[number][0];

/** What each phase took, and all of them. One that was not reached took nothing. */
export function phasesOf(timings: Timings): Record<Phase | "total", number> {
  const phases = { verify: 0, fence: 0, confirm: 0, apply: 0, open: 0 };
  let previous = timings.beganMs;
  for (const [name, key] of PHASES) {
    const at = timings[key] ?? previous;
    phases[name] = rounded(at - previous);
    previous = at;
  }
  return { ...phases, total: rounded(previous - timings.beganMs) };
}

const rounded = (ms: number): number => Math.round(ms * 100) / 100;
