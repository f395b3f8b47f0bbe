/**
 * The tables of spaces. Entries are only ever added at the end. A deleted document stays as a tombstone (`value` null),
 * so that whoever asks what changed learns of it; a deleted space takes its documents and tombstones along.
 */
import type { SchemaEntry } from "../../store/store.ts";

export const schema: readonly SchemaEntry[] = [
  {
    id: "spaces-1",
    sql: `
      create table spaces (
        space text primary key not null,
        title text,
        settings text not null,
        created_lsn integer not null,
        lsn integer not null
      ) strict;
      create table documents (
        space text not null,
        id text not null,
        value text,
        lsn integer not null,
        log_time_ms integer not null,
        primary key (space, id)
      ) strict;
      create index documents_by_lsn on documents (space, lsn);
    `,
  },
];

/** Entity tags are LSNs: in a pool that is imported none may come again. */
export const newestLsn =
  "select max(lsn) from (select max(lsn) as lsn from documents union all select max(lsn) from spaces)";
