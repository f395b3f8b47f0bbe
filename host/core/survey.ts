/**
 * Reading what a listing of journal and checkpoints shows, and a run of records read after it. Pure judgements; who
 * follows and who takes over use the same ones.
 *
 * "Absent is not the head": nothing is concluded from one name being absent; a listing that shows later names without
 * the next one means that this node is late, or that a record was deleted.
 */
import { extend, slotAfter, type Head, type Violation } from "../../shared/journal/head.ts";
import type { Sha256 } from "../../shared/ids.ts";
import { newerReason } from "../../shared/journal/record-formats.ts";
import type { FenceRef, SealedRecord } from "../../shared/journal/record.ts";
import { slot, type Slot } from "../../shared/position.ts";
import type { Found } from "./publication.ts";

/**
 * A fresh listing. The shell lists the journal first, then checkpoints, and syncs the folders of what it lists before it
 * hands the listing over: so nothing in it can vanish in a power cut, and a checkpoint that made a slot's deletion
 * possible shows if the slot's absence does, however long the host was paused between the two lists.
 */
export interface Survey {
  /** Slots of records from the one asked for on, ascending. */
  readonly slots: readonly Slot[];
  /** Slots of published manifests, ascending. */
  readonly checkpoints: readonly Slot[];
}

export type SurveyVerdict =
  | { readonly type: "caught-up" }
  /** Read these; all were listed. */
  | { readonly type: "read"; readonly from: Slot; readonly to: Slot }
  /** A checkpoint lies beyond, and the next record is gone: restore. */
  | { readonly type: "late" }
  /** The own last record is neither there nor below a checkpoint: the vault is older than this host. */
  | { readonly type: "behind" }
  /** Later records without the next one, and no checkpoint. */
  | { readonly type: "missing"; readonly slot: Slot };

/** Most records that are read at once. */
export const RUN_RECORDS = 64;

/** `survey` lists from the own last record on. */
export function judgeSurvey(head: Head | null, survey: Survey): SurveyVerdict {
  const next = slotAfter(head);
  if (head !== null && isBehind(head.slot, survey)) return { type: "behind" };
  if (head === null && survey.checkpoints.length > 0) return { type: "late" };
  if (survey.slots.includes(next)) return { type: "read", from: next, to: endOfRun(survey, next) };
  if (survey.checkpoints.some((at) => at >= next)) return { type: "late" };
  return survey.slots.some((at) => at > next) ? { type: "missing", slot: next } : { type: "caught-up" };
}

/** The own last record is neither listed nor below a checkpoint. `survey` lists from `own` on. */
export const isBehind = (own: Slot, { slots, checkpoints }: Survey): boolean =>
  !slots.includes(own) && !checkpoints.some((at) => at >= own);

/** The last slot, without a hole from `from` on, that one read takes. */
export function endOfRun(survey: Survey, from: Slot): Slot {
  const start = survey.slots.indexOf(from);
  let count = 1;
  while (count < RUN_RECORDS && survey.slots[start + count] === from + count) count += 1;
  return slot(from + count - 1);
}

/** Records read in order from one slot on; `stop` is what came instead of the record that should have been next. */
export interface Run {
  readonly records: readonly SealedRecord[];
  readonly stop: Exclude<Found, { type: "record" }> | null;
}

export interface Step {
  readonly sealed: SealedRecord;
  /** The head after it. */
  readonly head: Head;
}

export interface RunVerdict {
  /** What may be applied, in order. */
  readonly steps: readonly Step[];
  /** Why no more. `end`: all that was read follows. */
  readonly stop:
    | { readonly type: "end" }
    | { readonly type: "gone" }
    | { readonly type: "unreadable"; readonly reason: string }
    | { readonly type: "void-fence"; readonly fence: FenceRef }
    /** A fence that the record after it may prove; that was listed, but not in this run. Read again from it on. */
    | { readonly type: "unproven-fence" }
    /** A fence that nothing follows and no checkpoint lies beyond, as far as a listing shows that was made before it was read. */
    | { readonly type: "unlisted-fence"; readonly hash: Sha256 }
    | { readonly type: "not-history"; readonly reason: string }
    | { readonly type: "unpassable"; readonly slot: Slot; readonly reason: string };
}

/**
 * What of a run may be believed. A record may have been read long after it was listed: so a listing proves the last fence
 * only if that was read before, as `seen` says; `"any"`: a fence may be believed that will be proven later.
 */
export function judgeRun(head: Head | null, run: Run, survey: Survey, seen: Sha256 | "any" | null): RunVerdict {
  const steps: Step[] = [];
  let at = head;
  for (const [index, sealed] of run.records.entries()) {
    const extension = extend(at, sealed);
    if (!extension.ok) return { steps, stop: stopFor(sealed, extension.violation) };
    const next = run.records[index + 1] ?? (run.stop ? "unreadable" : "unread");
    const doubt = doubtFence(sealed, next, survey, seen);
    if (doubt === "unproven-fence" && run.stop)
      return { steps, stop: stopOf(run, slot(sealed.record.header.slot + 1)) };
    if (doubt === "unlisted-fence") return { steps, stop: { type: doubt, hash: sealed.hash } };
    if (doubt === "void-fence") return { steps, stop: { type: doubt, fence: extension.head.fence } };
    if (doubt) return { steps, stop: { type: doubt } };
    at = extension.head;
    steps.push({ sealed, head: at });
  }
  return { steps, stop: stopOf(run, slotAfter(at)) };
}

/** A fence is applied only if the record after it carries its hash, or no checkpoint lies beyond it. */
function doubtFence(
  { record, hash }: SealedRecord,
  next: SealedRecord | "unread" | "unreadable",
  { slots, checkpoints }: Survey,
  seen: Sha256 | "any" | null,
): "void-fence" | "unproven-fence" | "unlisted-fence" | null {
  if (record.kind !== "fence" || (typeof next === "object" && next.record.header.previousHash === hash)) return null;
  const { slot: at } = record.header;
  const covered = checkpoints.some((checkpoint) => checkpoint > at);
  const mayProve = typeof next === "string" && slots.includes(slot(at + 1));
  // What cannot be read proves nothing; where no checkpoint lies beyond, a listing does.
  if (mayProve && (covered || (next === "unread" && seen !== "any"))) return "unproven-fence";
  if (covered) return "void-fence";
  return seen === "any" || seen === hash ? null : "unlisted-fence";
}

function stopFor({ record }: SealedRecord, { type, reason }: Violation): RunVerdict["stop"] {
  return type === "not-history" ? { type, reason } : { type: "unpassable", slot: record.header.slot, reason };
}

function stopOf({ stop }: Run, at: Slot): RunVerdict["stop"] {
  switch (stop?.type) {
    case undefined:
      return { type: "end" };
    case "absent":
      return { type: "gone" };
    case "unreadable":
      return stop;
    case "invalid":
      return { type: "unpassable", slot: at, reason: stop.reason };
    case "newer":
      return { type: "unpassable", slot: at, reason: newerReason(stop.version) };
  }
}
