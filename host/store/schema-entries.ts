/**
 * The application's schema as the state knows it, `hs_schema`: which entries have run, in order, and the hash of what
 * each one said. What the application exports must begin with exactly these.
 */
import { createHash } from "node:crypto";
import { HotspareError } from "../../shared/errors.ts";
import type { Operation } from "../../shared/journal/record.ts";
import type { Connection } from "./connection.ts";
import type { SchemaEntry } from "./store.ts";

/** The operation that follows an entry's own; its parameters are position, id and hash. */
export const RECORD_ENTRY = "insert into hs_schema (position, id, sql_hash) values (?, ?, ?)";

export const readSchemaIds = (connection: Connection): readonly string[] => readKnown(connection).map(({ id }) => id);

/**
 * Two operations for each entry that the state lacks: what it says, and the memory of it.
 * @throws {HotspareError} HS_SCHEMA_UNKNOWN if the state has an entry that is not among `entries`: the application is
 * older than the state. HS_SCHEMA_REFUSED if an entry was edited, moved or given twice.
 */
export function missingEntries(connection: Connection, entries: readonly SchemaEntry[]): readonly Operation[] {
  refuseTwice(entries);
  const known = readKnown(connection);
  for (const [position, { id, hash }] of known.entries()) refuseChange(id, hash, position, entries);
  return entries.slice(known.length).flatMap(({ id, sql }, index): Operation[] => [
    { type: "sql", sql, parameters: [] },
    { type: "sql", sql: RECORD_ENTRY, parameters: [BigInt(known.length + index + 1), id, hashOf(sql)] },
  ]);
}

interface KnownEntry {
  readonly id: string;
  readonly hash: string;
}

const readKnown = (connection: Connection): readonly KnownEntry[] =>
  connection
    .own("select id, sql_hash from hs_schema order by position")
    .all()
    .map((row) => ({ id: String(row["id"]), hash: String(row["sql_hash"]) }));

function refuseTwice(entries: readonly SchemaEntry[]): void {
  const ids = new Set<string>();
  for (const { id } of entries) {
    if (id === "") throw refused("(empty)", "an entry needs an id");
    if (ids.has(id)) throw refused(id, "two entries have this id");
    ids.add(id);
  }
}

function refuseChange(id: string, hash: string, position: number, entries: readonly SchemaEntry[]): void {
  const found = entries.find((entry) => entry.id === id);
  if (!found) throw new HotspareError("HS_SCHEMA_UNKNOWN", { id });
  if (entries[position] !== found) {
    throw refused(id, `it ran as number ${position + 1}; new entries go to the end, old ones keep their order`);
  }
  if (hashOf(found.sql) !== hash) {
    throw refused(id, "its text was changed after it ran; restore it and put the change into a new entry");
  }
}

const hashOf = (sql: string): string => createHash("sha256").update(sql, "utf8").digest("hex");

const refused = (id: string, reason: string): HotspareError => new HotspareError("HS_SCHEMA_REFUSED", { id, reason });
