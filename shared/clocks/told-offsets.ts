/**
 * Offsets of nodes that this one does not hear itself, by way of others that do: theirs is added to the offset of the
 * teller, and so are the errors. Pure.
 */
import type { NodeId } from "../ids.ts";
import type { ClockOffset } from "../wire/messages.ts";
import type { ClockOffsets } from "./clock-median.ts";

export interface ToldOffset extends ClockOffset {
  readonly node: string;
}

/** What each teller says, as of not long ago. */
export type ToldOffsets = ReadonlyMap<NodeId, readonly ToldOffset[]>;

/** What is told is some seconds old: two clocks may have drifted apart by so much meanwhile. */
const AGE_ERROR_MS = 5;

/** `own`, and for each further node the surest way to it. Tellers that are not heard themselves tell nothing. */
export function withToldOffsets(own: ClockOffsets, told: ToldOffsets): ClockOffsets {
  const offsets = new Map(own);
  for (const [teller, entries] of told) {
    const way = own.get(teller);
    if (way === undefined) continue;
    for (const { node, offsetMs, errorMs } of entries) {
      const found = { offsetMs: way.offsetMs + offsetMs, errorMs: way.errorMs + errorMs + AGE_ERROR_MS };
      const known = offsets.get(node as NodeId);
      if (known === undefined || (!own.has(node as NodeId) && found.errorMs < known.errorMs))
        offsets.set(node as NodeId, found);
    }
  }
  return offsets;
}
