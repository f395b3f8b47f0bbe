/**
 * The SQLite file that is imported, open for reading only and never changed. One that another program is in the middle of
 * changing is refused: what it has not finished lies beside the file, in its log.
 */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { HotspareError, reasonOf } from "../../../shared/errors.ts";
import type { PoolId } from "../../../shared/ids.ts";
import { quoteName } from "../../../host/store/sql-tokens.ts";

export interface SourceColumn {
  readonly name: string;
  /** Place in the primary key from 1; 0 outside it. */
  readonly pk: number;
  readonly isGenerated: boolean;
}

export interface Definition {
  readonly type: string;
  readonly name: string;
  readonly table: string;
  readonly sql: string;
}

const HEADER_BYTES = 100;
const WRITE_VERSION_AT = 18;
const WAL_VERSION = 2;
const MAGIC = "SQLite format 3\0";

export class SourceFile {
  readonly file: string;
  readonly pool: PoolId;
  readonly database: DatabaseSync;
  readonly #stamp: string;

  /** @throws {HotspareError} HS_IMPORT_REFUSED if it is no database, or one that is being changed. */
  constructor(file: string, pool: PoolId) {
    this.file = file;
    this.pool = pool;
    const isLogged = this.#demandDatabase();
    this.#demandFinished();
    this.#stamp = stampOf(file);
    this.database = this.#open(isLogged);
  }

  /** Names by type: `table`, `virtual`, `shadow` (what lies beneath a virtual one). */
  tables(type: "table" | "virtual" | "shadow"): readonly string[] {
    return this.database
      .prepare(
        "select name from pragma_table_list where schema = 'main' and type = ? and name not glob 'sqlite_*' order by name",
      )
      .all(type)
      .map(({ name }) => String(name));
  }

  columns(table: string): readonly SourceColumn[] {
    return columnsOf(this.database, table);
  }

  /** Everything that is defined, tables first, so that each can be made after those that it needs. */
  definitions(): readonly Definition[] {
    return this.database
      .prepare(
        `select type, name, tbl_name as "table", sql from sqlite_schema where sql is not null and name not glob 'sqlite_*'
         order by case type when 'table' then 1 when 'view' then 2 when 'index' then 3 else 4 end, rowid`,
      )
      .all()
      .map((row) => ({ ...row }) as unknown as Definition);
  }

  /** @throws {HotspareError} HS_IMPORT_REFUSED if somebody has changed the file since it was opened. */
  demandUnchanged(): void {
    this.#demandFinished();
    if (stampOf(this.file) !== this.#stamp) throw this.refusal("it was changed while it was read; stop what uses it");
  }

  refusal(reason: string, cause?: unknown): HotspareError {
    return new HotspareError("HS_IMPORT_REFUSED", { file: this.file, pool: this.pool, reason }, { cause });
  }

  close(): void {
    this.database.close();
  }

  /** Whether it says that it has a write-ahead log. */
  #demandDatabase(): boolean {
    const header = Buffer.alloc(HEADER_BYTES);
    try {
      const fd = openSync(this.file, "r");
      try {
        readSync(fd, header, 0, HEADER_BYTES, 0);
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      throw this.refusal(reasonOf(error), error);
    }
    if (header.toString("latin1", 0, MAGIC.length) !== MAGIC) throw this.refusal("it is no SQLite database");
    return header[WRITE_VERSION_AT] === WAL_VERSION;
  }

  #demandFinished(): void {
    for (const ending of ["-wal", "-journal"]) {
      if ((statSync(`${this.file}${ending}`, { throwIfNoEntry: false })?.size ?? 0) === 0) continue;
      const heal = "stop the program that uses it; if none does, open and close it once with sqlite3";
      throw this.refusal(`${this.file}${ending} holds what is not in it yet: ${heal}`);
    }
  }

  /** One that says it has a log would want to make one; there is none, so it is read as it is. */
  #open(isLogged: boolean): DatabaseSync {
    const url = pathToFileURL(this.file);
    if (isLogged) url.search = "?immutable=1";
    const database = new DatabaseSync(url, { readOnly: true });
    try {
      // Nobody can commit to it until it is closed.
      database.exec("begin");
      const [check] = Object.values(database.prepare("pragma quick_check(1)").get() ?? {});
      if (check !== "ok") throw this.refusal(`it is damaged: ${String(check)}`);
      const encoding = database.prepare("pragma encoding").get()?.["encoding"];
      if (encoding !== "UTF-8") throw this.refusal(`its encoding is ${String(encoding)}; dump it into one of UTF-8`);
      return database;
    } catch (error) {
      database.close();
      throw error instanceof HotspareError ? error : this.refusal(reasonOf(error), error);
    }
  }
}

/** Without those that are hidden in virtual tables. */
export const columnsOf = (database: DatabaseSync, table: string): readonly SourceColumn[] =>
  database
    .prepare(`pragma table_xinfo(${quoteName(table)})`)
    .all()
    .filter(({ hidden }) => hidden !== 1)
    .map(({ name, pk, hidden }) => ({ name: String(name), pk: Number(pk), isGenerated: hidden !== 0 }));

function stampOf(file: string): string {
  const { ino, size, mtimeMs } = statSync(file);
  return `${ino} ${size} ${mtimeMs}`;
}
