/** The first value of a table that is not in the state as it is in the file: where a column's type made another one of it. */
import type { SQLOutputValue } from "node:sqlite";
import type { MatchedTable } from "./match-tables.ts";

type Row = readonly SQLOutputValue[];

/** `null`: both are the same. */
export function findDifference(table: MatchedTable, found: Iterable<Row>, made: Iterable<Row>): string | null {
  const others = made[Symbol.iterator]();
  try {
    for (const row of found) {
      const other: Row = others.next().value ?? [];
      const at = row.findIndex((value, index) => !isSame(value, other[index]));
      if (at >= 0) return tellDifference(table, row, other, at);
    }
    return null;
  } finally {
    others.return?.();
  }
}

/** By its key, as far as one can read it. */
export const rowName = ({ columns, key }: Pick<MatchedTable, "columns" | "key">, row: Row): string =>
  key.map((name) => `${name} = ${shown(row[columns.indexOf(name)])}`).join(", ");

function tellDifference(table: MatchedTable, row: Row, other: Row, at: number): string {
  const place = `table ${table.name}, row ${rowName(table, row)}, column ${table.columns[at]}`;
  return `${place}: ${typeName(row[at])} ${shown(row[at])} would become ${typeName(other[at])} ${shown(other[at])}`;
}

function isSame(one: SQLOutputValue | undefined, other: SQLOutputValue | undefined): boolean {
  if (one instanceof Uint8Array && other instanceof Uint8Array) return Buffer.from(one).equals(other);
  return Object.is(one, other);
}

function typeName(value: SQLOutputValue | undefined): string {
  if (value === null || value === undefined) return "NULL";
  if (typeof value === "bigint") return "integer";
  if (typeof value === "number") return "real";
  return typeof value === "string" ? "text" : "blob";
}

const MOST_SHOWN = 40;

function shown(value: SQLOutputValue | undefined): string {
  if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString("hex").slice(0, MOST_SHOWN)}'`;
  return typeof value === "string" ? JSON.stringify(value.slice(0, MOST_SHOWN)) : String(value ?? "");
}
