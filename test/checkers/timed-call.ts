/**
 * What every recorded call has, whatever it did. Times are of one monotonic clock that all recorders share: a call whose
 * answer was there before another began happened before it, and nothing else is known of their order.
 */

/** `ok`: it took effect; `fail`: it definitely did not; `unknown`: it may take effect at any later time, or never. */
export type Outcome = "ok" | "fail" | "unknown";

export interface TimedCall {
  readonly process: string;
  readonly invokedMs: number;
  /** When its answer was there; `null` if none came. */
  readonly completedMs: number | null;
  readonly outcome: Outcome;
}

/** When it had surely happened: an unknown one never. */
export function endMs({ outcome, completedMs }: TimedCall): number {
  return outcome === "ok" && completedMs !== null ? completedMs : Infinity;
}

export function precedes(earlier: TimedCall, later: TimedCall): boolean {
  return endMs(earlier) < later.invokedMs;
}

export const byInvocation = (a: TimedCall, b: TimedCall): number => a.invokedMs - b.invokedMs;

export function describeTimes({ process, invokedMs, completedMs, outcome }: TimedCall): string {
  const end = completedMs === null ? "…" : `${completedMs.toFixed(1)} ms`;
  return `${invokedMs.toFixed(1)} to ${end}, ${process}, ${outcome}`;
}
