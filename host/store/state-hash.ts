/**
 * The state hash: SHA-256 over everything that must be the same on every host at the same slot. Two stores that hold the
 * same rows have the same hash, whatever order they were written in and however the file is laid out.
 * `docs/formats.md` has the bytes. Works on a read transaction of the caller, row by row, in constant memory.
 */
import { createHash, type Hash } from "node:crypto";
import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import type { Sha256 } from "../../shared/ids.ts";

export interface StateHashOptions {
  /** Called now and then; what it throws ends the hashing. */
  readonly beat?: () => void;
}

/** What is local to a host: where it stands, not what it holds. */
const LOCAL_TABLE = "hs_meta";
const ROWS_PER_BEAT = 4096;
const PREAMBLE = "hotspare state 1\n";

const TAG = { object: 0x53, table: 0x54, row: 0x52, end: 0x45 } as const;
const TYPE = { null: 0, integer: 1, real: 2, text: 3, blob: 4 } as const;

/** @throws whatever SQLite throws, or `options.beat`. */
export function stateHash(db: DatabaseSync, options: StateHashOptions = {}): Sha256 {
  const sink = new Sink();
  sink.ascii(PREAMBLE);
  for (const object of schemaObjects(db)) writeObject(sink, object);
  for (const table of tables(db)) writeTable(sink, db, table, options.beat ?? (() => undefined));
  sink.byte(TAG.end);
  return sink.digest();
}

/** Number and hash of the rows that a query gives, in its order, value by value as in the state hash. */
export function digestRows(db: DatabaseSync, sql: string): { readonly rows: number; readonly hash: Sha256 } {
  const sink = new Sink();
  const rows = writeRows(sink, db, sql, () => undefined);
  return { rows, hash: sink.digest() };
}

interface SchemaObject {
  readonly type: string;
  readonly name: string;
  readonly tbl_name: string;
  readonly sql: string;
}

/** The application's schema. Texts of our own tables are left out: they may differ between versions of this program. */
function schemaObjects(db: DatabaseSync): SchemaObject[] {
  const statement = db.prepare(
    `select type, name, tbl_name, sql from sqlite_schema
     where sql is not null and tbl_name not glob 'hs_*' and name not glob 'sqlite_*' order by name, type`,
  );
  return statement.all() as unknown as SchemaObject[];
}

function writeObject(sink: Sink, { type, name, tbl_name, sql }: SchemaObject): void {
  sink.byte(TAG.object);
  for (const text of [type, name, tbl_name, sql]) sink.text(text);
}

/** Ordinary tables in the order of their names' bytes. Virtual tables and what lies beneath them are refused elsewhere. */
function tables(db: DatabaseSync): string[] {
  const statement = db.prepare(
    `select name from pragma_table_list
     where schema = 'main' and type = 'table' and name not glob 'sqlite_*' and name <> ? order by name collate binary`,
  );
  return statement.all(LOCAL_TABLE).map(({ name }) => String(name));
}

interface Column {
  readonly name: string;
  /** Place in the primary key from 1; 0 outside it. */
  readonly pk: number;
}

function writeTable(sink: Sink, db: DatabaseSync, table: string, beat: () => void): void {
  const columns = storedColumns(db, table);
  sink.byte(TAG.table);
  sink.text(table);
  sink.uint32(columns.length);
  for (const { name } of columns) sink.text(name);
  const order = list(orderOf(columns), " collate binary");
  writeRows(sink, db, `select ${list(columns)} from ${quote(table)} order by ${order}`, beat);
}

function writeRows(sink: Sink, db: DatabaseSync, sql: string, beat: () => void): number {
  const statement = db.prepare(sql);
  statement.setReadBigInts(true);
  statement.setReturnArrays(true);
  let rows = 0;
  for (const row of statement.iterate() as unknown as Iterable<SQLOutputValue[]>) {
    sink.byte(TAG.row);
    for (const value of row) writeValue(sink, value);
    rows += 1;
    if (rows % ROWS_PER_BEAT === 0) beat();
  }
  beat();
  return rows;
}

/** Generated columns follow from the others. */
function storedColumns(db: DatabaseSync, table: string): Column[] {
  const statement = db.prepare("select name, pk from pragma_table_xinfo(?) where hidden = 0 order by cid");
  return statement.all(table) as unknown as Column[];
}

/** By primary key; a table without one has no other order that is the same everywhere than that of all its columns. */
function orderOf(columns: readonly Column[]): Column[] {
  const key = columns.filter(({ pk }) => pk > 0).toSorted((one, other) => one.pk - other.pk);
  return key.length > 0 ? key : [...columns];
}

function writeValue(sink: Sink, value: SQLOutputValue | undefined): void {
  if (value === null || value === undefined) return sink.byte(TYPE.null);
  if (typeof value === "bigint") return sink.int64(TYPE.integer, value);
  if (typeof value === "number") return sink.float64(TYPE.real, value);
  if (typeof value === "string") {
    sink.byte(TYPE.text);
    return sink.text(value);
  }
  sink.byte(TYPE.blob);
  sink.blob(value);
}

const list = (columns: readonly Column[], ending = ""): string =>
  columns.map(({ name }) => `${quote(name)}${ending}`).join(", ");
const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Gathers small pieces, so that the hash is called once per 64 KiB and not once per value. */
class Sink {
  readonly #hash: Hash = createHash("sha256");
  readonly #buffer = Buffer.allocUnsafe(64 * 1024);
  #length = 0;

  byte(value: number): void {
    this.#length = this.#buffer.writeUInt8(value, this.#room(1));
  }

  uint32(value: number): void {
    this.#length = this.#buffer.writeUInt32BE(value, this.#room(4));
  }

  int64(type: number, value: bigint): void {
    this.byte(type);
    this.#length = this.#buffer.writeBigInt64BE(value, this.#room(8));
  }

  float64(type: number, value: number): void {
    this.byte(type);
    this.#length = this.#buffer.writeDoubleBE(value, this.#room(8));
  }

  ascii(value: string): void {
    const at = this.#room(value.length);
    this.#length = at + this.#buffer.write(value, at, "latin1");
  }

  text(value: string): void {
    const bytes = Buffer.byteLength(value);
    this.uint32(bytes);
    if (bytes > this.#buffer.length) return this.#direct(Buffer.from(value));
    const at = this.#room(bytes);
    this.#length = at + this.#buffer.write(value, at, "utf8");
  }

  blob(value: Uint8Array): void {
    this.uint32(value.length);
    if (value.length > this.#buffer.length) return this.#direct(value);
    const at = this.#room(value.length);
    this.#buffer.set(value, at);
    this.#length = at + value.length;
  }

  digest(): Sha256 {
    this.#flush();
    return this.#hash.digest("hex") as Sha256;
  }

  /** Where the next `bytes` bytes may be written; moves what is gathered on when they do not fit. */
  #room(bytes: number): number {
    if (this.#length + bytes > this.#buffer.length) this.#flush();
    return this.#length;
  }

  #direct(bytes: Uint8Array): void {
    this.#flush();
    this.#hash.update(bytes);
  }

  #flush(): void {
    this.#hash.update(this.#buffer.subarray(0, this.#length));
    this.#length = 0;
  }
}
