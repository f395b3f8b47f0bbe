/**
 * A primary's store and a standby's, with real records between them: what the primary commits is sealed, judged by the
 * chain rule and applied to the standby, as it is in a cluster.
 */
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openStore, type SqliteStore, type StoreOptions } from "../../../host/store/sqlite-store.ts";
import { quoteName } from "../../../host/store/sql-tokens.ts";
import type { Db, SchemaEntry, SettlementKey, Write, WriteOutcome } from "../../../host/store/store.ts";
import { extend, originHash, slotAfter, type Head } from "../../../shared/journal/head.ts";
import { encodeRecord } from "../../../shared/journal/record-codec.ts";
import type { JournalRecord, Operation, RecordHeader, SealedRecord } from "../../../shared/journal/record.ts";
import { parseBootId, parseNodeId, parseOriginId, type RecordId, type Sha256 } from "../../../shared/ids.ts";
import { epoch, lsn } from "../../../shared/position.ts";

const ORIGIN = parseOriginId("0".repeat(32));
const OWNER = parseNodeId("host-a");
const BOOT = parseBootId("1".repeat(32));

export class Replicas {
  readonly folder = mkdtempSync(join(tmpdir(), "hotspare-store-"));
  readonly primary: SqliteStore;
  readonly standby: SqliteStore;
  /** Everything published, in order. */
  readonly journal: SealedRecord[] = [];
  logTimeMs = 1000;

  constructor(schema: readonly SchemaEntry[] = [], options: Partial<StoreOptions> = {}) {
    this.primary = this.open("primary", options);
    this.standby = this.open("standby", options);
    this.publish({ kind: "fence", header: this.header(0), fence: FENCE });
    this.primary.openForWriting();
    this.migrate(schema);
  }

  open(name: string, options: Partial<StoreOptions> = {}): SqliteStore {
    return openStore({ file: join(this.folder, `${name}.db`), pool: "main", ...options });
  }

  /** Runs what the state lacks of `schema`, and publishes it. */
  migrate(schema: readonly SchemaEntry[]): void {
    const operations = this.primary.pendingSchema(schema);
    if (operations.length > 0) this.operate(operations);
  }

  operate(operations: readonly Operation[]): void {
    const batch = this.primary.beginOperations(operations);
    const [sealed, head] = this.seal(0, operations);
    batch.commit(head);
    this.#follow(sealed, head);
  }

  /** One batch of all `writes`, committed and followed. */
  batch(...writes: readonly Write[]): readonly WriteOutcome[] {
    const batch = this.primary.begin(this.nextLsn, this.logTimeMs);
    for (const write of writes) batch.execute(write);
    const { operations, outcomes } = batch.seal();
    const [sealed, head] = this.seal(batch.commits, operations);
    batch.commit(head);
    this.#follow(sealed, head);
    return outcomes;
  }

  /** One write in a batch of its own. */
  write(run: (db: Db) => unknown, key: SettlementKey | null = null): WriteOutcome {
    return this.batch({ key, run })[0]!;
  }

  get nextLsn() {
    return lsn((this.primary.head?.lsn ?? 0) + 1);
  }

  header(commits: number): RecordHeader {
    const { head } = this.primary;
    return {
      version: head?.writeVersion ?? 1,
      origin: ORIGIN,
      slot: slotAfter(head),
      epoch: head?.fence.epoch ?? epoch(1),
      owner: OWNER,
      bootId: BOOT,
      id: randomBytes(16).toString("hex") as RecordId,
      previousHash: head?.hash ?? originHash(ORIGIN),
      firstLsn: this.nextLsn,
      commits,
      logTimeMs: this.logTimeMs,
    };
  }

  seal(commits: number, operations: readonly Operation[]): [SealedRecord, Head] {
    return this.#judge({ kind: "batch", header: this.header(commits), operations });
  }

  /** For records that both apply. */
  publish(record: JournalRecord): void {
    const [sealed, head] = this.#judge(record);
    this.primary.apply(sealed, head);
    this.#follow(sealed, head);
  }

  [Symbol.dispose](): void {
    this.primary.close();
    this.standby.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #judge(record: JournalRecord): [SealedRecord, Head] {
    const sealed = encodeRecord(record);
    const extension = extend(this.primary.head, sealed);
    if (!extension.ok) throw new Error(extension.violation.reason);
    return [sealed, extension.head];
  }

  #follow(sealed: SealedRecord, head: Head): void {
    this.journal.push(sealed);
    this.standby.apply(sealed, head);
  }
}

const FENCE = {
  previous: null,
  schema: [],
  reason: "cold",
  orderedBy: null,
  cause: "",
  votes: [],
  wallMs: 0,
} as const;

export const keyOf = (text: string, request = text): SettlementKey => ({
  key: text,
  source: "client",
  requestHash: createHash("sha256").update(request).digest("hex") as Sha256,
  firstSentLogTimeMs: null,
});

/** The value of a write that must have been settled. */
export function valueOf(outcome: WriteOutcome | undefined): unknown {
  if (outcome?.type !== "settled") throw new Error(`not settled: ${String(outcome?.error)}`);
  return JSON.parse(outcome.value);
}

/** The error of a write that must have been refused. */
export function errorOf(outcome: WriteOutcome | undefined): Error & { code?: string } {
  if (outcome?.type !== "refused") throw new Error("not refused");
  return outcome.error as Error & { code?: string };
}

/** What `action` throws. */
export function thrownBy(action: () => unknown): Error & { code?: string } {
  try {
    action();
  } catch (error) {
    return error as Error & { code?: string };
  }
  throw new Error("nothing was thrown");
}

/** Every row of every table, with the type of every value, by table. `hs_meta` only where asked for. */
export function dump(file: string): Record<string, string[]> {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const tables = database
      .prepare("select name from sqlite_schema where type = 'table' and name <> 'hs_meta' order by name")
      .all();
    return Object.fromEntries(tables.map(({ name }) => [String(name), rowsOf(database, String(name))]));
  } finally {
    database.close();
  }
}

function rowsOf(database: DatabaseSync, table: string): string[] {
  const columns = database.prepare("select * from pragma_table_xinfo(?)").all(table);
  const list = columns
    .map(({ name }) => quoteName(String(name)))
    .map((name) => `typeof(${name}) || ':' || hex(${name})`)
    .join(` || ',' || `);
  return database
    .prepare(`select ${list} as line from ${quoteName(table)}`)
    .all()
    .map(({ line }) => String(line))
    .sort();
}
