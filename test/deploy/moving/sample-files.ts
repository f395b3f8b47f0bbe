/** SQLite files and applications for imports. */
import { writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { SchemaEntry } from "../../../host/store/store.ts";

/** A file as others have them, made by `sql`. */
export function makeFile(file: string, sql: string, fill: (db: DatabaseSync) => void = () => undefined): void {
  const db = new DatabaseSync(file, { enableForeignKeyConstraints: false });
  try {
    db.exec(sql);
    fill(db);
  } finally {
    db.close();
  }
}

/** An application as a module on disk, with nothing but its schema and a look at a table. */
export function makeApp(file: string, schema: readonly SchemaEntry[]): void {
  writeFileSync(
    file,
    `export const schema = ${JSON.stringify(schema)};
export default (app, { pool }) => {
  app.get("/rows/:table", async ({ params }) =>
    pool.read("linearizable", (db) => db.prepare(\`select * from "\${params.table}" order by 1\`).all()));
  app.post("/sql", async (request) => (await pool.write(request, (db) => db.exec(request.body.sql))).value ?? null);
};
`,
  );
}

/** Of many kinds: what is hard to carry over is in here. */
export const KINDS_SQL = `
create table person (id integer primary key, name text not null collate nocase, boss integer references person (id), born real,
  photo blob, big integer, shout text generated always as (upper(name)) stored) strict;
create table visit (at text not null, person integer not null references person (id) on delete cascade, note,
  primary key (at, person)) without rowid;
create table tally (name text primary key not null, n integer not null) strict;
create table loose (id text primary key not null, anything);
create index person_name on person (name);
create unique index person_born on person (born) where born is not null;
create view visits as select name, count(*) as n from visit join person on person.id = person group by name;
create trigger counted after insert on person begin
  insert into tally (name, n) values ('persons', 1) on conflict (name) do update set n = n + 1;
end;`;

/** Rows of every type; a child before its parent in the order of keys. */
export function fillKinds(db: DatabaseSync): void {
  const person = db.prepare("insert into person (id, name, boss, born, photo, big) values (?, ?, ?, ?, ?, ?)");
  person.run(1, "Ada\0 💾", 2, 1815.5, Buffer.from([0, 255, 1]), 9007199254740993n);
  person.run(2, "", null, -0.25, Buffer.alloc(0), -9223372036854775808n);
  person.run(3, "\uFFFD is text", 3, null, null, null);
  db.exec("insert into visit values ('2026-01-02', 1, 1), ('2026-01-01', 2, 1.0), ('2026-01-01', 1, '1')");
  db.exec("insert into loose values ('a', x'00'), ('b', 0.1), ('c', null), ('d', 7), ('e', 'x')");
}

export const KINDS_SCHEMA: readonly SchemaEntry[] = [{ id: "kinds", sql: KINDS_SQL }];

export const BLOBS_SQL = "create table chunk (id integer primary key, bytes blob not null) strict";

/** Rows of half a MiB, so that an import takes several records. */
export function fillBlobs(db: DatabaseSync, rows: number): void {
  const insert = db.prepare("insert into chunk values (?, ?)");
  for (let id = 1; id <= rows; id += 1) insert.run(id, Buffer.alloc(512 * 1024, id));
}
