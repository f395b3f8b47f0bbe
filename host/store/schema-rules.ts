/**
 * What is not proven to travel through change sets is refused when it is created, before it is journalled, with the way
 * around. Judged on SQLite's own catalogue after an entry of the schema has run; only what the catalogue does not show
 * is looked for in the text. Each rule is explained in `docs/store.md`.
 */
import type { Connection } from "./connection.ts";
import { bareSql, quoteName } from "./sql-tokens.ts";
import { isSystemName } from "./system-tables.ts";
import { reasonOf } from "../../shared/errors.ts";

/** Why the schema as it is now cannot be accepted; `null` if it can. To be called inside the transaction that made it. */
export function findViolation(connection: Connection): string | null {
  const [first] = findViolations(connection);
  return first ? `${first.type} ${first.name}: ${first.reason}` : judgeForeignKeys(connection);
}

/** What cannot be accepted, and why, in the order of its creation; rows are not looked at. */
export const findViolations = (connection: Connection): readonly SchemaViolation[] =>
  definitionsOf(connection).flatMap((definition) => {
    const reason = judgeDefinition(connection, definition);
    return reason === null ? [] : [{ type: definition.type, name: definition.name, reason }];
  });

export interface SchemaViolation {
  readonly type: string;
  readonly name: string;
  readonly reason: string;
}

interface Definition {
  readonly type: string;
  readonly name: string;
  readonly table: string;
  readonly sql: string;
}

const definitionsOf = (connection: Connection): readonly Definition[] =>
  connection
    .own("select type, name, tbl_name, sql from sqlite_schema where sql is not null order by rowid")
    .all()
    .map((row) => ({
      type: String(row["type"]),
      name: String(row["name"]),
      table: String(row["tbl_name"]),
      sql: bareSql(String(row["sql"])),
    }))
    .filter(({ name }) => !OWN_NAMES.has(name));

function judgeDefinition(connection: Connection, definition: Definition): string | null {
  if (isSystemName(definition.name) || isSystemName(definition.table)) {
    return "names that begin with hs_ belong to Hotspare; choose another";
  }
  if (definition.type === "table") return judgeTable(connection, definition);
  return definition.type === "trigger" ? judgeTrigger(definition) : null;
}

function judgeTable(connection: Connection, { name, sql }: Definition): string | null {
  if (sql.startsWith("CREATE VIRTUAL")) {
    return "virtual tables (FTS5, R-Tree and others) do not travel; build such an index outside of the pool from its rows";
  }
  if (name.startsWith("sqlite_")) return "ANALYZE and AUTOINCREMENT keep tables that do not travel; leave them out";
  return (
    judgeText(sql) ??
    judgeKey(connection, name, sql) ??
    (referencesSystem(connection, name) ? "a foreign key refers to a table of Hotspare's" : null)
  );
}

function judgeText(sql: string): string | null {
  if (/\bAUTOINCREMENT\b/.test(sql)) {
    return "AUTOINCREMENT keeps its counter outside of the change set, so that ids are used again after a failover; use integer primary key, or ids of your own";
  }
  if (/\bINITIALLY DEFERRED\b/.test(sql)) {
    return "INITIALLY DEFERRED lets a commit fail after it was published; use immediate constraints and write parents first";
  }
  const clause = /\bON CONFLICT (ROLLBACK|REPLACE|IGNORE)\b/.exec(sql)?.[1];
  if (clause === undefined) return null;
  if (clause === "ROLLBACK") {
    return "ON CONFLICT ROLLBACK ends the transaction of all writes that wait with this one; leave it out and throw";
  }
  return `ON CONFLICT ${clause} in a table also acts while a change set is applied; say INSERT OR ${clause} in the statement`;
}

function judgeTrigger({ sql }: Definition): string | null {
  return /\bROLLBACK\b/.test(sql)
    ? "ROLLBACK in a trigger ends the transaction of all writes that wait with this one; use RAISE(ABORT, …)"
    : null;
}

