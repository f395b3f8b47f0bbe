/**
 * What a connection's statements may do: SQLite asks the guard about every action of a statement while it compiles it.
 *
 * One authorizer stays on a connection for its life (installing one compiles every statement again); only its mode
 * changes. A statement that was compiled in one mode is never run in another: Hotspare's own statements and the
 * application's are cached apart (`connection.ts`).
 */
import { constants } from "node:sqlite";
import { isSystemName } from "./system-tables.ts";

export type GuardMode =
  /** Hotspare's own statements, and operations out of the journal: everything. */
  | { readonly type: "internal" }
  /** The application, inside `read`. */
  | { readonly type: "read" }
  /** The application, inside `write`. */
  | { readonly type: "write" }
  /** An entry of the application's schema, on the primary, before it is journalled. */
  | { readonly type: "schema"; readonly sql: string };

/** One question of SQLite's, https://sqlite.org/c3ref/c_alter_table.html. */
interface Action {
  readonly code: number;
  readonly first: string;
  readonly second: string;
  readonly database: string;
}

export const INTERNAL: GuardMode = { type: "internal" };

export class Guard {
  mode: GuardMode = INTERNAL;
  /** Why something was refused since this was last set to `null`; for the error that the application sees. */
  refusal: string | null = null;

  readonly authorize = (code: number, first: string | null, second: string | null, database: string | null): number => {
    const action = { code, first: first ?? "", second: second ?? "", database: database ?? "" };
    const refusal = judge(this.mode, action);
    if (refusal === null) return constants.SQLITE_OK;
    this.refusal = refusal;
    return constants.SQLITE_DENY;
  };
}

/** Why `action` is refused in `mode`; `null` if it is allowed. */
function judge(mode: GuardMode, action: Action): string | null {
  switch (mode.type) {
    case "internal":
      return null;
    case "read":
      return judgeRead(action);
    case "write":
      return judgeWrite(action);
    case "schema":
      return judgeSchema(mode.sql, action);
  }
}

function judgeRead(action: Action): string | null {
  if (!READING.has(action.code)) return refusalOf(action);
  return judgeNames(action) ?? judgeFunction(action);
}

function judgeWrite(action: Action): string | null {
  // The session that records the batch looks up a table's columns when it first changes.
  if (action.code === constants.SQLITE_PRAGMA && action.first === "table_xinfo") return null;
  if (!READING.has(action.code) && !WRITING.has(action.code)) return refusalOf(action);
  if (WRITING.has(action.code) && action.first.startsWith("sqlite_")) return REFUSALS.schema;
  return judgeNames(action) ?? judgeFunction(action);
}

function judgeSchema(sql: string, action: Action): string | null {
  const allowed = READING.has(action.code) || WRITING.has(action.code) || DEFINING.has(action.code);
  // ALTER TABLE ADD COLUMN checks the rows that are there by this pragma.
  const check = action.code === constants.SQLITE_PRAGMA && action.first === "quick_check";
  if (!allowed && !check) return refusalOf(action);
  return judgeNames(action) ?? judgeFunction(action) ?? judgeDeterminism(sql, action);
}

/** Nothing of Hotspare's, and nothing that only this connection would see. */
function judgeNames({ code, first, second, database }: Action): string | null {
  if (isSystemName(first) || (NAMES_TABLE_SECOND.has(code) && isSystemName(second))) return REFUSALS.system;
  // ALTER TABLE also corrects the (empty) list of temporary tables.
  if (database === "temp" && first !== "sqlite_temp_master") return REFUSALS.temp;
  return null;
}

const judgeFunction = ({ code, second }: Action): string | null =>
  code === constants.SQLITE_FUNCTION && second === "load_extension" ? "extensions cannot be loaded" : null;

/** A schema entry is run again by every host: it must do the same everywhere. */
function judgeDeterminism(sql: string, { code, second }: Action): string | null {
  if (code !== constants.SQLITE_FUNCTION) return null;
  const clock = CLOCK_FUNCTIONS.has(second) && READS_CLOCK.test(sql);
  if (!clock && !CHANCE_FUNCTIONS.has(second)) return null;
  return `${second}() gives every host another value; insert such rows in a write, or use it as a column's DEFAULT in an entry of its own`;
}

