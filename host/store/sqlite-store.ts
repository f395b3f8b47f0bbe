/**
 * The store on SQLite, `node:sqlite`. One file with its WAL; three connections (`connection.ts`).
 *
 * Crash safety: every change of the state and `hs_meta` are one transaction, so that whatever is left after a kill or a
 * power cut is the state at some slot, and says which. With `synchronous=NORMAL` a power cut may take the last commits
 * along; the journal has them.
 */
import { dirname } from "node:path";
import { assert, HotspareError, isHotspareError, reasonOf } from "../../shared/errors.ts";
import type { RecordId } from "../../shared/ids.ts";
import type { Head } from "../../shared/journal/head.ts";
import { MAX_RECORD_BYTES } from "../../shared/journal/record-codec.ts";
import type { Operation, SealedRecord } from "../../shared/journal/record.ts";
import type { Lsn } from "../../shared/position.ts";
import { heirOf, type Heir } from "../core/heir.ts";
import { applyOperations } from "./apply-operations.ts";
import { openApplier, openReader, openWriter, type Connection, type Durability } from "./connection.ts";
import { setImportMark } from "./import-mark.ts";
import { Loan } from "./loan.ts";
import { readHead, readHeir, readStable, writeHead, writeStable } from "./meta.ts";
import { runOperations } from "./run-operations.ts";
import { missingEntries, readSchemaIds } from "./schema-entries.ts";
import { SchemaView } from "./schema-view.ts";
import { KEY_LIVES, purgeOperations, type KeyLives } from "./settlement.ts";
import { SqliteBatch, type BatchBounds } from "./sqlite-batch.ts";
import { isDamage, isLocalFailure } from "./sqlite-failure.ts";
import type { Batch, Db, SchemaEntry, Store } from "./store.ts";
import { prepareTables } from "./system-tables.ts";
import { WalTrimmer, type WalMover } from "./wal.ts";

export interface StoreOptions {
  /** The database file; made if it is not there, its folder must be. */
  readonly file: string;
  /** For messages. */
  readonly pool: string;
  readonly lives?: KeyLives;
  readonly bounds?: BatchBounds;
  /** Default: `normal`. */
  readonly durability?: Durability;
  /** Default: `thread`. */
  readonly walMover?: WalMover;
}

const MIB = 1024 * 1024;
export const BATCH_BOUNDS: BatchBounds = { writeBytes: 16 * MIB, batchBytes: 4 * MIB, resultBytes: MIB };

/**
 * Opens a store, or makes an empty one.
 * @throws {HotspareError} HS_STORE_DIVERGED if the file is not a sound store of this layout: set it aside and restore.
 * HS_DATA_UNSUITABLE if the disk or another process is in the way.
 */
export function openStore(options: StoreOptions): SqliteStore {
  const bounds = options.bounds ?? BATCH_BOUNDS;
  assert(bounds.writeBytes < MAX_RECORD_BYTES - MIB, "the change set of one write fits into a record");
  try {
    return new SqliteStore({ lives: KEY_LIVES, durability: "normal", walMover: "thread", ...options, bounds });
  } catch (error) {
    throw judged(error, options, 0);
  }
}

export class SqliteStore implements Store {
  readonly file: string;
  readonly #options: Required<StoreOptions>;
  readonly #applier: Connection;
  readonly #reader: Connection;
  #writer: Connection | null = null;
  readonly #view: SchemaView;
  readonly #wal: WalTrimmer;
  #head: Head | null;
  #heir: Heir | null;
  #schema: readonly string[];
  #stable: string | null;
  /** Known, but not yet in `hs_meta`: a batch was open. */
  #stableIsUnwritten = false;
  /** What is in a transaction now: one batch at a time. */
  #open: Pick<Batch, "rollback"> | null = null;

