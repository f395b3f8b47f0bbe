import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { stateHash } from "../../../host/store/state-hash.ts";
import type { Db } from "../../../host/store/store.ts";
import type { Operation } from "../../../shared/journal/record.ts";
import type { Sha256 } from "../../../shared/ids.ts";
import { dump, keyOf, Replicas, thrownBy, valueOf } from "./replicas.ts";

/** Runs `steps` on both copies, each in a batch of its own, then all in one batch; the copies must be the same throughout. */
function play(schema: string, ...steps: readonly string[]): void {
  using apart = new Replicas([{ id: "s", sql: schema }]);
  for (const step of steps) {
    valueOf(apart.write((db) => db.exec(step)));
    expect(dump(apart.standby.file), step).toEqual(dump(apart.primary.file));
  }
  using together = new Replicas([{ id: "s", sql: schema }]);
  for (const outcome of together.batch(...steps.map((step) => ({ key: null, run: (db: Db) => db.exec(step) })))) {
    valueOf(outcome);
  }
  for (const { primary, standby } of [apart, together]) expect(hash(standby.file)).toBe(hash(primary.file));
  expect(hash(apart.primary.file)).toBe(hash(together.primary.file));
}

function hash(file: string): string {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return stateHash(database);
  } finally {
    database.close();
  }
}

describe("a change set makes the same state elsewhere", () => {
  it("where unique values are swapped, or go round", () => {
    play(
      "create table t (id integer primary key, u integer unique)",
      "insert into t values (1, 1), (2, 2), (3, 3)",
      "update t set u = -u; update t set u = case u when -1 then 2 when -2 then 1 else -u end",
      "update t set u = -u; update t set u = case u when -1 then 3 when -2 then 1 else 2 end",
    );
  });

  it("where a row is replaced by one that collides twice", () => {
    play(
      "create table t (id integer primary key, u integer unique, v)",
      "insert into t values (1, 10, 'a'), (2, 20, 'b'), (3, 30, 'c')",
      "replace into t values (1, 20, 'd')",
      "insert or replace into t values (4, 30, 'e')",
      "insert or ignore into t values (4, 31, 'f')",
    );
  });

  it("where triggers insert, update and delete: what they did is in the change set, and they do not act again", () => {
    play(
      `create table t (id integer primary key, v); create table log (id integer primary key, v);
       create table sums (k text primary key not null, n integer not null); insert into sums values ('t', 0);
       create trigger ti after insert on t begin insert into log (v) values ('+' || new.id); update sums set n = n + 1; end;
       create trigger td after delete on t begin delete from log where v = '+' || old.id; update sums set n = n - 1; end;
       create trigger tu after update on t begin delete from log; end`,
      "insert into t values (1, 'a'), (2, 'b'), (3, 'c')",
      "delete from t where id = 2",
      "update t set v = 'z' where id = 1",
      "insert into t values (4, 'd'); delete from t where id = 4",
      "delete from t",
    );
  });

  it("where a trigger would refuse the rows in another order", () => {
    play(
      `create table t (id integer primary key, n integer not null);
       create trigger t_sum before update on t begin
         select raise(abort, 'more than ten') where (select sum(n) from t) - old.n + new.n > 10; end`,
      "insert into t values (1, 9), (2, 1)",
      "update t set n = 1 where id = 1; update t set n = 9 where id = 2",
      "update t set n = 1 where id = 2; update t set n = 9 where id = 1",
    );
  });

  it("where rows cascade, and where they are set to NULL", () => {
    play(
      `create table p (id integer primary key);
       create table c (id integer primary key, p integer references p on delete cascade on update cascade);
       create table n (id integer primary key, p integer references p on delete set null on update cascade)`,
      "insert into p values (1), (2); insert into c values (1, 1), (2, 2), (3, 2); insert into n values (1, 1), (2, 2)",
      "update p set id = id + 10",
      "delete from n where p = 11; delete from p where id = 11",
      "insert into p values (1); delete from p where id = 12",
    );
  });

  it("where columns are generated, tables have no rowid, indexes are partial or on expressions", () => {
    play(
      `create table t (a integer not null, b text not null, c as (a * 2) stored, d as (b || '!'), e, primary key (b, a)) without rowid;
       create unique index i on t (e) where a > 0; create unique index j on t (abs(e))`,
      "insert into t (a, b, e) values (1, 'x', 1), (2, 'x', 2), (-1, 'y', 3)",
      "update t set e = e + 100; update t set e = case e when 101 then 2 when 102 then 1 else 3 end",
      "update t set a = a + 10 where a > 0",
      "delete from t where b = 'x' and a = 11",
    );
  });

  it("whatever the values are", () => {
    play(
      "create table t (id text primary key not null, v, w real, x integer)",
      "insert into t values ('', null, 1, 1), ('a' || char(0) || 'b', x'00ff', 1.5, -1), ('a', zeroblob(0), 1e999, 9223372036854775807)",
      "insert into t values (x'7a', '', -0.0, -9223372036854775808), ('€', cast(x'ff' as text), 0.1, 0), (12, 9007199254740993, 1e-320, null)",
      "update t set v = 1 where id = ''",
      "update t set v = 1.0 where id = ''",
      "update t set v = '1' where id = ''",
      "update t set v = null, w = -w, x = null where id <> ''",
      "update t set id = id || '.'",
    );
  });

  it("where one key is used again within a batch", () => {
    using replicas = new Replicas([{ id: "t", sql: "create table t (id integer primary key, v)" }]);
    const run = (sql: string) => ({ key: keyOf(sql), run: (db: Db) => db.exec(sql) });
    replicas.batch(
      run("insert into t values (1, 'a')"),
      run("delete from t"),
      run("insert into t values (1, 'b')"),
      run("update t set id = 2"),
      run("insert into t values (1, 'c')"),
    );
    expect(dump(replicas.standby.file)).toEqual(dump(replicas.primary.file));
    expect(replicas.standby.read((db) => db.prepare("select v from t order by id").all())).toEqual([
      { v: "c" },
      { v: "b" },
    ]);
  });
});

