/**
 * The rehearsal of an import: a state of its own, made by the application's schema and filled with the rows of the file, in
 * a local folder. What the schema or the store refuses is found here, before anything is published; and the change sets that
 * it leaves are what is journalled afterwards, so that nothing is done differently the second time.
 *
 * Rows are put in with foreign keys off and triggers taken away, as change sets are applied everywhere: what triggers and
 * cascades once did is in the file already.
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import type { Clock } from "../../../shared/clock.ts";
import { assert, reasonOf } from "../../../shared/errors.ts";
import type { Sha256 } from "../../../shared/ids.ts";
import { MAX_RECORD_BYTES } from "../../../shared/journal/record-codec.ts";
import type { Operation } from "../../../shared/journal/record.ts";
import type { Random } from "../../../shared/random.ts";
import type { LoadedApp } from "../../../host/app/app.ts";
import { StandalonePool } from "../../../host/standalone-pool.ts";
import { openApplier, type Connection } from "../../../host/store/connection.ts";
import { SchemaView } from "../../../host/store/schema-view.ts";
import { quoteName } from "../../../host/store/sql-tokens.ts";
import { openStore } from "../../../host/store/sqlite-store.ts";
import { digestRows } from "../../../host/store/state-hash.ts";
import { findDifference, rowName } from "./find-difference.ts";
import { matchTables, type MatchedTable } from "./match-tables.ts";
import type { SourceFile } from "./source-file.ts";

export interface PrepareOptions {
  readonly source: SourceFile;
  readonly app: Pick<LoadedApp, "schema" | "newestLsn">;
  /** Tables of the file that are left out. */
  readonly without: readonly string[];
  /** Empty, of this call alone. */
  readonly folder: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly progress: (text: string, done: number, total: number) => void;
  /** Bytes of rows in one record, roughly. */
  readonly batchBytes?: number;
}

export interface ImportedTable {
  readonly name: string;
  readonly rows: number;
  readonly hash: Sha256;
  /** The query whose rows are counted and hashed. */
  readonly stateSql: string;
}

export interface PreparedImport {
  /** Of all that is journalled: the same again only for the same rows and the same schema. */
  readonly content: Sha256;
  readonly tables: readonly ImportedTable[];
  readonly absent: readonly string[];
  /** The highest LSN in the rows, as the application says; 0: it keeps none. */
  readonly newestLsn: number;
  /** How many records of rows there are. */
  readonly records: number;
  /** The operation of one of them, from 0. */
  readonly operation: (index: number) => Operation;
}

const MIB = 1024 * 1024;
const BATCH_BYTES = 4 * MIB;
const ROW_BYTES = 64;
/** More than any pool comes to: beyond it something else than an LSN is in the rows. */
const MAX_LSN = 2 ** 40;
/** What SQLite reads instead of text that is no valid UTF-8. */
const REPLACEMENT = "\uFFFD";

type Row = readonly SQLOutputValue[];

/** @throws {HotspareError} HS_IMPORT_REFUSED; HS_SCHEMA_REFUSED if the application's schema is not accepted. */
export function prepareImport(options: PrepareOptions): PreparedImport {
  const { source, app, folder, clock, random } = options;
  const file = `${folder}/rehearsal.db`;
  const store = openStore({ file, pool: source.pool });
  StandalonePool.start({ id: source.pool, store, schema: app.schema, clock, random, fatal: () => undefined }).close();
  const state = openApplier(file, "normal");
  try {
    return new Rehearsal(options, state).run();
  } finally {
    state.close();
  }
}

class Rehearsal {
  readonly #options: PrepareOptions;
  readonly #state: Connection;
  readonly #view: SchemaView;
  readonly #content = createHash("sha256");
  readonly #batchBytes: number;
  #records = 0;
  #session: ReturnType<DatabaseSync["createSession"]> | null = null;
  #bytes = 0;

  constructor(options: PrepareOptions, state: Connection) {
    this.#options = options;
    this.#state = state;
    this.#view = new SchemaView(state);
    this.#batchBytes = options.batchBytes ?? BATCH_BYTES;
  }

