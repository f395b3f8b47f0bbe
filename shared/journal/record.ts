/**
 * A record: one immutable file of a pool's journal. What it means is here, its bytes are in `record-codec.ts`,
 * what may follow what is in `head.ts`.
 */
import type { BootId, NodeId, OriginId, RecordId, Sha256 } from "../ids.ts";
import type { Epoch, Lsn, Slot } from "../position.ts";

/** What every record says of itself. */
export interface RecordHeader {
  /** Of the format that it is written in. */
  readonly version: number;
  readonly origin: OriginId;
  readonly slot: Slot;
  readonly epoch: Epoch;
  readonly owner: NodeId;
  readonly bootId: BootId;
  /** Random: *own* always means the same id. */
  readonly id: RecordId;
  /** Hash of the record before it; of the pool's origin id for slot 1. */
  readonly previousHash: Sha256;
  /** LSN of the first commit in it; for a record without commits, of the next one. */
  readonly firstLsn: Lsn;
  /** How many commits it holds. 0 for all kinds but batches, and for an empty batch (a read barrier). */
  readonly commits: number;
  /** Milliseconds of serving primaries; never goes back along the history. */
  readonly logTimeMs: number;
}

/** The fence by which a tenure began. */
export interface FenceRef {
  readonly slot: Slot;
  readonly id: RecordId;
  readonly hash: Sha256;
  readonly epoch: Epoch;
  readonly owner: NodeId;
  readonly bootId: BootId;
}

/** Why a host took over. `start`: by itself, as owner of the newest fence; `cold`: first of a new pool; `order`: told to. */
export type TakeoverReason = "start" | "cold" | "order" | "switchover";

/** One observer's word on the host to depose, kept in the fence for the receipt. */
export interface Vote {
  readonly by: NodeId;
  readonly verdict: string;
  /** A standby: the silent proxy in whose place it votes. */
  readonly standsFor?: NodeId;
  /** When it saw the first sign, by its own wall clock. */
  readonly seenAtMs?: number;
}

/** Milliseconds that each step took, from the end of the one before; in their order. */
export type Phases = Readonly<Record<string, number>>;

export interface FencePayload {
  readonly previous: Pick<FenceRef, "slot" | "id" | "hash"> | null;
  /** Ids of the application's schema entries that the taker knows, in order. */
  readonly schema: readonly string[];
  readonly reason: TakeoverReason;
  /** Who gave the order; absent where nobody did. */
  readonly orderedBy: NodeId | null;
  /** What the order gave as its cause, for people. */
  readonly cause: string;
  readonly votes: readonly Vote[];
  /** From the first sign to the order, at whoever gave it; absent where nobody said. */
  readonly phases?: Phases;
  /** Wall clock of the taker, for people. */
  readonly wallMs: number;
}

export interface ReleasePayload {
  /** Who should follow; binds nobody. */
  readonly successor: NodeId | null;
  readonly cause: string;
}

export interface FormatPayload {
  /** The version that writers use from here on. */
  readonly writeVersion: number;
}

/** One step of a batch, in order. */
export type Operation =
  /** A SQLite change set, and the fingerprint of the schema that it was made on. */
  | { readonly type: "changes"; readonly schema: Sha256; readonly changeset: Uint8Array }
  /** Deterministic text and parameters: schema changes and purges. */
  | { readonly type: "sql"; readonly sql: string; readonly parameters: readonly SqlValue[] }
  /** Last in its batch: each node hashes its state after this record. */
  | { readonly type: "mark" };

export type SqlValue = null | number | bigint | string | Uint8Array;

export type JournalRecord =
  | { readonly kind: "batch"; readonly header: RecordHeader; readonly operations: readonly Operation[] }
  | { readonly kind: "fence"; readonly header: RecordHeader; readonly fence: FencePayload }
  | { readonly kind: "release"; readonly header: RecordHeader; readonly release: ReleasePayload }
  | { readonly kind: "format"; readonly header: RecordHeader; readonly format: FormatPayload };

/** A record together with the bytes it is kept as and their hash. */
export interface SealedRecord {
  readonly record: JournalRecord;
  readonly bytes: Uint8Array;
  /** SHA-256 of all bytes; the next record names it. */
  readonly hash: Sha256;
}
