import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dump, errorOf, Replicas, thrownBy, valueOf } from "./replicas.ts";

const SCHEMA = [
  {
    id: "t",
    sql: "create table t (id integer primary key, v); insert into t values (1, 'a'); create index tv on t (v); create view tw as select * from t",
  },
];

let replicas: Replicas;
beforeAll(() => {
  replicas = new Replicas(SCHEMA);
});
afterAll(() => replicas[Symbol.dispose]());

describe("inside write is denied", () => {
  const denied: readonly (readonly [what: string, sql: string])[] = [
    ["the beginning of a transaction", "begin"],
    ["the end of the transaction", "commit"],
    ["the end of the transaction by another word", "end"],
    ["a rollback", "rollback"],
    ["a savepoint", "savepoint mine"],
    ["the release of Hotspare's savepoint", "release hs_write"],
    ["a rollback to Hotspare's savepoint", "rollback to hs_write"],
    ["a pragma that writes", "pragma user_version = 3"],
    ["a pragma that defers constraints", "pragma defer_foreign_keys = on"],
    ["a pragma that turns constraints off", "pragma foreign_keys = off"],
    ["a pragma that reads", "pragma table_list"],
    ["a pragma in a query", "select * from pragma_user_version"],
    ["another database", "attach ':memory:' as other"],
    ["to let go of one", "detach main"],
    ["a new table", "create table x (id integer primary key)"],
    ["a table out of a query", "create table x as select * from t"],
    ["a new index", "create index x on t (id, v)"],
    ["a new view", "create view x as select * from t"],
    ["a new trigger", "create trigger x after insert on t begin delete from t; end"],
    ["a virtual table", "create virtual table x using fts5(v)"],
    ["a changed table", "alter table t add column w"],
    ["a renamed table", "alter table t rename to u"],
    ["a dropped table", "drop table t"],
    ["a dropped index", "drop index tv"],
    ["a dropped view", "drop view tw"],
    ["a rebuilt index", "reindex"],
    ["a temporary table", "create temp table x (id integer primary key)"],
    ["a temporary view", "create temp view x as select 1"],
    ["a temporary trigger", "create temp trigger x after insert on t begin delete from t; end"],
    ["statistics", "analyze"],
    ["to read where this copy is", "select * from hs_meta"],
    ["to count what is settled", "select count(*) from hs_commit"],
    ["to read the schema's memory by another spelling", "select id from HS_Schema"],
    ["to move the head", "update hs_meta set slot = 1"],
    ["to settle a key", "insert into hs_commit values (1, 'k', 'h', 1, '1')"],
    ["to forget keys", "delete from hs_commit"],
    ["to reach them through a join", "select t.id from t left join hs_commit on hs_commit.lsn = t.id"],
    ["to load code", "select load_extension('x')"],
  ];

  it.each(denied)("%s", (_, sql) => {
    const before = dump(replicas.primary.file);
    const byExec = replicas.write((db) => {
      db.exec("update t set v = 'changed'");
      db.exec(sql);
    });
    const byPrepare = replicas.write((db) => db.prepare(sql).run());
    expect([errorOf(byExec).code, errorOf(byPrepare).code]).toEqual(["HS_WRITE_DENIED", "HS_WRITE_DENIED"]);
    expect(dump(replicas.primary.file)).toEqual(before);
    expect(dump(replicas.standby.file)).toEqual(before);
  });

  it.each(["vacuum", "vacuum into 'copy'", "delete from sqlite_schema"])("%s, by SQLite itself", (sql) => {
    errorOf(replicas.write((db) => db.exec(sql)));
    errorOf(replicas.write((db) => db.prepare(sql).run()));
  });

  it("with the reason, and SQLite's own error as its cause", () => {
    const error = errorOf(replicas.write((db) => db.exec("commit")));
    expect(error.message).toContain("one write is one transaction");
    expect((error.cause as Error).message).toContain("not authorized");
  });

  it("and the write may go on after it has caught the refusal", () => {
    const outcome = replicas.write((db) => {
      thrownBy(() => db.exec("rollback"));
      return db.prepare("update t set v = 'b' where id = 1 returning v").get();
    });
    expect(valueOf(outcome)).toEqual({ v: "b" });
  });
});

describe("inside write is allowed", () => {
  it.each([
    "with recursive n (i) as (select 1 union all select i + 1 from n where i < 9) insert into t select i + 100, i from n",
    "insert into t (v) select value from json_each('[1, 2, 3]')",
    "insert into t values (1, 'c') on conflict (id) do update set v = excluded.v",
    "replace into t values (1, 'd')",
    "update t set v = datetime('now') || random()",
    "select name, sql from sqlite_schema",
    "select * from tw",
    "delete from t where id > 1",
  ])("%s", (sql) => {
    valueOf(replicas.write((db) => db.prepare(sql).all()));
    expect(dump(replicas.primary.file)).toEqual(dump(replicas.standby.file));
  });
});
