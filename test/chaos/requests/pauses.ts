/** How long requests waited because of faults: of each fault the longest wait, and how those are distributed. Pure. */
import { longestPauseMs } from "../incident.ts";
import type { Span } from "../recorder.ts";

/** A fault, from its beginning until a request succeeded that began after it was undone. */
export interface FaultTime {
  readonly name: string;
  readonly beganMs: number;
  readonly overMs: number;
}

export interface PauseRow {
  readonly fault: string;
  readonly times: number;
  readonly medianMs: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly mostMs: number;
}

export const BETWEEN_FAULTS = "between faults";

/** A row for each kind of fault, and last, to compare with, one for the times between them. @param faults in their order. */
export function pauseRows(faults: readonly FaultTime[], spans: readonly Span[]): readonly PauseRow[] {
  const pauses = faults.map((fault, n) => ({
    name: fault.name,
    ms: longestPauseMs(fault, faults[n - 1]?.overMs ?? -Infinity, spans),
  }));
  const rows = [...Map.groupBy(pauses, ({ name }) => name)].map(([name, of]) =>
    rowOf(
      name,
      of.map(({ ms }) => ms),
    ),
  );
  const between = faults.slice(1).map(({ beganMs }, n) => longestWithinMs(faults[n]!.overMs, beganMs, spans));
  return [...rows.toSorted((a, b) => a.fault.localeCompare(b.fault)), rowOf(BETWEEN_FAULTS, between)];
}

export function rowOf(fault: string, pausesMs: readonly number[]): PauseRow {
  const sorted = pausesMs.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { fault, times: sorted.length, medianMs: at(0.5), p90Ms: at(0.9), p99Ms: at(0.99), mostMs: at(1) };
}

function longestWithinMs(fromMs: number, untilMs: number, spans: readonly Span[]): number {
  let longest = 0;
  for (const { invokedMs, completedMs } of spans)
    if (invokedMs >= fromMs && completedMs <= untilMs) longest = Math.max(longest, completedMs - invokedMs);
  return longest;
}