/** A change set finds its rows by the primary key alone, comparing value by value. */
function judgeKey(connection: Connection, name: string, sql: string): string | null {
  const table = tableOf(connection, name);
  const columns = table.columns.filter((column) => column.isKey);
  if (columns.length === 0) return "it has no primary key, by which a change finds its row; declare one";
  if (table.keyIndex === null) return null;
  for (const column of columns) {
    const violation = judgeKeyColumn(column, table.strict);
    if (violation !== null) return `column ${column.name}: ${violation}`;
  }
  const collated = table.keyIndex.some(({ collation }) => !isBinary(collation));
  if (collated || (/\bCOLLATE\b/.test(sql) && hasCollatedColumn(connection, name, columns))) {
    return "its primary key is not compared byte by byte, so that two keys may be one; leave COLLATE to a column or index beside the key";
  }
  return null;
}

function judgeKeyColumn({ name, type, notNull }: Column, strict: boolean): string | null {
  if (!notNull) return `a key that is NULL is left out of change sets; declare ${name} not null`;
  const kind = type.toUpperCase();
  const mixed = strict ? kind === "ANY" : affinityIsBlob(kind);
  return mixed
    ? `1 and 1.0 are one key here and two in a change set; declare its type as integer, text or real (or blob in a strict table)`
    : null;
}

interface Column {
  readonly name: string;
  readonly type: string;
  readonly notNull: boolean;
  readonly isKey: boolean;
}

interface Table {
  readonly strict: boolean;
  readonly columns: readonly Column[];
  /** The index behind the primary key; `null` where the key is the rowid itself, which is never NULL. */
  readonly keyIndex: readonly { readonly collation: string }[] | null;
}

function tableOf({ database }: Connection, name: string): Table {
  const quoted = quoteName(name);
  const listed = database
    .prepare(`pragma table_list(${quoted})`)
    .all()
    .find(({ schema }) => schema === "main");
  const columns = database.prepare(`pragma table_xinfo(${quoted})`).all();
  const indexes = database.prepare(`pragma index_list(${quoted})`).all();
  const keyIndex = indexes.find(({ origin }) => origin === "pk");
  return {
    strict: listed?.["strict"] === 1,
    columns: columns.map((column) => ({
      name: String(column["name"]),
      type: String(column["type"]),
      notNull: column["notnull"] === 1,
      isKey: Number(column["pk"]) > 0,
    })),
    keyIndex: keyIndex ? collationsOf({ database }, String(keyIndex["name"])) : null,
  };
}

const collationsOf = ({ database }: Pick<Connection, "database">, index: string): { readonly collation: string }[] =>
  database
    .prepare(`pragma index_xinfo(${quoteName(index)})`)
    .all()
    .filter(({ key }) => key === 1)
    .map(({ coll }) => ({ collation: String(coll) }));

/** The catalogue does not tell a column's own collation; an index on it does. It is gone before anybody sees it. */
function hasCollatedColumn(connection: Connection, name: string, columns: readonly Column[]): boolean {
  const { database } = connection;
  const list = columns.map((column) => quoteName(column.name)).join(", ");
  database.exec(`create index ${PROBE} on ${quoteName(name)} (${list})`);
  const collated = collationsOf(connection, PROBE).some(({ collation }) => !isBinary(collation));
  database.exec(`drop index ${PROBE}`);
  return collated;
}

const referencesSystem = ({ database }: Connection, name: string): boolean =>
  database
    .prepare(`pragma foreign_key_list(${quoteName(name)})`)
    .all()
    .some(({ table }) => isSystemName(String(table)));

/** Entries run with foreign keys off, as on every other host; what they leave must be sound all the same. */
function judgeForeignKeys({ database }: Connection): string | null {
  try {
    const broken = database.prepare("pragma foreign_key_check").get();
    return broken
      ? `a row of ${String(broken["table"])} refers to a row of ${String(broken["parent"])} that is missing`
      : null;
  } catch (error) {
    return reasonOf(error);
  }
}

const PROBE = "hs_probe";
const OWN_NAMES: ReadonlySet<string> = new Set(["hs_meta", "hs_commit", "hs_commit_expires", "hs_schema"]);

const isBinary = (collation: string): boolean => collation.toUpperCase() === "BINARY";

/** https://sqlite.org/datatype3.html#determination_of_column_affinity: the rules are tried in this order. */
const affinityIsBlob = (type: string): boolean =>
  !/INT|CHAR|CLOB|TEXT/.test(type) && (type === "" || type.includes("BLOB"));
