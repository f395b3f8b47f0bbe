/**
 * Which rows of the file go into which table of the application: by names alone. Whatever has no place on one of the two
 * sides is refused by name before anything is made, since nobody could tell later what became of it.
 */
import type { DatabaseSync } from "node:sqlite";
import { quoteName } from "../../../host/store/sql-tokens.ts";
import { isSystemName } from "../../../host/store/system-tables.ts";
import { columnsOf, type SourceColumn, type SourceFile } from "./source-file.ts";

export interface MatchedTable {
  /** As the application calls it. */
  readonly name: string;
  readonly columns: readonly string[];
  /** Those of the primary key, in its order. */
  readonly key: readonly string[];
  /** All rows of the file in the order of the key, and the same of a pool's state. */
  readonly sourceSql: string;
  readonly stateSql: string;
}

export interface Match {
  readonly tables: readonly MatchedTable[];
  /** Tables of the application that the file does not have: they stay as the application makes them. */
  readonly absent: readonly string[];
}

/** @throws {HotspareError} HS_IMPORT_REFUSED with everything that has no place. */
export function matchTables(source: SourceFile, state: DatabaseSync, without: readonly string[]): Match {
  const [ordinary, virtual] = [source.tables("table"), source.tables("virtual")];
  const unknown = without.filter((name) => ![...ordinary, ...virtual].includes(name));
  const wanted = ordinary.filter((name) => !without.includes(name));
  const own = stateTables(state);
  const problems = unknown.map((name) => `it has no table ${name} to leave out`);
  for (const name of virtual.filter((found) => !without.includes(found))) {
    problems.push(`${name} is a virtual table, which does not travel; --without ${name} leaves it out`);
  }
  const tables: MatchedTable[] = [];
  for (const name of wanted) {
    const table = own.find((other) => same(other, name));
    if (table === undefined) problems.push(`the application has no table ${name}; --without ${name} leaves it out`);
    else tables.push(matchColumns(table, columnsOf(state, table), source.columns(name), problems));
  }
  if (problems.length > 0) throw source.refusal(problems.join("; "));
  return { tables, absent: own.filter((name) => !wanted.some((other) => same(other, name))) };
}

function matchColumns(
  table: string,
  own: readonly SourceColumn[],
  found: readonly SourceColumn[],
  problems: string[],
): MatchedTable {
  const stored = own.filter(({ isGenerated }) => !isGenerated);
  const missing = stored.filter(({ name }) => !found.some((column) => same(column.name, name)));
  const fromRowid =
    found.every(({ pk }) => pk === 0) && missing.length === 1 && missing[0]?.pk === 1 ? missing[0] : null;
  for (const { name } of missing) {
    if (name !== fromRowid?.name) problems.push(`column ${table}.${name} of the application is not in the file`);
  }
  for (const { name, isGenerated } of found) {
    const has = (isGenerated ? own : stored).some((column) => same(column.name, name));
    if (!has && !isGenerated) problems.push(`column ${table}.${name} of the file is not stored by the application`);
  }
  const columns = stored.map(({ name }) => name);
  const key = stored
    .filter(({ pk }) => pk > 0)
    .toSorted((one, other) => one.pk - other.pk)
    .map(({ name }) => name);
  const order = key.map((name) => `${quoteName(name)} collate binary`).join(", ");
  const asFound = columns.map((name) => (name === fromRowid?.name ? `rowid as ${quoteName(name)}` : quoteName(name)));
  return {
    name: table,
    columns,
    key,
    sourceSql: `select ${asFound.join(", ")} from main.${quoteName(table)} order by ${fromRowid ? "rowid" : order}`,
    stateSql: `select ${columns.map(quoteName).join(", ")} from main.${quoteName(table)} order by ${order}`,
  };
}

const stateTables = (state: DatabaseSync): readonly string[] =>
  state
    .prepare("select name from pragma_table_list where schema = 'main' and type = 'table' and name not glob 'sqlite_*'")
    .all()
    .map(({ name }) => String(name))
    .filter((name) => !isSystemName(name))
    .toSorted();

const same = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();
