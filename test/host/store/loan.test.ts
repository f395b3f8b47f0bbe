import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Db, Row, Statement } from "../../../host/store/store.ts";
import { dump, errorOf, Replicas, thrownBy, valueOf } from "./replicas.ts";

const SCHEMA = [{ id: "t", sql: "create table t (id integer primary key, v)" }];

let replicas: Replicas;
beforeEach(() => {
  replicas = new Replicas(SCHEMA);
  replicas.write((db) => db.exec("insert into t values (1, 'a'), (2, 'b'), (3, 'c')"));
});
afterEach(() => replicas[Symbol.dispose]());

const read = <T>(run: (db: Db) => T): T => replicas.primary.read(run);

describe("what a function was lent is worth nothing afterwards", () => {
  type Kept = { db: Db; statement: Statement; iterator: IterableIterator<Row> };
  const keep = (db: Db): Kept => {
    const statement = db.prepare("select * from t");
    const iterator = statement.iterate();
    iterator.next();
    return { db, statement, iterator };
  };
  const lenders: [string, () => Kept][] = [
    ["read", () => read(keep)],
    [
      "write",
      () => {
        let kept: Kept | null = null;
        replicas.write((db) => void (kept = keep(db)));
        return kept!;
      },
    ],
  ];

  it.each(lenders)("%s: db, statements and iterators", (_, lend) => {
    const { db, statement, iterator } = lend();
    const uses = [
      () => db.prepare("select 1"),
      () => db.exec("select 1"),
      () => statement.get(),
      () => statement.all(),
      () => statement.run(),
      () => statement.iterate(),
      () => iterator.next(),
    ];
    expect(uses.map((use) => thrownBy(use).code)).toEqual(uses.map(() => "HS_WRITE_MISUSE"));
    expect(iterator.return?.()).toEqual({ done: true, value: undefined });
  });

  it("also within the next function", () => {
    const statement = read((db) => db.prepare("select * from t"));
    expect(thrownBy(() => read(() => statement.all())).code).toBe("HS_WRITE_MISUSE");
  });

  it("a loop that was left does not hold back the WAL or the next commit", () => {
    read((db) => {
      for (const _ of db.prepare("select * from t").iterate()) break;
      db.prepare("select * from t").iterate().next();
    });
    replicas.write((db) => db.exec("delete from t"));
    expect(read((db) => db.prepare("select count(*) as n from t").get())).toEqual({ n: 0 });
  });
});

describe("read", () => {
  it("is refused a promise", () => {
    expect(thrownBy(() => read(async () => 1)).code).toBe("HS_WRITE_ASYNC");
  });

  it("changes nothing, whatever it tries", () => {
    const before = dump(replicas.primary.file);
    const tries = [
      "insert into t values (9, 9)",
      "update t set v = 1",
      "delete from t",
      "create table x (id integer primary key)",
      "pragma query_only = off",
      "attach ':memory:' as other",
      "begin",
      "select * from hs_commit",
    ];
    for (const sql of tries) {
      expect(thrownBy(() => read((db) => db.exec(sql))).code).toBe("HS_WRITE_DENIED");
      expect(thrownBy(() => read((db) => db.prepare(sql).run())).code).toBe("HS_WRITE_DENIED");
    }
    expect(dump(replicas.primary.file)).toEqual(before);
  });

  it("inside another keeps the guard of the outer one", () => {
    read((db) => {
      read((inner) => inner.prepare("select 1").get());
      expect(thrownBy(() => db.exec("select * from hs_meta")).code).toBe("HS_WRITE_DENIED");
    });
  });

  it("does not see the batch that is open, and sees it when it is committed", () => {
    const batch = replicas.primary.begin(replicas.nextLsn, replicas.logTimeMs);
    batch.execute({ key: null, run: (db) => db.exec("delete from t") });
    expect(read((db) => db.prepare("select * from t").all())).toHaveLength(3);
    batch.rollback();
  });
});