  /** Use `openStore`. */
  constructor(options: Required<StoreOptions>) {
    this.#options = options;
    this.file = options.file;
    this.#applier = openApplier(options.file, options.durability);
    try {
      prepareTables(this.#applier);
      this.#head = readHead(this.#applier.database);
      this.#heir = readHeir(this.#applier, this.#head);
      this.#schema = readSchemaIds(this.#applier);
      this.#stable = readStable(this.#applier);
      this.#reader = openReader(options.file);
    } catch (error) {
      this.#applier.close();
      throw error;
    }
    this.#view = new SchemaView(this.#applier);
    this.#wal = new WalTrimmer(options.file, this.#applier, options.walMover);
  }

  get head(): Head | null {
    return this.#head;
  }

  get heir(): Heir | null {
    return this.#heir;
  }

  get schema(): readonly string[] {
    return this.#schema;
  }

  get imageBytes(): number {
    const pages = this.#applier.own("pragma page_count").get()?.["page_count"];
    const size = this.#applier.own("pragma page_size").get()?.["page_size"];
    return Number(pages) * Number(size);
  }

  apply({ record }: SealedRecord, head: Head): void {
    this.#assertIdle();
    const operations = record.kind === "batch" ? record.operations : [];
    const heir = heirOf(record, head.fence);
    let marked: boolean;
    try {
      this.#applier.begin();
      applyOperations(this.#applier, this.#view, operations);
      marked = setImportMark(this.#applier, record);
      this.#writeMeta(this.#applier, head, heir);
      this.#applier.commit();
    } catch (error) {
      this.#undoOnApplier();
      throw judged(error, this.#options, head.slot);
    }
    this.#ended(head, operations, heir);
    if (marked) this.#refreshSchema();
  }

  openForWriting(): void {
    this.#writer ??= openWriter(this.file, this.#options.durability);
  }

  closeForWriting(): void {
    this.#open?.rollback();
    this.#writer?.close();
    this.#writer = null;
  }

  pendingSchema(entries: readonly SchemaEntry[]): readonly Operation[] {
    return missingEntries(this.#applier, entries);
  }

  pendingPurge(logTimeMs: number): readonly Operation[] {
    return purgeOperations(this.#applier, logTimeMs);
  }

  begin(firstLsn: Lsn, logTimeMs: number): Batch {
    this.#assertIdle();
    const connection = this.#writer;
    assert(connection !== null, "the store is open for writing");
    const { bounds, lives } = this.#options;
    const batch = new SqliteBatch({
      connection,
      fingerprint: this.#view.fingerprint,
      bounds,
      lives,
      firstLsn,
      logTimeMs,
      writeMeta: (head) => this.#writeMeta(connection, head),
      onEnd: (head) => this.#ended(head, []),
    });
    this.#open = batch;
    return batch;
  }

  beginOperations(operations: readonly Operation[]): Pick<Batch, "commit" | "rollback"> {
    this.#assertIdle();
    assert(this.#writer !== null, "the store is open for writing");
    this.#applier.begin();
    try {
      runOperations(this.#applier, this.#view, operations);
    } catch (error) {
      this.#undoOnApplier();
      throw isHotspareError(error) ? error : judged(error, this.#options, this.#head?.slot ?? 0);
    }
    this.#open = {
      rollback: () => {
        this.#undoOnApplier();
        this.#ended(null, []);
      },
    };
    return this.#operationsBatch(this.#open, operations);
  }

  read<T>(run: (db: Db) => T): T {
    return new Loan(this.#reader, "read").lend(run);
  }

  isStable(fence: RecordId): boolean {
    return this.#stable === fence;
  }

  markStable(fence: RecordId): void {
    if (this.#stable === fence) return;
    this.#stable = fence;
    this.#stableIsUnwritten = true;
    if (this.#open === null) this.#writeStable();
  }

  trimWal(): void {
    if (this.#open === null) this.#wal.trim();
  }

  close(): void {
    this.closeForWriting();
    this.#wal.close();
    this.#reader.close();
    this.#applier.close();
  }

  #operationsBatch(
    open: Pick<Batch, "rollback">,
    operations: readonly Operation[],
  ): Pick<Batch, "commit" | "rollback"> {
    return {
      commit: (head) => {
        assert(this.#open === open, "these operations are still open");
        this.#writeMeta(this.#applier, head);
        this.#applier.commit();
        this.#ended(head, operations);
      },
      rollback: () => {
        if (this.#open === open) open.rollback();
      },
    };
  }

  /** Inside the transaction that brings the state to `head`. */
  #writeMeta(connection: Connection, head: Head, heir: Heir | null = null): void {
    writeHead(connection, head, heir);
    if (this.#stableIsUnwritten && this.#stable !== null) writeStable(connection, this.#stable as RecordId);
  }

  /** In a transaction of its own. */
  #writeStable(): void {
    if (this.#stable !== null) writeStable(this.#applier, this.#stable as RecordId);
    this.#stableIsUnwritten = false;
  }

  /** A transaction has ended, with a new head or with nothing. */
  #ended(head: Head | null, operations: readonly Operation[], heir: Heir | null = null): void {
    this.#open = null;
    if (head === null) {
      if (this.#stableIsUnwritten) this.#writeStable();
      return;
    }
    this.#head = head;
    this.#heir = heir;
    this.#stableIsUnwritten = false;
    if (operations.some(({ type }) => type === "sql")) this.#refreshSchema();
  }

  #refreshSchema(): void {
    this.#schema = readSchemaIds(this.#applier);
    this.#reader.refreshSchema();
    this.#writer?.refreshSchema();
  }

  #undoOnApplier(): void {
    this.#applier.rollback();
    // What was defined is undefined again, whether this view has seen it or not.
    this.#view.forget();
  }

  #assertIdle(): void {
    assert(this.#open === null, "one batch at a time");
  }
}

/** What a failure says of the copy: the machine's own failures say nothing, everything else is divergence. */
function judged(error: unknown, { file, pool }: StoreOptions, slot: number): HotspareError {
  if (isLocalFailure(error) && !isDamage(error)) {
    return new HotspareError(
      "HS_DATA_UNSUITABLE",
      { directory: dirname(file), reason: reasonOf(error) },
      { cause: error },
    );
  }
  return new HotspareError("HS_STORE_DIVERGED", { pool, slot, reason: reasonOf(error) }, { cause: error });
}
