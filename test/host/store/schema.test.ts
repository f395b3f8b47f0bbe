import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import type { SchemaEntry } from "../../../host/store/store.ts";
import { dump, errorOf, keyOf, Replicas, thrownBy, valueOf } from "./replicas.ts";

const entry = (id: string, sql: string): SchemaEntry => ({ id, sql });
const A = entry("a", "create table a (id integer primary key, v)");
const B = entry("b", "create table b (id text primary key not null); insert into b values ('x')");

describe("the schema's entries", () => {
  it("run once, in order, and the same on each host", () => {
    using replicas = new Replicas([A, B]);
    expect(replicas.primary.schema).toEqual(["a", "b"]);
    expect(replicas.standby.schema).toEqual(["a", "b"]);
    expect(replicas.primary.pendingSchema([A, B])).toEqual([]);
    expect(dump(replicas.standby.file)["b"]).toEqual(["text:78"]);
  });

  it("new ones run after those that have run, on rows that are there", () => {
    using replicas = new Replicas([A]);
    valueOf(replicas.write((db) => db.exec("insert into a values (1, 'one')")));
    const next = entry(
      "w",
      "alter table a add column w integer not null default 3 check (w > 0); update a set w = id + 1",
    );
    replicas.migrate([A, next]);
    valueOf(replicas.write((db) => db.exec("insert into a values (2, 'two', 9)")));
    expect(replicas.primary.schema).toEqual(["a", "w"]);
    expect(dump(replicas.primary.file)["a"]).toHaveLength(2);
    expect(dump(replicas.primary.file)).toEqual(dump(replicas.standby.file));
  });

  it("of which the application does not know one: it is older than the state", () => {
    using replicas = new Replicas([A, B]);
    expect(thrownBy(() => replicas.primary.pendingSchema([A]))).toMatchObject({
      code: "HS_SCHEMA_UNKNOWN",
      details: { id: "b" },
    });
  });

  it.each([
    ["moved", [B, A], "order"],
    ["put before old ones", [entry("new", "select 1"), A, B], "order"],
    ["edited", [A, entry("b", `${B.sql} `)], "changed"],
    ["given twice", [A, B, A], "two entries"],
    ["without an id", [A, B, entry("", "select 1")], "needs an id"],
  ])("of which one was %s are refused", (_, entries, reason) => {
    using replicas = new Replicas([A, B]);
    const error = thrownBy(() => replicas.primary.pendingSchema(entries));
    expect(error).toMatchObject({ code: "HS_SCHEMA_REFUSED" });
    expect(error.message).toContain(reason);
  });

  it("of which one fails leave nothing, and the host can go on", () => {
    using replicas = new Replicas([A]);
    const bad = [
      A,
      B,
      entry("bad", "create table c (id integer primary key); create table a (id integer primary key)"),
    ];
    const error = thrownBy(() => replicas.primary.beginOperations(replicas.primary.pendingSchema(bad)));
    expect(error).toMatchObject({ code: "HS_SCHEMA_REFUSED", details: { id: "bad" } });
    expect(replicas.primary.schema).toEqual(["a"]);
    expect(Object.keys(dump(replicas.primary.file))).toEqual(["a", "hs_commit", "hs_schema"]);
    valueOf(replicas.write((db) => db.exec("insert into a values (1, 1)")));
    expect(dump(replicas.primary.file)).toEqual(dump(replicas.standby.file));
  });

  it("that were rolled back have never run", () => {
    using replicas = new Replicas([A]);
    const batch = replicas.primary.beginOperations(replicas.primary.pendingSchema([A, B]));
    batch.rollback();
    batch.rollback();
    expect(replicas.primary.schema).toEqual(["a"]);
    replicas.migrate([A, B]);
    replicas.write((db) => db.exec("insert into b values ('y')"));
    expect(dump(replicas.primary.file)).toEqual(dump(replicas.standby.file));
  });

  it("fire their triggers and leave out foreign keys the same on each host", () => {
    const tables = entry(
      "tables",
      `create table p (id integer primary key); create table c (id integer primary key, p integer references p on delete cascade);
       create table log (id integer primary key, what text);
       create trigger gone after delete on p begin insert into log (what) values ('p ' || old.id); delete from c where p = old.id; end;
       insert into p values (1), (2); insert into c values (1, 1), (2, 2)`,
    );
    using replicas = new Replicas([tables, entry("less", "delete from p where id = 1")]);
    expect(dump(replicas.primary.file)).toMatchObject({ c: [expect.any(String)], log: [expect.any(String)] });
    expect(dump(replicas.primary.file)).toEqual(dump(replicas.standby.file));
  });
});