describe("statements", () => {
  it("two loops over the same text do not disturb each other", () => {
    const pairs = read((db) => {
      const found: string[] = [];
      for (const left of db.prepare("select v from t order by id").iterate()) {
        for (const right of db.prepare("select v from t order by id").iterate())
          found.push(`${String(left["v"])}${String(right["v"])}`);
      }
      return found;
    });
    expect(pairs).toEqual(["aa", "ab", "ac", "ba", "bb", "bc", "ca", "cb", "cc"]);
  });

  it("a loop may write what it reads", () => {
    replicas.write((db) => {
      const update = db.prepare("update t set v = v || '!' where id = ?");
      for (const { id } of db.prepare("select id from t order by id").iterate()) update.run(Number(id));
    });
    expect(read((db) => db.prepare("select group_concat(v, '') as all_v from t").get())).toEqual({ all_v: "a!b!c!" });
  });

  it("integers are numbers where that is exact, and bigints beyond", () => {
    const big = 9223372036854775807n;
    const outcome = replicas.write((db) => {
      const rows = db.prepare("insert into t values (?, ?), (5, 5) returning id, v").all(4n, big);
      return rows.map(({ id, v }) => [typeof id, typeof v]);
    });
    expect(valueOf(outcome)).toEqual([
      ["number", "bigint"],
      ["number", "number"],
    ]);
    const expected = [{ v: big }, { v: 5 }];
    const sql = "select v from t where id > 3 order by id";
    expect(read((db) => db.prepare(sql).all())).toEqual(expected);
    expect(read((db) => db.prepare(sql).get())).toEqual(expected[0]);
    expect(read((db) => [...db.prepare(sql).iterate()])).toEqual(expected);
    expect(read((db) => db.prepare("select 1 as v union all select 2").all())).toEqual([{ v: 1 }, { v: 2 }]);
    expect(dump(replicas.primary.file)).toEqual(dump(replicas.standby.file));
  });

  it("a second statement in one text is refused, not silently left out", () => {
    expect(thrownBy(() => read((db) => db.prepare("select 1; select 2"))).code).toBe("HS_WRITE_MISUSE");
    expect(read((db) => db.prepare("select 1 as one; -- that is all").get())).toEqual({ one: 1 });
    expect(errorOf(replicas.write((db) => db.prepare("select 1; delete from t").run())).code).toBe("HS_WRITE_MISUSE");
  });

  it("are right after the schema has changed under a kept one", () => {
    const sql = "select * from t where id = 1";
    expect(read((db) => db.prepare(sql).get())).toEqual({ id: 1, v: "a" });
    replicas.migrate([...SCHEMA, { id: "w", sql: "alter table t add column w integer not null default 7" }]);
    expect(read((db) => db.prepare(sql).get())).toEqual({ id: 1, v: "a", w: 7 });
    expect(valueOf(replicas.write((db) => db.prepare(sql).get()))).toEqual({ id: 1, v: "a", w: 7 });
  });

  it("are compiled for the new schema at once, also on a host that follows", () => {
    replicas.migrate([...SCHEMA, { id: "w", sql: "create table w (id integer primary key, v); drop table t" }]);
    const union = "select id, v from w union all select * from w";
    expect(read((db) => db.prepare(union).all())).toEqual([]);
    expect(replicas.standby.read((db) => db.prepare(union).all())).toEqual([]);
    replicas.migrate([
      ...SCHEMA,
      { id: "w", sql: "create table w (id integer primary key, v); drop table t" },
      { id: "x", sql: "alter table w add column x" },
    ]);
    const wider = "select id, v, null as x from w union all select * from w";
    expect(read((db) => db.prepare(wider).all())).toEqual([]);
    expect(replicas.standby.read((db) => db.prepare(wider).all())).toEqual([]);
    expect(valueOf(replicas.write((db) => db.prepare(wider).all()))).toEqual([]);
  });

  it("more texts than the cache holds all work", () => {
    const sum = read((db) => {
      let total = 0;
      for (let n = 0; n < 600; n += 1) total += Number(db.prepare(`select ${n % 300} as n`).get()?.["n"]);
      return total;
    });
    expect(sum).toBe(2 * ((299 * 300) / 2));
  });
});
