/**
 * The tables that Hotspare keeps beside the application's, in the same file and the same transactions. `docs/formats.md`
 * lists their columns.
 *
 * - `hs_meta`: where this copy is. Local: in no change set and in no state hash.
 * - `hs_commit`: what makes writes exactly-once. Travels inside change sets, so that an effect and the memory of it
 *   cannot be separated. Its key is the LSN, so that it grows at its end.
 * - `hs_schema`: which entries of the application's schema have run. Travels as `sql` operations.
 */
import type { Connection } from "./connection.ts";
import { readLayout } from "./meta.ts";

/** The version of the tables below. A file of another one is set aside and restored. */
export const LAYOUT = 1;

/** Run once, on an empty file. Part of the schema's fingerprint, so never to be changed without a new layout. */
export const SYSTEM_TABLES = `
create table hs_meta (
  id integer primary key check (id = 1),
  layout integer not null,
  origin text,
  slot integer,
  hash text,
  lsn integer,
  log_time_ms real,
  fence_slot integer,
  fence_id text,
  fence_hash text,
  fence_epoch integer,
  fence_owner text,
  fence_boot_id text,
  stable_fence text,
  write_version integer,
  heir text
) strict;
insert into hs_meta (id, layout) values (1, ${LAYOUT});
create table hs_commit (
  lsn integer primary key,
  key text not null unique,
  request_hash text not null,
  expires_ms real not null,
  result text not null
) strict;
create index hs_commit_expires on hs_commit (expires_ms);
create table hs_schema (
  position integer primary key,
  id text not null unique,
  sql_hash text not null
) strict;
`;

/** What a file of before may lack. They change no fingerprint and no state hash: `hs_meta` is in neither. */
const LATER_COLUMNS = [
  { name: "write_version", type: "integer" },
  { name: "heir", type: "text" },
] as const;

/** Names that belong to Hotspare, as SQLite compares them. */
export const isSystemName = (name: string): boolean => /^hs_/i.test(name);

/** Makes the system tables in an empty file; anything else must be a store already. */
export function prepareTables(connection: Connection): void {
  const layout = readLayout(connection.database);
  if (layout === LAYOUT) return addLaterColumns(connection);
  if (layout !== null) throw new Error(`its layout is ${layout}, this program reads ${LAYOUT}`);
  const found = connection.database.prepare("select name from sqlite_schema limit 1").get();
  if (found) throw new Error(`it has a table ${String(found["name"])} and none of Hotspare's`);
  connection.begin();
  connection.database.exec(SYSTEM_TABLES);
  connection.commit();
}

function addLaterColumns(connection: Connection): void {
  const columns = connection.database.prepare("select name from pragma_table_info('hs_meta')").all();
  for (const { name, type } of LATER_COLUMNS)
    if (!columns.some((column) => column["name"] === name))
      connection.database.exec(`alter table hs_meta add column ${name} ${type}`);
}
