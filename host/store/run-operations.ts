/**
 * Runs operations on the primary for the first time, before they are journalled: entries of the application's schema
 * under guard and rules, purges and what an import brings as they are. On the applier, as on every other host, so that they do the same everywhere.
 */
import { assert, HotspareError, isHotspareError, reasonOf } from "../../shared/errors.ts";
import type { Operation } from "../../shared/journal/record.ts";
import { applyOperations, runSql } from "./apply-operations.ts";
import type { Connection } from "./connection.ts";
import { INTERNAL } from "./guard.ts";
import { FINISH_IMPORT } from "./import-mark.ts";
import { RECORD_ENTRY } from "./schema-entries.ts";
import { findViolation } from "./schema-rules.ts";
import type { SchemaView } from "./schema-view.ts";
import { PURGE_KEYS } from "./settlement.ts";
import { isDamage, isLocalFailure } from "./sqlite-failure.ts";

type SqlOperation = Operation & { readonly type: "sql" };

/** To be called inside a transaction, which the caller rolls back if this throws. @throws {HotspareError} HS_SCHEMA_REFUSED. */
export function runOperations(connection: Connection, view: SchemaView, operations: readonly Operation[]): void {
  for (const [index, operation] of operations.entries()) {
    if (operation.type === "mark") continue;
    if (operation.type === "changes") applyOperations(connection, view, [operation]);
    else if (OWN.has(operation.sql)) runSql(connection, view, operation);
    else runEntry(connection, view, operation, entryId(operations[index + 1]));
  }
}

function runEntry(connection: Connection, view: SchemaView, operation: SqlOperation, id: string): void {
  try {
    runGuarded(connection, view, operation);
    const violation = findViolation(connection);
    if (violation !== null) throw new HotspareError("HS_SCHEMA_REFUSED", { id, reason: violation });
  } catch (error) {
    if (isHotspareError(error) || isLocalFailure(error) || isDamage(error)) throw error;
    const reason = connection.guard.refusal ?? reasonOf(error);
    throw new HotspareError("HS_SCHEMA_REFUSED", { id, reason }, { cause: error });
  }
}

function runGuarded(connection: Connection, view: SchemaView, operation: SqlOperation): void {
  const { guard } = connection;
  guard.mode = { type: "schema", sql: operation.sql };
  guard.refusal = null;
  try {
    runSql(connection, view, operation);
  } finally {
    guard.mode = INTERNAL;
  }
}

/** An entry's id stands in the operation that records it. */
function entryId(next: Operation | undefined): string {
  assert(next?.type === "sql" && next.sql === RECORD_ENTRY, "an entry of the schema is followed by its record");
  return String(next.parameters[1]);
}

/** Texts that Hotspare itself has written. */
const OWN: ReadonlySet<string> = new Set([RECORD_ENTRY, PURGE_KEYS, FINISH_IMPORT]);
