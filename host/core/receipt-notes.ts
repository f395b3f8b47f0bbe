/**
 * What a host notes on the way, step by step, for the receipts of its tenures. Pure and bounded; it reads the pool's states
 * and effects and changes nothing.
 */
import type { FenceRef } from "../../shared/journal/record.ts";
import { slot, type Slot } from "../../shared/position.ts";
import {
  MAX_REASON,
  MAX_VOIDS,
  RECEIPT_FORMAT,
  type Receipt,
  type ReceiptFence,
  type TenureEnd,
} from "../../shared/receipt/receipt.ts";
import { phasesOf } from "./phases.ts";
import type { PoolState, PoolStep, Primary } from "./pool-state.ts";

export interface ReceiptNotes {
  /** What was applied when the last takeover began. */
  readonly from: Slot;
  /** The fence that it deposes. */
  readonly previous: FenceRef | null;
  /** Fences that were found void since the last tenure ended. */
  readonly voidFences: readonly FenceRef[];
  /** How the last tenure ended, if its owner did not end it. */
  readonly ended: Omit<TenureEnd, Stamp> | null;
}

/** What notes cannot know. */
type Stamp = "endedAtMs" | "version";

export const NO_NOTES: ReceiptNotes = { from: slot(0), previous: null, voidFences: [], ended: null };

/** The notes after a step from `before`. */
export function noteStep(notes: ReceiptNotes, before: PoolState, step: PoolStep): ReceiptNotes {
  const { state: after } = step;
  if (before.phase === after.phase) return notes;
  const noted = dropPassed(noteTakeover(noteEnd(notes, before, step), before, after), after);
  if (!after.voidFence || after.voidFence.id === before.voidFence?.id) return noted;
  return { ...noted, voidFences: [...noted.voidFences, after.voidFence].slice(-MAX_VOIDS) };
}

/**
 * A listing that was older than a checkpoint makes a fence look void. Where the own state has passed it meanwhile, by a checkpoint
 * or in a takeover, this host did not see whether another's fence was part of history after all. Its own it knows: nobody goes on
 * from a fence that its owner never saw confirmed.
 */
function dropPassed(notes: ReceiptNotes, { applied, settings }: PoolState): ReceiptNotes {
  if (applied === null || notes.voidFences.length === 0) return notes;
  const isVoid = ({ slot: at, id, owner }: FenceRef): boolean =>
    id !== applied.fence.id && (at > applied.slot || owner === settings.self);
  return { ...notes, voidFences: notes.voidFences.filter(isVoid) };
}

function noteTakeover(notes: ReceiptNotes, before: PoolState, { phase }: PoolState): ReceiptNotes {
  if (phase.type !== "taking-over") return notes;
  const began = before.phase.type !== "taking-over";
  const noted = began ? { ...notes, from: before.applied?.slot ?? slot(0), previous: null } : notes;
  if (phase.stage.type !== "fencing") return noted;
  return { ...noted, previous: phase.takeover.verified?.fence ?? null };
}

/** A tenure that served: what was noted before it is in its receipt. Its release, if there is one, says why it ended. */
function noteEnd(
  notes: ReceiptNotes,
  { settings, phase }: PoolState,
  { state: after, effects }: PoolStep,
): ReceiptNotes {
  if (phase.type !== "primary" || phase.primary.timings.servingMs === undefined) return notes;
  if (after.phase.type === "primary") return notes;
  if (after.phase.type !== "fenced" || phase.primary.stage !== "serving")
    return { ...notes, voidFences: [], ended: null };
  const { fence, head } = phase.primary;
  const ended = {
    format: RECEIPT_FORMAT,
    pool: settings.pool,
    fence: nameOf(fence),
    slot: head.slot,
    lsn: head.lsn,
    reason: after.phase.reason.slice(0, MAX_REASON),
    batch: batchInFlight(phase.primary, effects),
  };
  return { ...notes, voidFences: [], ended };
}

function batchInFlight({ publication }: Primary, effects: PoolStep["effects"]): TenureEnd["batch"] {
  const record = publication?.sealed.record;
  if (record?.kind !== "batch") return null;
  const isVoid = effects.some((effect) => effect.type === "discard" && effect.outcome.type === "deposed");
  return { slot: record.header.slot, commits: record.header.commits, fate: isVoid ? "void" : "unknown" };
}

/** The receipt of the tenure that has begun; `null` if this host does not serve. */
export function receiptOf(
  { settings, phase }: PoolState,
  notes: ReceiptNotes,
  stamp: Pick<Receipt, "servedAtMs" | "version">,
): Receipt | null {
  if (phase.type !== "primary" || phase.primary.stage !== "serving") return null;
  const { fence, head, timings } = phase.primary;
  return {
    format: RECEIPT_FORMAT,
    pool: settings.pool,
    fence: nameOf(fence),
    previous: notes.previous && nameOf(notes.previous),
    slot: head.slot,
    lsn: head.lsn,
    replayed: Math.max(0, fence.slot - 1 - notes.from),
    phases: phasesOf(timings),
    voidFences: notes.voidFences.map(nameOf),
    ...stamp,
  };
}

/** What the owner of the tenure that has ended says of it; `null` if this host serves, or has nothing to say. */
export function tenureEndOf(state: PoolState, notes: ReceiptNotes, stamp: Pick<TenureEnd, Stamp>): TenureEnd | null {
  if (state.phase.type === "primary" || notes.ended === null) return null;
  return { ...notes.ended, ...stamp };
}

const nameOf = ({ slot: at, id, epoch, owner, bootId }: FenceRef): ReceiptFence => ({
  slot: at,
  id,
  epoch,
  owner,
  bootId,
});