describe("refused when it is created is", () => {
  const refused: readonly (readonly [what: string, sql: string, reason: RegExp])[] = [
    ["no primary key", "create table t (v)", /no primary key/],
    ["no primary key, out of a query", "create table t as select 1 as id", /no primary key/],
    ["a nullable key", "create table t (id text primary key)", /not null/],
    ["a nullable key by int", "create table t (id int primary key)", /not null/],
    ["a nullable key by descending integer", "create table t (id integer primary key desc)", /not null/],
    [
      "one nullable column of a key",
      "create table t (a text not null, b text, primary key (a, b))",
      /declare b not null/,
    ],
    ["a key in another collation", "create table t (id text not null primary key collate nocase)", /byte by byte/],
    [
      "a collated key without rowid",
      "create table t (id text primary key collate rtrim) without rowid",
      /byte by byte/,
    ],
    ["a collated key index", "create table t (id text not null, primary key (id collate nocase))", /byte by byte/],
    [
      "a collated key column",
      "create table t (id text collate nocase not null, primary key (id collate binary))",
      /byte by byte/,
    ],
    ["a key without a type", "create table t (id primary key not null)", /1 and 1\.0/],
    ["a blob key that may hold numbers", "create table t (id blob primary key not null)", /1 and 1\.0/],
    ["a key of any type", "create table t (id any primary key) strict", /1 and 1\.0/],
    ["AUTOINCREMENT", "create table t (id integer primary key autoincrement)", /AUTOINCREMENT/],
    [
      "a deferred constraint",
      "create table t (id integer primary key, p integer references t deferrable initially deferred)",
      /INITIALLY DEFERRED/,
    ],
    ["ON CONFLICT ROLLBACK", "create table t (id integer primary key, u unique on conflict rollback)", /ROLLBACK/],
    [
      "ON CONFLICT ROLLBACK behind a comment",
      "create table t (id integer primary key, u unique on/**/conflict -- x\n rollback)",
      /ROLLBACK/,
    ],
    [
      "ON CONFLICT REPLACE",
      "create table t (id integer primary key, u unique on conflict replace)",
      /INSERT OR REPLACE/,
    ],
    ["ON CONFLICT IGNORE", "create table t (id integer primary key, u unique on conflict ignore)", /INSERT OR IGNORE/],
    [
      "a trigger that rolls back",
      "create table t (id integer primary key); create trigger x before insert on t begin select raise(rollback, 'no'); end",
      /RAISE\(ABORT/,
    ],
    [
      "a trigger that may roll back",
      "create table t (id integer primary key); create trigger x before insert on t begin insert or rollback into t values (1); end",
      /RAISE\(ABORT/,
    ],
    ["a full text index", "create virtual table t using fts5(v)", /virtual/],
    ["an R-Tree", "create virtual table t using rtree(id, a, b)", /virtual/],
    ["a temporary table", "create temp table t (id integer primary key)", /temporary/],
    [
      "a temporary trigger",
      "create table t (id integer primary key); create temp trigger x after insert on t begin delete from t; end",
      /temporary/,
    ],
    ["statistics", "create table t (id integer primary key); create index x on t (id); analyze", /ANALYZE|schema/],
    ["a table of Hotspare's name", "create table HS_mine (id integer primary key)", /hs_/],
    ["a view of Hotspare's name", "create view hs_mine as select 1", /hs_/],
    [
      "a table renamed to Hotspare's name",
      "create table t (id integer primary key); alter table t rename to hs_mine",
      /hs_/,
    ],
    ["a change of Hotspare's tables", "alter table hs_commit add column mine", /hs_/],
    ["the end of Hotspare's tables", "drop table hs_commit", /hs_/],
    ["an index on Hotspare's tables", "create index mine on hs_commit (result)", /hs_/],
    ["a trigger on Hotspare's tables", "create trigger mine after insert on hs_commit begin select 1; end", /hs_/],
    ["a write into Hotspare's tables", "insert into hs_commit values (1, 'k', 'h', 1, '1')", /hs_/],
    [
      "a foreign key to Hotspare's tables",
      "create table t (id integer primary key references hs_commit)",
      /foreign key/,
    ],
    [
      "a foreign key that does not hold",
      "create table p (id integer primary key); create table t (id integer primary key, p integer references p); insert into t values (1, 1)",
      /is missing/,
    ],
    ["a transaction", "begin; create table t (id integer primary key); commit", /one transaction/],
    ["a pragma", "pragma user_version = 3", /PRAGMA user_version/],
    ["another database", "attach ':memory:' as other", /other databases/],
    ["chance", "create table t (id integer primary key); insert into t values (random())", /random\(\)/],
    [
      "the clock",
      "create table t (id integer primary key, v); insert into t values (1, datetime('now'))",
      /datetime\(\)/,
    ],
    [
      "the clock by default",
      "create table t (id integer primary key, v); insert into t values (1, date())",
      /date\(\)/,
    ],
    [
      "the clock by name",
      "create table t (id integer primary key, v); insert into t values (1, current_timestamp)",
      /current_timestamp/,
    ],
    ["what SQLite does not know", "create tabel t (id)", /syntax error/],
  ];

  it.each(refused)("%s", (_, sql, reason) => {
    using replicas = new Replicas([A]);
    const before = catalogue(replicas.primary.file);
    const operations = replicas.primary.pendingSchema([A, entry("refused", sql)]);
    const error = thrownBy(() => replicas.primary.beginOperations(operations));
    expect(error).toMatchObject({ code: "HS_SCHEMA_REFUSED", details: { id: "refused" } });
    expect(error.message).toMatch(reason);
    expect(catalogue(replicas.primary.file)).toEqual(before);
    valueOf(replicas.write((db) => db.exec("insert into a values (1, 1)"), keyOf("k")));
    expect(dump(replicas.primary.file)).toEqual(dump(replicas.standby.file));
  });
});

describe("accepted is", () => {
  it.each([
    ["an integer key", "create table t (id integer primary key, v)"],
    ["a text key", "create table t (id text primary key not null, v)"],
    ["a key without rowid, which is never NULL", "create table t (id text primary key, v) without rowid"],
    ["a key of a strict table, which is never NULL", "create table t (id text primary key, v any) strict"],
    ["a blob key of a strict table", "create table t (id blob primary key, v any) strict"],
    [
      "a key of several columns",
      "create table t (a integer not null, b text not null, primary key (b, a)) without rowid",
    ],
    ["a collation beside the key", "create table t (id text primary key not null, v text collate nocase unique)"],
    [
      "a check, a default, a generated column",
      "create table t (id integer primary key, v check (v > 0) default 1, w as (v * 2) stored)",
    ],
    [
      "the clock and chance as a default",
      "create table t (id integer primary key, at default current_timestamp, r default (random()))",
    ],
    [
      "indexes: partial, unique, on expressions",
      "create table t (id integer primary key, v, w); create unique index i on t (v) where w; create index j on t (abs(v))",
    ],
    ["immediate foreign keys", "create table t (id integer primary key, p integer references t on delete cascade)"],
    [
      "words of the rules in comments, values and names",
      `create table t (id integer primary key, "autoincrement" default 'INITIALLY DEFERRED' /* ON CONFLICT ROLLBACK */)`,
    ],
    [
      "an odd name",
      `create table "odd "" name" ("a b" text not null collate binary, primary key ("a b")); create trigger "odd "" too" after insert on "odd "" name" begin select 1; end`,
    ],
    [
      "a view with triggers",
      "create table t (id integer primary key, v); create view w as select * from t; create trigger x instead of insert on w begin insert into t values (new.id, new.v); end",
    ],
    [
      "a table renamed, a column dropped",
      "create table s (id integer primary key, v, w); alter table s rename to t; alter table t drop column w; alter table t rename column v to x",
    ],
    [
      "a table rebuilt",
      "create table s (id integer primary key, v); insert into s values (1, 2); create table t (id text primary key not null, v); insert into t select id, v from s; drop table s; create index i on t (v); reindex t",
    ],
    ["nothing", "-- nothing"],
  ])("%s", (_, sql) => {
    using replicas = new Replicas([A, entry("accepted", sql)]);
    expect(catalogue(replicas.primary.file)).toEqual(catalogue(replicas.standby.file));
    expect(dump(replicas.primary.file)).toEqual(dump(replicas.standby.file));
  });

  it("a foreign key, and it is enforced in a write", () => {
    using replicas = new Replicas([
      entry("c", "create table c (id integer primary key, p integer not null references c)"),
    ]);
    expect(errorOf(replicas.write((db) => db.exec("insert into c values (1, 2)"))).message).toContain("FOREIGN KEY");
  });
});

function catalogue(file: string): unknown {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return database.prepare("select type, name, tbl_name, sql from sqlite_schema order by rowid").all();
  } finally {
    database.close();
  }
}
