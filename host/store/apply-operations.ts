/**
 * Applies the operations of a record to a copy of the state. To be called inside a transaction on the applier, which the
 * caller rolls back if this throws: a record is applied as a whole or not at all.
 *
 * Change sets hold everything that happened, what triggers and cascades did included, so neither may act again: foreign
 * keys are off on the applier, and triggers are taken away while a change set is applied and put back in the same
 * transaction. (An authorizer that answers IGNORE stops their inserts and updates, but not their deletes.)
 */
import { constants } from "node:sqlite";
import type { Operation } from "../../shared/journal/record.ts";
import { unreachable } from "../../shared/errors.ts";
import type { Connection } from "./connection.ts";
import type { SchemaView } from "./schema-view.ts";

/** @throws {Error} if an operation does not apply; the message says why. */
export function applyOperations(connection: Connection, view: SchemaView, operations: readonly Operation[]): void {
  for (const operation of operations) {
    switch (operation.type) {
      case "changes":
        applyChanges(connection, view, operation);
        break;
      case "sql":
        runSql(connection, view, operation);
        break;
      case "mark":
        // The state is hashed by who reads it; there is nothing to apply.
        break;
      default:
        unreachable(operation);
    }
  }
}

export function runSql(
  { database }: Connection,
  view: SchemaView,
  { sql, parameters }: Operation & { readonly type: "sql" },
): void {
  // Even a failed one may have changed the schema before it failed.
  view.forget();
  if (parameters.length === 0) database.exec(sql);
  else database.prepare(sql).run(...parameters);
}

function applyChanges(
  { database }: Connection,
  view: SchemaView,
  { schema, changeset }: Operation & { readonly type: "changes" },
): void {
  if (schema !== view.fingerprint) {
    throw new Error(`the change set was made on the schema ${schema}, this copy has ${view.fingerprint}`);
  }
  const { triggers } = view;
  for (const { drop } of triggers) database.exec(drop);
  const conflicts: number[] = [];
  const applied = database.applyChangeset(changeset, {
    onConflict: (type) => {
      conflicts.push(type);
      return constants.SQLITE_CHANGESET_ABORT;
    },
  });
  if (!applied) throw new Error(`the change set conflicts with this copy (${conflicts.map(conflictName).join(", ")})`);
  for (const { create } of triggers) database.exec(create);
}

const conflictName = (type: number): string => CONFLICTS.get(type) ?? `conflict ${type}`;

/** https://sqlite.org/session/c_changeset_conflict.html; the types of Node.js lack one of them. */
const CONFLICTS: ReadonlyMap<number, string> = new Map([
  [1, "a row has other values"],
  [2, "a row is missing"],
  [3, "a row is there already"],
  [4, "a constraint fails"],
  [5, "a foreign key fails"],
]);
