/**
 * A store's database as an ordinary one: without Hotspare's tables, without a write-ahead log, compact, and checked. The
 * store's file is used up.
 */
import { closeSync, fsyncSync, openSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { HotspareError, reasonOf } from "../../../shared/errors.ts";
import type { PoolId } from "../../../shared/ids.ts";
import { quoteName } from "../../../host/store/sql-tokens.ts";
import { isSystemName } from "../../../host/store/system-tables.ts";

export interface PlainDatabase {
  readonly bytes: number;
  readonly tables: number;
  /** Rows that refer to rows that are not there: the application allowed that, or had foreign keys off. */
  readonly foreignKeyViolations: number;
}

/** @param file Absent before; durable afterwards. @throws {HotspareError} HS_RESTORE_FAILED */
export function writePlainDatabase(pool: PoolId, store: string, file: string): PlainDatabase {
  withDatabase(store, (db) => {
    db.exec("pragma foreign_keys = off; pragma journal_mode = delete");
    for (const name of tableNames(db).filter(isSystemName)) db.exec(`drop table ${quoteName(name)}`);
    db.prepare("vacuum into ?").run(file);
  });
  syncFile(file);
  return withDatabase(file, (db) => {
    const verdict = String(Object.values(db.prepare("pragma integrity_check(1)").get() ?? {})[0]);
    if (verdict !== "ok")
      throw new HotspareError("HS_RESTORE_FAILED", { pool, reason: `what was written is unsound: ${verdict}` });
    return {
      bytes: statSync(file).size,
      tables: tableNames(db).length,
      foreignKeyViolations: countViolations(db, pool),
    };
  });
}

function countViolations(db: DatabaseSync, pool: PoolId): number {
  try {
    return Number(db.prepare("select count(*) as n from pragma_foreign_key_check").get()?.["n"]);
  } catch (error) {
    throw new HotspareError("HS_RESTORE_FAILED", { pool, reason: reasonOf(error) }, { cause: error });
  }
}

const tableNames = (db: DatabaseSync): readonly string[] =>
  db
    .prepare("select name from sqlite_schema where type = 'table' and name not glob 'sqlite_*'")
    .all()
    .map(({ name }) => String(name));

function withDatabase<T>(file: string, use: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(file, { enableForeignKeyConstraints: false });
  try {
    return use(db);
  } finally {
    db.close();
  }
}

function syncFile(file: string): void {
  const fd = openSync(file, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
