/** What came of each fault: how long clients waited meanwhile and how often another host took over. Pure, for the table. */
import type { Span } from "./recorder.ts";

/** One fault, from its beginning until a call succeeded that began after it was undone. */
export interface Incident {
  readonly name: string;
  readonly beganMs: number;
  readonly overMs: number;
  readonly failovers: number;
}

export interface FaultRow {
  readonly fault: string;
  readonly times: number;
  readonly medianPauseMs: number;
  readonly worstPauseMs: number;
  readonly failovers: number;
}

/** @param incidents in the order in which they happened. */
export function faultRows(incidents: readonly Incident[], spans: readonly Span[]): readonly FaultRow[] {
  const measured = incidents.map((incident, index) => ({
    ...incident,
    pauseMs: longestPauseMs(incident, incidents[index - 1]?.overMs ?? -Infinity, spans),
  }));
  return [...Map.groupBy(measured, ({ name }) => name)]
    .map(([fault, ofFault]) => {
      const pauses = ofFault.map(({ pauseMs }) => pauseMs).toSorted((a, b) => a - b);
      return {
        fault,
        times: ofFault.length,
        medianPauseMs: pauses[Math.floor((pauses.length - 1) / 2)] ?? 0,
        worstPauseMs: pauses.at(-1) ?? 0,
        failovers: ofFault.reduce((sum, { failovers }) => sum + failovers, 0),
      };
    })
    .toSorted((a, b) => a.fault.localeCompare(b.fault));
}

/** The longest that one call took of those that were under way during it, and began after the one before was over. */
export function longestPauseMs(
  { beganMs, overMs }: Pick<Incident, "beganMs" | "overMs">,
  formerMs: number,
  spans: readonly Span[],
): number {
  let longest = 0;
  for (const { invokedMs, completedMs } of spans)
    if (completedMs >= beganMs && invokedMs <= overMs && invokedMs > formerMs)
      longest = Math.max(longest, completedMs - invokedMs);
  return longest;
}