  run(): PreparedImport {
    const { source, without, folder } = this.#options;
    const { fingerprint, triggers } = this.#view;
    this.#content.update(fingerprint);
    const { tables, absent } = matchTables(source, this.#state.database, without);
    for (const { drop } of triggers) this.#state.database.exec(drop);
    for (const table of tables) this.#copy(table);
    this.#endBatch();
    for (const { create } of triggers) this.#state.database.exec(create);
    this.#demandReferences();
    const newestLsn = this.#newestLsn();
    const imported = tables.map((table) => this.#compare(table));
    source.demandUnchanged();
    const operation = (index: number): Operation => ({
      type: "changes",
      schema: fingerprint,
      changeset: readFileSync(changesFile(folder, index)),
    });
    const content = this.#content.digest("hex") as Sha256;
    return { content, tables: imported, absent, newestLsn, records: this.#records, operation };
  }

  // --- Copying ------------------------------------------------------------------------------------------------------

  #copy(table: MatchedTable): void {
    const { source, progress } = this.#options;
    const { name, columns, sourceSql } = table;
    this.#beginBatch();
    // What the schema itself puts there comes from the file, too.
    this.#state.database.exec(`delete from ${quoteName(name)}`);
    const places = columns.map(() => "?").join(", ");
    const insert = `insert into ${quoteName(name)} (${columns.map(quoteName).join(", ")}) values (${places})`;
    const total = Number(source.database.prepare(`select count(*) as n from main.${quoteName(name)}`).get()?.["n"]);
    let rows = 0;
    for (const row of rowsOf(source.database, sourceSql)) {
      this.#insert(table, insert, row, rows);
      rows += 1;
      progress(`rehearsing table ${name}`, rows, total);
    }
  }

  #insert(table: MatchedTable, insert: string, row: Row, index: number): void {
    const { source } = this.#options;
    const bytes = ROW_BYTES + row.reduce<number>((sum, value) => sum + bytesOf(value), 0);
    if (bytes > MAX_RECORD_BYTES - MIB)
      throw this.#refuse(table, row, `it has ${bytes} bytes, more than a record holds`);
    if (row.some((value) => typeof value === "string" && value.includes(REPLACEMENT)))
      this.#demandText(table, row, index);
    if (this.#bytes > 0 && this.#bytes + bytes > this.#batchBytes) this.#endBatch();
    this.#beginBatch();
    this.#bytes += bytes;
    try {
      this.#state.own(insert).run(...row);
    } catch (error) {
      throw source.refusal(`table ${table.name}, row ${rowName(table, row)}: ${reasonOf(error)}`, error);
    }
  }

  /** Text that is not UTF-8 would become another one. */
  #demandText(table: MatchedTable, row: Row, index: number): void {
    const { source } = this.#options;
    for (const [at, value] of row.entries()) {
      if (typeof value !== "string" || !value.includes(REPLACEMENT)) continue;
      const column = quoteName(table.columns[at] ?? "");
      const sql = `select cast(${column} as blob) as bytes from (${table.sourceSql}) limit 1 offset ${index}`;
      const bytes = source.database.prepare(sql).get()?.["bytes"];
      if (bytes instanceof Uint8Array && Buffer.from(value).equals(bytes)) continue;
      throw this.#refuse(table, row, `column ${table.columns[at]} holds text that is not UTF-8`);
    }
  }

  #beginBatch(): void {
    if (this.#session) return;
    this.#state.begin();
    this.#session = this.#state.database.createSession();
  }

  #endBatch(): void {
    if (!this.#session) return;
    const changeset = this.#session.changeset();
    this.#session.close();
    this.#session = null;
    this.#bytes = 0;
    this.#state.commit();
    if (changeset.byteLength === 0) return;
    this.#content.update(changeset);
    writeFileSync(changesFile(this.#options.folder, this.#records), changeset);
    this.#records += 1;
  }

  // --- Comparing ----------------------------------------------------------------------------------------------------

  #demandReferences(): void {
    const broken = this.#state.database.prepare("pragma foreign_key_check").get();
    if (!broken) return;
    const { table, parent, rowid } = broken;
    const which = rowid === null ? "a row" : `the row with rowid ${String(rowid)}`;
    throw this.#options.source.refusal(
      `table ${String(table)}: ${which} refers to a row of ${String(parent)} that is missing`,
    );
  }

  #newestLsn(): number {
    const { source, app } = this.#options;
    if (app.newestLsn === undefined) return 0;
    try {
      const [row = []] = rowsOf(this.#state.database, app.newestLsn);
      const newest = Number(row[0] ?? 0);
      if (Number.isInteger(newest) && newest >= 0 && newest <= MAX_LSN) return newest;
      throw new Error(`${newest} is no LSN`);
    } catch (error) {
      throw source.refusal(`newestLsn of the application: ${reasonOf(error)}`, error);
    }
  }

  #compare(table: MatchedTable): ImportedTable {
    const { source, progress } = this.#options;
    progress(`comparing table ${table.name}`, 0, 1);
    const found = digestRows(source.database, table.sourceSql);
    const made = digestRows(this.#state.database, table.stateSql);
    if (found.hash === made.hash) return { name: table.name, ...made, stateSql: table.stateSql };
    const pairs = findDifference(
      table,
      rowsOf(source.database, table.sourceSql),
      rowsOf(this.#state.database, table.stateSql),
    );
    assert(pairs !== null, "two hashes differ and the rows do not");
    throw source.refusal(pairs);
  }

  #refuse(table: MatchedTable, row: Row, reason: string): Error {
    return this.#options.source.refusal(`table ${table.name}, row ${rowName(table, row)}: ${reason}`);
  }
}

function* rowsOf(database: DatabaseSync, sql: string): Generator<Row> {
  const statement = database.prepare(sql);
  statement.setReadBigInts(true);
  statement.setReturnArrays(true);
  yield* statement.iterate() as unknown as Iterable<Row>;
}

const changesFile = (folder: string, index: number): string => `${folder}/${index}.changes`;

function bytesOf(value: SQLOutputValue): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  return value instanceof Uint8Array ? value.byteLength : 8;
}
