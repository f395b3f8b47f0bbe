/**
 * Getting one record into one slot, until the outcome is known, whatever a put said or did not say.
 *
 * The same name and the same bytes are tried for as long as it takes; never the next name, which would write it twice.
 * Only a put that said `created`, or an own record read back, counts as published. What is read back may be a name that
 * nobody has synced, which a power cut takes away: so nothing is concluded from a record before its folder was synced and
 * it was found there again.
 */
import type { HotspareError } from "../../shared/errors.ts";
import { unreachable } from "../../shared/errors.ts";
import type { RecordId } from "../../shared/ids.ts";
import { newerReason } from "../../shared/journal/record-formats.ts";
import type { SealedRecord } from "../../shared/journal/record.ts";
import type { PutResult } from "../../shared/vault/vault.ts";

export interface Publication {
  readonly sealed: SealedRecord;
  readonly stage: PublicationStage;
  /** A put may have created the record, or a name was found that may be it: from then on no refusal proves that it is absent. */
  readonly doubtful: boolean;
  /** Puts so far, for the waiting times. */
  readonly attempts: number;
  /** Fresh reads that found the name taken by something invalid. */
  readonly invalidReads: number;
  /** The record that was found before the last sync of its folder. */
  readonly synced: RecordId | null;
}

export type PublicationStage =
  | { readonly type: "putting" }
  | { readonly type: "reading" }
  | { readonly type: "syncing" }
  | { readonly type: "waiting"; readonly untilMs: number; readonly resume: "put" | "read" };

/** What was found under one name. `unreadable`: it is there, and cannot be read now. */
export type Found =
  | { readonly type: "record"; readonly sealed: SealedRecord }
  | { readonly type: "absent" }
  | { readonly type: "invalid"; readonly reason: string }
  | { readonly type: "newer"; readonly version: number }
  | { readonly type: "unreadable"; readonly reason: string };

export type PublicationEvent =
  | { readonly type: "put"; readonly result: PutResult }
  | { readonly type: "found"; readonly found: Found }
  | { readonly type: "synced"; readonly error: HotspareError | null }
  | { readonly type: "tick" };

export type PublicationOutcome =
  | { readonly type: "published" }
  /** Another record has the slot: this one is not in history and never will be. */
  | { readonly type: "taken"; readonly sealed: SealedRecord }
  /** Certainly not created. */
  | { readonly type: "refused"; readonly error: HotspareError }
  /** It may be in history, but this process may not acknowledge on that folder any more. */
  | { readonly type: "undurable"; readonly error: HotspareError }
  /** Something that nobody can pass has the slot. */
  | { readonly type: "unpassable"; readonly reason: string };

export type PublicationStep =
  | { readonly type: "put" | "read" | "sync" | "wait"; readonly publication: Publication }
  | { readonly type: "done"; readonly outcome: PublicationOutcome };

/** Fresh reads of an invalid record before it counts as corruption. */
export const INVALID_READS = 5;
const FIRST_WAIT_MS = 10;
const LONGEST_WAIT_MS = 1000;

export function beginPublication(sealed: SealedRecord): PublicationStep {
  return put({ sealed, stage: { type: "putting" }, doubtful: false, attempts: 0, invalidReads: 0, synced: null });
}

export function stepPublication(publication: Publication, event: PublicationEvent, now: number): PublicationStep {
  switch (event.type) {
    case "put":
      return onPut(publication, event.result, now);
    case "found":
      return onFound(publication, event.found, now);
    case "synced":
      return event.error ? undurable(event.error) : read(publication);
    case "tick":
      return onTick(publication, now);
  }
}

function onPut(publication: Publication, result: PutResult, now: number): PublicationStep {
  switch (result.type) {
    case "created":
      return published;
    case "exists":
    case "unknown":
      return read({ ...publication, doubtful: true });
    case "refused":
      if (publication.doubtful) return wait(publication, "put", now);
      return { type: "done", outcome: { type: "refused", error: result.error } };
    case "undurable":
      return undurable(result.error);
    default:
      return unreachable(result);
  }
}

function onFound(publication: Publication, found: Found, now: number): PublicationStep {
  switch (found.type) {
    case "record":
      return onRecord(publication, found.sealed);
    case "absent":
      return wait({ ...publication, synced: null }, "put", now);
    case "unreadable":
      return wait(publication, "read", now);
    case "invalid":
      return onInvalid(publication, found.reason, now);
    case "newer":
      return unpassable(newerReason(found.version));
    default:
      return unreachable(found);
  }
}

function onRecord(publication: Publication, sealed: SealedRecord): PublicationStep {
  const { id } = sealed.record.header;
  if (publication.synced !== id) return sync({ ...publication, synced: id });
  return id === publication.sealed.record.header.id ? published : { type: "done", outcome: { type: "taken", sealed } };
}

function onInvalid(publication: Publication, reason: string, now: number): PublicationStep {
  const invalidReads = publication.invalidReads + 1;
  if (invalidReads >= INVALID_READS) return unpassable(reason);
  return wait({ ...publication, invalidReads }, "read", now);
}

function onTick(publication: Publication, now: number): PublicationStep {
  const { stage } = publication;
  if (stage.type !== "waiting" || now < stage.untilMs) return { type: "wait", publication };
  return stage.resume === "put" ? put(publication) : read(publication);
}

const published: PublicationStep = { type: "done", outcome: { type: "published" } };

const undurable = (error: HotspareError): PublicationStep => ({ type: "done", outcome: { type: "undurable", error } });

const unpassable = (reason: string): PublicationStep => ({ type: "done", outcome: { type: "unpassable", reason } });

const put = (from: Publication): PublicationStep => ({
  type: "put",
  publication: { ...from, stage: { type: "putting" }, attempts: from.attempts + 1 },
});

const read = (from: Publication): PublicationStep => ({
  type: "read",
  publication: { ...from, stage: { type: "reading" } },
});

const sync = (from: Publication): PublicationStep => ({
  type: "sync",
  publication: { ...from, stage: { type: "syncing" } },
});

function wait(from: Publication, resume: "put" | "read", now: number): PublicationStep {
  const delayMs = Math.min(FIRST_WAIT_MS * 2 ** Math.min(from.attempts + from.invalidReads, 10), LONGEST_WAIT_MS);
  return { type: "wait", publication: { ...from, stage: { type: "waiting", untilMs: now + delayMs, resume } } };
}