function refusalOf({ code, first }: Action): string {
  if (TEMPORARY.has(code)) return REFUSALS.temp;
  if (DEFINING.has(code)) return REFUSALS.schema;
  switch (code) {
    case constants.SQLITE_TRANSACTION:
    case constants.SQLITE_SAVEPOINT:
      return "one write is one transaction, begun and ended by Hotspare: throw to undo it";
    case constants.SQLITE_PRAGMA:
      return `PRAGMA ${first} does not travel with the journal`;
    case constants.SQLITE_ATTACH:
    case constants.SQLITE_DETACH:
      return "other databases are not part of the pool, and VACUUM is Hotspare's affair";
    case constants.SQLITE_ANALYZE:
      return "ANALYZE keeps statistics that do not travel with the journal";
    case constants.SQLITE_CREATE_VTABLE:
    case constants.SQLITE_DROP_VTABLE:
      return REFUSALS.virtual;
    case constants.SQLITE_INSERT:
    case constants.SQLITE_UPDATE:
    case constants.SQLITE_DELETE:
      return "only `write` changes the state";
    default:
      return `action ${code} on ${first || "nothing"} is not allowed`;
  }
}

const REFUSALS = {
  system: "tables named hs_* belong to Hotspare",
  temp: "temporary tables, indexes, views and triggers do not travel with the journal",
  schema: "the schema is changed by the entries that the application exports as `schema`",
  virtual: "virtual tables (FTS5, R-Tree and others) do not travel with the journal",
} as const;

const READING: ReadonlySet<number> = new Set([
  constants.SQLITE_SELECT,
  constants.SQLITE_READ,
  constants.SQLITE_FUNCTION,
  constants.SQLITE_RECURSIVE,
]);

const WRITING: ReadonlySet<number> = new Set([
  constants.SQLITE_INSERT,
  constants.SQLITE_UPDATE,
  constants.SQLITE_DELETE,
]);

const DEFINING: ReadonlySet<number> = new Set([
  constants.SQLITE_CREATE_TABLE,
  constants.SQLITE_CREATE_INDEX,
  constants.SQLITE_CREATE_VIEW,
  constants.SQLITE_CREATE_TRIGGER,
  constants.SQLITE_DROP_TABLE,
  constants.SQLITE_DROP_INDEX,
  constants.SQLITE_DROP_VIEW,
  constants.SQLITE_DROP_TRIGGER,
  constants.SQLITE_ALTER_TABLE,
  constants.SQLITE_REINDEX,
]);

const TEMPORARY: ReadonlySet<number> = new Set([
  constants.SQLITE_CREATE_TEMP_TABLE,
  constants.SQLITE_CREATE_TEMP_INDEX,
  constants.SQLITE_CREATE_TEMP_VIEW,
  constants.SQLITE_CREATE_TEMP_TRIGGER,
  constants.SQLITE_DROP_TEMP_TABLE,
  constants.SQLITE_DROP_TEMP_INDEX,
  constants.SQLITE_DROP_TEMP_VIEW,
  constants.SQLITE_DROP_TEMP_TRIGGER,
]);

/** Actions whose second argument is a table. */
const NAMES_TABLE_SECOND: ReadonlySet<number> = new Set([
  constants.SQLITE_ALTER_TABLE,
  constants.SQLITE_CREATE_INDEX,
  constants.SQLITE_CREATE_TRIGGER,
  constants.SQLITE_DROP_INDEX,
  constants.SQLITE_DROP_TRIGGER,
]);

const CHANCE_FUNCTIONS: ReadonlySet<string> = new Set([
  "random",
  "randomblob",
  "current_date",
  "current_time",
  "current_timestamp",
  "changes",
  "total_changes",
  "last_insert_rowid",
  "sqlite_version",
  "sqlite_source_id",
]);

const CLOCK_FUNCTIONS: ReadonlySet<string> = new Set([
  "date",
  "time",
  "datetime",
  "julianday",
  "unixepoch",
  "strftime",
  "timediff",
]);

/** How those functions are made to read the clock: 'now', or no time at all. */
const READS_CLOCK = /'now'|\b(?:date|time|datetime|julianday|unixepoch)\s*\(\s*\)|\bstrftime\s*\([^,]*\)/i;
