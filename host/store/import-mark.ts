/**
 * The mark of an import that is not finished: an entry of `hs_schema` that no application knows, so that by the rule for
 * applications that are too old no host serves the pool, on any machine. It comes with the fence that begins the import,
 * and goes with the record that ends it: in between there is no state without it.
 */
import { createHash } from "node:crypto";
import type { JournalRecord } from "../../shared/journal/record.ts";
import type { Sha256 } from "../../shared/ids.ts";
import type { Connection } from "./connection.ts";
import type { SchemaEntry } from "./store.ts";

const PREFIX = "hotspare-import-unfinished-";
const SQL = "-- an import that is not finished";
const SQL_HASH = createHash("sha256").update(SQL, "utf8").digest("hex");

/** What an importing host exports before the application's entries. `content`: hash of all that is to be imported. */
export const importMark = (content: Sha256): SchemaEntry => ({ id: `${PREFIX}${content}`, sql: SQL });

export const isImportMark = (id: string): boolean => id.startsWith(PREFIX);

/** The operation that ends an import. The mark is the first entry; the application's own then begin with 1. */
export const FINISH_IMPORT = "delete from hs_schema where position = 1; update hs_schema set position = position - 1";

/** To be called when `record` is applied, inside its transaction. Returns whether it set a mark. */
export function setImportMark(connection: Connection, record: JournalRecord): boolean {
  const id = record.kind === "fence" ? record.fence.schema[0] : undefined;
  if (id === undefined || !isImportMark(id)) return false;
  connection.own("insert or ignore into hs_schema (position, id, sql_hash) values (1, ?, ?)").run(id, SQL_HASH);
  return true;
}
