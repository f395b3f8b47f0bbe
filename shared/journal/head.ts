/**
 * The chain rule: what may follow what. Pure; used by standbys, takers, `vault verify` and the simulation alike, so that
 * nobody can disagree on what history is.
 */
import { sha256 } from "../hash.ts";
import type { OriginId, Sha256 } from "../ids.ts";
import { lsn, nextEpoch, nextSlot, slot, epoch, type Lsn, type Slot } from "../position.ts";
import { FIRST_WRITE_VERSION, newerReason, RECORD_FORMATS } from "./record-formats.ts";
import type { FenceRef, JournalRecord, SealedRecord } from "./record.ts";

/** A place on the chain: everything that the next record is judged by. */
export interface Head {
  readonly origin: OriginId;
  readonly slot: Slot;
  /** Hash of the record at `slot`. */
  readonly hash: Sha256;
  /** LSN of the last commit up to here. */
  readonly lsn: Lsn;
  readonly logTimeMs: number;
  /** What the next record is written in: what the newest `format` record says. */
  readonly writeVersion: number;
  /** The newest fence: the last one on the chain that ends here. */
  readonly fence: FenceRef;
}

/**
 * Why a record cannot follow. `not-history`: the own state is not on the chain; `newer`: the record is right, and what follows
 * it is nothing for this program; anything else: the record is wrong.
 */
export type Violation = {
  readonly type:
    | "not-history"
    | "newer"
    | "wrong-slot"
    | "wrong-origin"
    | "wrong-tenure"
    | "wrong-fence"
    | "wrong-format"
    | "wrong-count";
  readonly reason: string;
};

export type Extension =
  | { readonly ok: true; readonly head: Head }
  | { readonly ok: false; readonly violation: Violation };

/** The head after `sealed`, or why it cannot follow `head` (`null`: the pool's beginning). */
export function extend(head: Head | null, sealed: SealedRecord): Extension {
  const violation = head === null ? judgeFirst(sealed.record) : judgeNext(head, sealed.record);
  if (violation) return { ok: false, violation };
  return { ok: true, head: after(head, sealed) };
}

/** The slot that the next record takes. */
export const slotAfter = (head: Head | null): Slot => (head === null ? slot(1) : nextSlot(head.slot));

/** What stands in for a previous record's hash at slot 1. */
export const originHash = (origin: OriginId): Sha256 => sha256(origin);

function judgeFirst({ kind, header }: JournalRecord): Violation | null {
  if (header.slot !== 1) return violation("wrong-slot", `slot ${header.slot} where 1 is next`);
  if (kind !== "fence") return violation("wrong-fence", `the first record is a ${kind}, not a fence`);
  if (header.previousHash !== originHash(header.origin)) {
    return violation("not-history", "the first record does not carry the hash of its origin");
  }
  if (header.epoch !== 1) return violation("wrong-fence", `the first fence has epoch ${header.epoch}`);
  return judgeVersion(header.version, FIRST_WRITE_VERSION) ?? judgeCount(header.firstLsn, lsn(1));
}

function judgeNext(head: Head, record: JournalRecord): Violation | null {
  const { header } = record;
  if (header.slot !== nextSlot(head.slot)) {
    return violation("wrong-slot", `slot ${header.slot} where ${nextSlot(head.slot)} is next`);
  }
  if (header.origin !== head.origin) return violation("wrong-origin", `origin ${header.origin}, not ${head.origin}`);
  if (header.previousHash !== head.hash) {
    return violation("not-history", `slot ${header.slot} follows ${header.previousHash}, not ${head.hash}`);
  }
  if (header.logTimeMs < head.logTimeMs) return violation("wrong-count", "the log time goes back");
  return (
    (record.kind === "fence" ? judgeFence(head, record) : judgeTenure(head, record)) ??
    judgeVersion(header.version, head.writeVersion) ??
    (record.kind === "format" ? judgeFormat(head, record.format.writeVersion) : null) ??
    judgeCount(header.firstLsn, lsn(head.lsn + 1))
  );
}

function judgeFence(head: Head, { header, fence }: JournalRecord & { kind: "fence" }): Violation | null {
  if (header.epoch !== nextEpoch(head.fence.epoch)) {
    return violation("wrong-fence", `epoch ${header.epoch} after ${head.fence.epoch}`);
  }
  const named = fence.previous;
  if (named?.id === head.fence.id && named.slot === head.fence.slot && named.hash === head.fence.hash) return null;
  return violation("wrong-fence", "it does not name the fence before it");
}

function judgeTenure(head: Head, { kind, header }: JournalRecord): Violation | null {
  const { fence } = head;
  if (header.epoch === fence.epoch && header.owner === fence.owner && header.bootId === fence.bootId) return null;
  return violation(
    "wrong-tenure",
    `a ${kind} of ${header.owner} in epoch ${header.epoch}, which is not the newest fence's`,
  );
}

/** An older version than is written takes nothing from anybody; a newer one, from those who do not read it. */
function judgeVersion(found: number, writeVersion: number): Violation | null {
  if (found <= writeVersion) return null;
  return violation("wrong-format", `version ${found} where ${writeVersion} is written`);
}

function judgeFormat(head: Head, to: number): Violation | null {
  if (to < head.writeVersion) return violation("wrong-format", `a format of ${to} after ${head.writeVersion}`);
  return to <= RECORD_FORMATS.max ? null : violation("newer", newerReason(to));
}

function judgeCount(found: Lsn, expected: Lsn): Violation | null {
  return found === expected ? null : violation("wrong-count", `first LSN ${found} where ${expected} is next`);
}

function after(head: Head | null, { record, hash }: SealedRecord): Head {
  const { header } = record;
  return {
    origin: header.origin,
    slot: header.slot,
    hash,
    lsn: lsn(header.firstLsn + header.commits - 1),
    logTimeMs: header.logTimeMs,
    writeVersion: record.kind === "format" ? record.format.writeVersion : (head?.writeVersion ?? FIRST_WRITE_VERSION),
    fence: record.kind === "fence" || head === null ? fenceRef(record, hash) : head.fence,
  };
}

function fenceRef({ header }: JournalRecord, hash: Sha256): FenceRef {
  const { slot: at, id, owner, bootId } = header;
  return { slot: at, id, hash, epoch: epoch(header.epoch), owner, bootId };
}

const violation = (type: Violation["type"], reason: string): Violation => ({ type, reason });
