/**
 * Whose clock is wrong, as one node can tell from the offsets that it sees. Pure.
 *
 * With three or more, the middle of them is taken for the right time: whoever is further from it than the error allows is
 * off. Where the two in the middle differ, anything between them may be right, and nobody on either side is blamed: so two
 * nodes, or two against two, only differ.
 */
import type { NodeId } from "../ids.ts";
import type { ClockOffset } from "../wire/messages.ts";

/** How far each node's clock is ahead of one of them, which is in it with nothing and no error. */
export type ClockOffsets = ReadonlyMap<NodeId, ClockOffset>;

const FEWEST = 3;

/** How far a node's clock is ahead of the median; `null` if that cannot be said. */
export function clockDeviation(offsets: ClockOffsets, node: NodeId): ClockOffset | null {
  const own = offsets.get(node);
  if (own === undefined || offsets.size < FEWEST) return null;
  // The median is between these, wherever each clock really is within its error.
  const low = middle([...offsets.values()].map(lowest)).low;
  const high = middle([...offsets.values()].map(highest)).high;
  return { offsetMs: own.offsetMs - (low + high) / 2, errorMs: own.errorMs + (high - low) / 2 };
}

/** By how much at least; negative where it may be right. */
export const certainlyOffMs = ({ offsetMs, errorMs }: ClockOffset): number => Math.abs(offsetMs) - errorMs;

/** Two clocks that certainly differ by more than the bound, though nobody can say which of them is wrong. */
export interface ClockDispute {
  readonly behind: NodeId;
  readonly ahead: NodeId;
  readonly difference: ClockOffset;
}

/** The largest such difference; `null` if there is none, or if the median tells who is off. */
export function clockDispute(offsets: ClockOffsets, boundMs: number): ClockDispute | null {
  const blamed = [...offsets.keys()].some((node) => {
    const deviation = clockDeviation(offsets, node);
    return deviation !== null && certainlyOffMs(deviation) > boundMs;
  });
  const [behind, ahead] = [furthest(offsets, -1), furthest(offsets, 1)];
  if (blamed || behind === null || ahead === null) return null;
  const difference = {
    offsetMs: ahead.offset.offsetMs - behind.offset.offsetMs,
    errorMs: ahead.offset.errorMs + behind.offset.errorMs,
  };
  return certainlyOffMs(difference) > boundMs ? { behind: behind.node, ahead: ahead.node, difference } : null;
}

/** The node that is certainly furthest ahead (1) or behind (-1). */
function furthest(offsets: ClockOffsets, side: 1 | -1): { readonly node: NodeId; readonly offset: ClockOffset } | null {
  const certain = ({ offsetMs, errorMs }: ClockOffset): number => side * offsetMs - errorMs;
  const [first] = [...offsets].toSorted(([, one], [, other]) => certain(other) - certain(one));
  return first === undefined ? null : { node: first[0], offset: first[1] };
}

/** The two in the middle, which are the same one of an odd number. */
function middle(values: readonly number[]): { readonly low: number; readonly high: number } {
  const sorted = values.toSorted((one, other) => one - other);
  const half = (sorted.length - 1) / 2;
  return { low: sorted[Math.floor(half)] ?? 0, high: sorted[Math.ceil(half)] ?? 0 };
}

const lowest = ({ offsetMs, errorMs }: ClockOffset): number => offsetMs - errorMs;
const highest = ({ offsetMs, errorMs }: ClockOffset): number => offsetMs + errorMs;