describe("a record that does not apply is divergence, and nothing of it stays", () => {
  const T = [{ id: "t", sql: "create table t (id integer primary key, v text unique)" }];

  /** Publishes a batch that the primary commits; the standby is given `operations` in its place. */
  function divergence(replicas: Replicas, change: (operations: readonly Operation[]) => readonly Operation[]) {
    const batch = replicas.primary.begin(replicas.nextLsn, replicas.logTimeMs);
    batch.execute({
      key: keyOf("k"),
      run: (db) => db.exec("insert into t values (7, 'seven'); update t set v = 'ONE' where id = 1"),
    });
    const operations = change(batch.seal().operations);
    const [sealed, head] = replicas.seal(1, operations);
    batch.rollback();
    const before = dump(replicas.standby.file);
    const headBefore = replicas.standby.head;
    const error = thrownBy(() => replicas.standby.apply(sealed, head));
    expect(dump(replicas.standby.file)).toEqual(before);
    expect(replicas.standby.head).toEqual(headBefore);
    return error;
  }

  function spoiled(sql: string): Replicas {
    const replicas = new Replicas(T);
    replicas.write((db) => db.exec("insert into t values (1, 'one')"));
    const database = new DatabaseSync(replicas.standby.file);
    database.exec(sql);
    database.close();
    return replicas;
  }

  it.each([
    ["a row is there already", "insert into t values (7, 'x')", "is there already"],
    ["a row is missing", "delete from t", "is missing"],
    ["a row has other values", "update t set v = 'other'", "has other values"],
    ["a constraint fails", "insert into t values (9, 'seven')", "constraint"],
    ["the key was settled there already", "insert into hs_commit values (99, 'k', 'h', 1, '1')", "constraint"],
  ])("%s", (_, sql, reason) => {
    using replicas = spoiled(sql);
    const error = divergence(replicas, (operations) => operations);
    expect(error).toMatchObject({ code: "HS_STORE_DIVERGED", details: { pool: "main", slot: 4 } });
    expect(error.message).toContain(reason);
  });

  it("it was made on another schema, which SQLite itself would not notice", () => {
    using replicas = new Replicas(T);
    replicas.write((db) => db.exec("insert into t values (1, 'one')"));
    const error = divergence(replicas, ([changes]) => [
      { ...(changes as Operation & { type: "changes" }), schema: "f".repeat(64) as Sha256 },
    ]);
    expect(error.code).toBe("HS_STORE_DIVERGED");
    expect(error.message).toContain("schema");
  });

  it("this copy's schema is another one", () => {
    using replicas = spoiled("alter table t add column more");
    const path = replicas.standby.file;
    replicas.standby.close();
    const standby = replicas.open("standby");
    expect(standby.file).toBe(path);
    const batch = replicas.primary.begin(replicas.nextLsn, replicas.logTimeMs);
    batch.execute({ key: null, run: (db) => db.exec("delete from t") });
    const [sealed, head] = replicas.seal(1, batch.seal().operations);
    batch.rollback();
    expect(thrownBy(() => standby.apply(sealed, head)).message).toContain("schema");
    standby.close();
  });

  it("its change set is no change set", () => {
    using replicas = new Replicas(T);
    replicas.write((db) => db.exec("insert into t values (1, 'one')"));
    const error = divergence(replicas, ([changes]) => {
      const { changeset } = changes as Operation & { type: "changes" };
      return [
        { ...(changes as Operation & { type: "changes" }), changeset: changeset.subarray(0, changeset.length - 3) },
      ];
    });
    expect(error.code).toBe("HS_STORE_DIVERGED");
  });

  it.each([
    ["a statement fails", "insert into nowhere values (1)"],
    [
      "a later statement fails",
      "delete from t; create table x (id integer primary key); insert into nowhere values (1)",
    ],
  ])("%s, after a change set that applied", (_, sql) => {
    using replicas = new Replicas(T);
    replicas.write((db) => db.exec("insert into t values (1, 'one')"));
    const error = divergence(replicas, (operations) => [...operations, { type: "sql", sql, parameters: [] }]);
    expect(error.code).toBe("HS_STORE_DIVERGED");
    replicas.write((db) => db.exec("insert into t values (3, 'three')"));
    expect(dump(replicas.standby.file)).toEqual(dump(replicas.primary.file));
  });

  it("triggers are there again after a change set that failed", () => {
    using replicas = new Replicas([
      ...T,
      { id: "g", sql: "create trigger g after insert on t begin update t set v = upper(v) where id = new.id; end" },
    ]);
    replicas.write((db) => db.exec("insert into t values (1, 'one')"));
    divergence(replicas, (operations) => [...operations, { type: "sql", sql: "no", parameters: [] }]);
    replicas.standby.openForWriting();
    const batch = replicas.standby.begin(replicas.nextLsn, 1);
    batch.execute({ key: null, run: (db) => db.prepare("insert into t values (2, 'two')").run() });
    batch.execute({ key: null, run: (db) => db.prepare("select v from t where id = 2").get() });
    expect(batch.seal().outcomes[1]).toMatchObject({ value: '{"v":"TWO"}' });
    batch.rollback();
  });
});

