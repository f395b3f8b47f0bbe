/**
 * The store: a pool's state on one host. Never the authority: the journal is. Implemented by `sqlite-store.ts`.
 *
 * Two ways in: `apply` a record of the journal (standby, taker), or run a batch of writes, publish what it changed, and
 * only then commit (primary). A store is used by one thread; every method is synchronous.
 */
import type { Head } from "../../shared/journal/head.ts";
import type { Heir } from "../core/heir.ts";
import type { Operation, SealedRecord } from "../../shared/journal/record.ts";
import type { RecordId, Sha256 } from "../../shared/ids.ts";
import type { Lsn } from "../../shared/position.ts";

/** One entry of an application's schema, run once, in order, by the primary. */
export interface SchemaEntry {
  /** Unique, kept for ever. */
  readonly id: string;
  /** One or more statements that create or change tables and indexes. */
  readonly sql: string;
}

/** What `fn` of a write or read is given. Revoked, with its statements and iterators, when `fn` returns. */
export interface Db {
  prepare(sql: string): Statement;
  /** Runs one or more statements that return nothing. */
  exec(sql: string): void;
}

export interface Statement {
  get(...parameters: readonly Parameter[]): Row | undefined;
  all(...parameters: readonly Parameter[]): Row[];
  iterate(...parameters: readonly Parameter[]): IterableIterator<Row>;
  run(...parameters: readonly Parameter[]): { readonly changes: number };
}

export type Parameter = null | number | bigint | string | Uint8Array;
export type Row = Record<string, null | number | bigint | string | Uint8Array>;

/** What makes a write exactly-once. */
export interface SettlementKey {
  /** Scoped and hashed by the caller: the same text is the same request. */
  readonly key: string;
  /** `client` lives 24 h of log time, `proxy` 10 min. */
  readonly source: "client" | "proxy";
  /** Hash of method, target, content type, raw body and `If-*`. Another one under a settled key is refused. */
  readonly requestHash: Sha256;
  /**
   * For an attempt after the first: the latest log time that the proxy had heard when it first sent the request. If the
   * key's life has passed since, the write is refused: whether it happened is not known any more.
   */
  readonly firstSentLogTimeMs: number | null;
}

export interface Write {
  /** `null`: nobody will ask again; at most once. */
  readonly key: SettlementKey | null;
  /** Synchronous; touches only `db`; may run again, as another commit, if its batch was void. Returns what JSON can hold. */
  readonly run: (db: Db, commit: Commit) => unknown;
  /** Bytes that it holds while it waits (its request's body), for the queue's bound. Unknown counts as 0. */
  readonly waitingBytes?: number;
}

/** Which commit a write becomes, if it is settled: for what it stores and returns, such as a version. */
export interface Commit {
  readonly lsn: Lsn;
  /** The batch's log time. */
  readonly logTimeMs: number;
}

/** What became of one write inside its batch. Nothing of it is true before the batch is committed. */
export type WriteOutcome =
  /** `value` is the stored JSON text. `lsn` is the commit's number; for a replay, that of the first time. */
  | { readonly type: "settled"; readonly value: string; readonly lsn: Lsn; readonly replayed: boolean }
  /** Nothing of it remains; its key is unused. `error` is what `run` threw, or why it was refused. */
  | { readonly type: "refused"; readonly error: unknown };

/**
 * One open transaction. Order: `execute` any number of times, `seal` once, then `commit` or `rollback` once.
 *
 * A write that ends the transaction (`INSERT OR ROLLBACK`) takes the writes before it along; the batch then begins again
 * without the culprit. So outcomes are final only when the batch is sealed.
 */
export interface Batch {
  /**
   * Runs a write in a savepoint of its own.
   * - `taken`: its outcome is at its place in `seal().outcomes`.
   * - `full`: with it the batch would exceed its bound; nothing of it remains, it has no outcome here. Give it to the next
   *   batch; an empty batch is never full.
   * @throws what SQLite throws when the local store itself fails (disk full, I/O error): then answer nobody and die.
   */
  execute(write: Write): "taken" | "full";
  /** Bytes of the change sets so far. */
  readonly bytes: number;
  /** How many commits it holds so far. */
  readonly commits: number;
  /** Ends recording. */
  seal(): SealedBatch;
  /** Writes `head` into `hs_meta` and commits. @throws whatever SQLite throws: then answer nobody and die. */
  commit(head: Head): void;
  /** Forgets everything. Idempotent, also after `commit`. */
  rollback(): void;
}

export interface SealedBatch {
  /** The payload to publish; empty if nothing changed. */
  readonly operations: readonly Operation[];
  /** One for each write that was `taken`, in the same order. Nothing of them is true before the batch is committed. */
  readonly outcomes: readonly WriteOutcome[];
}

export interface Store {
  /** What is applied; `null` before slot 1. */
  readonly head: Head | null;
  /** Whom the record at `head` names, if it is a release: kept in `hs_meta`, so that a restart does not forget it. */
  readonly heir: Heir | null;
  /** Ids of the schema entries in the state, in order. */
  readonly schema: readonly string[];

  /**
   * Applies a record that follows `head` (the caller has judged that by `extend`), all or nothing, and moves `head` to it.
   * @throws {HotspareError} HS_STORE_DIVERGED if it does not apply: conflict, other schema, SQL error.
   * HS_DATA_UNSUITABLE if the disk fails: that says nothing about the state.
   */
  apply(record: SealedRecord, head: Head): void;

  /**
   * Opens the write connection afresh, with foreign keys on: only a primary writes. Records may still be applied between
   * batches (the own `release`, `format` and empty ones). Idempotent.
   */
  openForWriting(): void;
  /** Back to `apply`; an open batch is rolled back. Idempotent. */
  closeForWriting(): void;

  /** The `sql` operations of schema entries that the state lacks. @throws {HotspareError} HS_SCHEMA_REFUSED, HS_SCHEMA_UNKNOWN. */
  pendingSchema(entries: readonly SchemaEntry[]): readonly Operation[];
  /** Operations that remove keys whose life has passed at `logTimeMs`; empty if there are none. */
  pendingPurge(logTimeMs: number): readonly Operation[];

  /** Begins a batch whose first commit is `firstLsn`, at `logTimeMs`. One at a time, only while open for writing. */
  begin(firstLsn: Lsn, logTimeMs: number): Batch;
  /** Runs `operations` (schema, purge, mark, what an import brings) in a batch of their own, ready to commit. */
  beginOperations(operations: readonly Operation[]): Pick<Batch, "commit" | "rollback">;

  /** Runs `run` on a read-only connection: sees what is committed, nothing else. */
  read<T>(run: (db: Db) => T): T;

  /** Whether the tenure that began with this fence was stable (kept in `hs_meta`, which is in no change set and no state hash). */
  isStable(fence: RecordId): boolean;
  markStable(fence: RecordId): void;

  /** Bytes of the database file, for deciding on checkpoints. */
  readonly imageBytes: number;
  /**
   * Keeps the WAL within its bounds, mostly by setting a thread to work; cheap, to be called after each batch or record.
   * @throws what the disk fails with.
   */
  trimWal(): void;
  /** The database file, for the workers that take images and hash the state on connections of their own. */
  readonly file: string;
  close(): void;
}