describe("a host that takes over", () => {
  it("goes on with triggers and foreign keys, and its records apply to the one before", () => {
    const schema = `create table p (id integer primary key); create table c (id integer primary key, p integer references p on delete cascade);
      create table log (id integer primary key, v); create trigger g after insert on p begin insert into log (v) values (new.id); end`;
    using replicas = new Replicas([{ id: "s", sql: schema }]);
    replicas.write((db) => db.exec("insert into p values (1), (2); insert into c values (1, 1), (2, 2)"));
    replicas.primary.closeForWriting();
    const { primary: before, standby: taker } = replicas;
    taker.openForWriting();
    const batch = taker.begin(replicas.nextLsn, replicas.logTimeMs);
    batch.execute({ key: keyOf("k"), run: (db) => db.exec("insert into p values (3); delete from p where id = 1") });
    batch.execute({ key: null, run: (db) => db.exec("insert into c values (9, 99)") });
    const { operations, outcomes } = batch.seal();
    const [sealed, head] = replicas.seal(1, operations);
    batch.commit(head);
    before.apply(sealed, head);
    expect(outcomes.map(({ type }) => type)).toEqual(["settled", "refused"]);
    expect(dump(taker.file)).toMatchObject({ p: ["integer:32", "integer:33"], c: [expect.any(String)] });
    expect(dump(taker.file)["log"]).toHaveLength(3);
    expect(dump(taker.file)).toEqual(dump(before.file));
  });

  it("takes records without commits while it is open for writing: only its head moves", () => {
    using replicas = new Replicas();
    const before = dump(replicas.primary.file);
    replicas.publish({ kind: "format", header: replicas.header(0), format: { writeVersion: 1 } });
    replicas.publish({ kind: "release", header: replicas.header(0), release: { successor: null, cause: "test" } });
    replicas.publish({ kind: "batch", header: replicas.header(0), operations: [{ type: "mark" }] });
    expect(replicas.primary.head?.slot).toBe(4);
    expect(replicas.standby.head).toEqual(replicas.primary.head);
    expect(dump(replicas.primary.file)).toEqual(before);
  });
});
