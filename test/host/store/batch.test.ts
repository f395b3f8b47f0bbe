import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { SqliteStore } from "../../../host/store/sqlite-store.ts";
import type { Batch, Db, Write } from "../../../host/store/store.ts";
import { lsn } from "../../../shared/position.ts";
import { dump, errorOf, keyOf, Replicas, thrownBy, valueOf } from "./replicas.ts";

const SCHEMA = [{ id: "t", sql: "create table t (id text primary key not null, v)" }];
const BOUNDS = { writeBytes: 100_000, batchBytes: 40_000, resultBytes: 1000 };

let replicas: Replicas;
let primary: SqliteStore;
beforeEach(() => {
  replicas = new Replicas(SCHEMA, { bounds: BOUNDS });
  ({ primary } = replicas);
});
afterEach(() => replicas[Symbol.dispose]());

const begin = (): Batch => primary.begin(replicas.nextLsn, replicas.logTimeMs);
const put = (id: string, v: string | number = 1, key: string | null = null): Write => ({
  key: key === null ? null : keyOf(key),
  run: (db) => void db.prepare("insert into t values (?, ?)").run(id, v),
});
const ids = (): unknown[] =>
  primary.read((db) =>
    db
      .prepare("select id from t order by id")
      .all()
      .map(({ id }) => id),
  );

/** Makes up `bytes` by SQL, which no estimate knows of. */
const grow = (id: string, bytes: number) => (db: Db) =>
  void db.prepare(`insert into t values (?, zeroblob(${bytes}))`).run(id);

/** Commits `batch` on the primary as the record that it would be. */
function finish(batch: Batch) {
  const { operations, outcomes } = batch.seal();
  const [sealed, head] = replicas.seal(batch.commits, operations);
  batch.commit(head);
  replicas.standby.apply(sealed, head);
  return outcomes;
}

describe("a batch", () => {
  it("shows nothing to a reader before it is committed, and all of it afterwards", () => {
    const batch = begin();
    batch.execute(put("a"));
    const { operations } = batch.seal();
    expect(ids()).toEqual([]);
    batch.commit(replicas.seal(1, operations)[1]);
    expect(ids()).toEqual(["a"]);
  });

  it("leaves nothing when it is rolled back, before or after it was sealed", () => {
    const head = primary.head;
    for (const seal of [(batch: Batch) => batch.seal(), () => undefined]) {
      const batch = begin();
      batch.execute(put("a", 1, "key"));
      seal(batch);
      batch.rollback();
      batch.rollback();
    }
    expect(ids()).toEqual([]);
    expect(primary.head).toEqual(head);
    expect(dump(primary.file)["hs_commit"]).toEqual([]);
  });

  it("numbers its commits without gaps, refused and replayed writes aside", () => {
    const outcomes = replicas.batch(
      put("a"),
      put("a"),
      put("b", 1, "key"),
      put("b", 1, "key"),
      { key: null, run: (_, { lsn: at }) => at },
      put("c"),
    );
    expect(outcomes.map((outcome) => (outcome.type === "settled" ? [outcome.lsn, outcome.replayed] : null))).toEqual([
      [1, false],
      null,
      [2, false],
      [2, true],
      [3, false],
      [4, false],
    ]);
    expect(valueOf(outcomes[4])).toBe(3);
    expect(primary.head?.lsn).toBe(4);
  });

  it("keeps the head out of the change set, and in the same transaction", () => {
    replicas.batch(put("a"));
    const changes = replicas.journal.at(-1)!.record;
    if (changes.kind !== "batch" || changes.operations[0]?.type !== "changes") throw new Error("no change set");
    expect(Buffer.from(changes.operations[0].changeset).includes("hs_meta")).toBe(false);
    expect(primary.head).toEqual(replicas.standby.head);
  });

  it("has nothing to publish when nothing changed", () => {
    const batch = begin();
    batch.execute({ key: null, run: (db) => db.prepare("select 1 as one").get() });
    batch.execute({
      key: keyOf("k"),
      run: () => {
        throw new Error("no");
      },
    });
    const { operations, outcomes } = batch.seal();
    expect(operations).toEqual([]);
    expect(outcomes.map(({ type }) => type)).toEqual(["settled", "refused"]);
    batch.rollback();
  });

  it("is the only one: a second beside it is a fault of the caller", () => {
    const batch = begin();
    expect(thrownBy(begin).code).toBe("HS_INTERNAL");
    expect(thrownBy(() => primary.beginOperations([])).code).toBe("HS_INTERNAL");
    batch.rollback();
    begin().rollback();
  });

  it("cannot be begun by a host that is not open for writing", () => {
    primary.closeForWriting();
    expect(thrownBy(begin).code).toBe("HS_INTERNAL");
  });

  it("that is open when the tenure ends is rolled back", () => {
    begin().execute(put("a"));
    primary.closeForWriting();
    primary.closeForWriting();
    primary.openForWriting();
    primary.openForWriting();
    expect(ids()).toEqual([]);
    replicas.batch(put("b"));
    expect(ids()).toEqual(["b"]);
  });
});

describe("a write", () => {
  it("that throws leaves nothing, and the writes around it stay", () => {
    const boom = new Error("boom");
    const outcomes = replicas.batch(
      put("a"),
      {
        key: keyOf("k"),
        run: (db) => {
          db.exec("insert into t values ('x', 1); delete from t where id = 'a'");
          throw boom;
        },
      },
      put("b", 1, "k"),
    );
    expect(errorOf(outcomes[1])).toBe(boom);
    expect(valueOf(outcomes[2])).toBe(null);
    expect(ids()).toEqual(["a", "b"]);
  });

  it("that was refused by the database throws SQLite's own error, which it may catch", () => {
    const outcomes = replicas.batch(put("a"), put("a"), {
      key: null,
      run: (db) => {
        try {
          put("a").run(db, { lsn: lsn(1), logTimeMs: 0 });
        } catch {
          db.exec("update t set v = 'caught'");
        }
      },
    });
    expect(errorOf(outcomes[1]).message).toContain("UNIQUE");
    expect(valueOf(outcomes[2])).toBe(null);
    expect(dump(primary.file)["t"]).toEqual([`text:61,text:${Buffer.from("caught").toString("hex")}`]);
  });

  it("answers with stored JSON, also the first time; what JSON has no word for is null", () => {
    const values: unknown[] = [undefined, () => 1, { at: new Date(0), gone: undefined }, "text", [Number.NaN]];
    const outcomes = replicas.batch(...values.map((value) => ({ key: null, run: () => value })));
    expect(outcomes.map((outcome) => valueOf(outcome))).toEqual([
      null,
      null,
      { at: "1970-01-01T00:00:00.000Z" },
      "text",
      [null],
    ]);
  });

  it("whose result is no JSON leaves nothing", () => {
    const outcome = replicas.write((db) => {
      db.exec("insert into t values ('x', 1)");
      return 1n;
    }, keyOf("k"));
    expect(errorOf(outcome)).toBeInstanceOf(TypeError);
    expect(ids()).toEqual([]);
  });

  it("with a result beyond the bound is refused and leaves nothing", () => {
    const outcome = replicas.write((db) => {
      db.exec("insert into t values ('x', 1)");
      return "é".repeat(500);
    }, keyOf("k"));
    expect(errorOf(outcome)).toMatchObject({ code: "HS_WRITE_TOO_LARGE", details: { found: 1002, accepted: 1000 } });
    expect(ids()).toEqual([]);
    expect(dump(primary.file)["hs_commit"]).toEqual([]);
  });

  it("that returns a promise is refused, and what its function does later reaches nothing", async () => {
    let late: unknown;
    const outcome = replicas.write(async (db) => {
      db.exec("insert into t values ('early', 1)");
      await Promise.resolve();
      try {
        db.exec("insert into t values ('late', 1)");
      } catch (error) {
        late = error;
        throw error;
      }
    });
    expect(errorOf(outcome).code).toBe("HS_WRITE_ASYNC");
    await new Promise(setImmediate);
    expect(late).toMatchObject({ code: "HS_WRITE_MISUSE" });
    expect(ids()).toEqual([]);
  });
});

describe("a write that ends the transaction takes the writes before it along, so", () => {
  const culprit = (run: (db: Db) => unknown): Write => ({ key: keyOf("culprit"), run });
  const collide = (db: Db): void => db.exec("insert or rollback into t values ('a', 9)");

  it("the batch is run again without it", () => {
    let runs = 0;
    const outcomes = replicas.batch(
      put("a", 1, "first"),
      { key: null, run: () => (runs += 1) },
      culprit(collide),
      put("b"),
    );
    expect(outcomes.map(({ type }) => type)).toEqual(["settled", "settled", "refused", "settled"]);
    expect(errorOf(outcomes[2]).message).toContain("UNIQUE");
    expect(valueOf(outcomes[1])).toBe(2);
    expect(outcomes.map((outcome) => outcome.type === "settled" && outcome.lsn)).toEqual([1, 2, false, 3]);
    expect(ids()).toEqual(["a", "b"]);
    expect(dump(primary.file)).toEqual(dump(replicas.standby.file));
  });

  it("it is found out also if it catches the error, and nothing that it does then is committed behind the journal", () => {
    let after: unknown;
    const outcomes = replicas.batch(
      put("a"),
      culprit((db) => {
        const kept = db.prepare("insert into t values ('outside', 1)");
        try {
          collide(db);
        } catch {
          after = thrownBy(() => kept.run());
        }
        return "fine";
      }),
    );
    expect(after).toMatchObject({ code: "HS_WRITE_DENIED" });
    expect(errorOf(outcomes[1]).code).toBe("HS_WRITE_DENIED");
    expect(ids()).toEqual(["a"]);
    expect(dump(primary.file)["hs_commit"]).toEqual([]);
  });

  it("two culprits are both refused, wherever they stand", () => {
    const outcomes = replicas.batch(put("a"), culprit(collide), put("b"), { key: null, run: collide }, put("c"));
    expect(outcomes.map(({ type }) => type)).toEqual(["settled", "refused", "settled", "refused", "settled"]);
    expect(ids()).toEqual(["a", "b", "c"]);
  });

  it("a write that becomes a culprit only the second time is refused, too", () => {
    let runs = 0;
    const outcomes = replicas.batch(
      put("a"),
      { key: null, run: (db) => ((runs += 1) > 1 ? collide(db) : undefined) },
      put("b"),
      culprit(collide),
    );
    expect(outcomes.map(({ type }) => type)).toEqual(["settled", "refused", "settled", "refused"]);
    expect(ids()).toEqual(["a", "b"]);
  });

  it("a refusal that rested on a culprit is taken back: nobody is told of what never happened", () => {
    const outcomes = replicas.batch(put("a"), { key: keyOf("k"), run: grow("b", 500_000) }, put("b"), {
      key: keyOf("k", "another request"),
      run: () => "mine",
    });
    expect(outcomes.map(({ type }) => type)).toEqual(["settled", "refused", "settled", "settled"]);
    expect(ids()).toEqual(["a", "b"]);
  });

  it("an earlier replay stays one", () => {
    replicas.batch(put("a", 1, "old"));
    const outcomes = replicas.batch(put("never", 1, "old"), culprit(collide));
    expect(outcomes[0]).toMatchObject({ type: "settled", replayed: true, lsn: 1 });
    expect(ids()).toEqual(["a"]);
  });
});

describe("the bound of a batch", () => {
  it("a write that does not fit is given back, and fits into the next batch", () => {
    const large = "x".repeat(30_000);
    const batch = begin();
    expect(batch.execute(put("a", large))).toBe("taken");
    expect(batch.execute(put("b", large))).toBe("full");
    expect(batch.execute(put("c", "small"))).toBe("taken");
    expect(batch.commits).toBe(2);
    expect(finish(batch)).toHaveLength(2);
    replicas.batch(put("b", large));
    expect(ids()).toEqual(["a", "b", "c"]);
    expect(dump(primary.file)).toEqual(dump(replicas.standby.file));
  });

  it("a batch without commits is never full, whatever was refused in it", () => {
    const batch = begin();
    batch.execute({
      key: null,
      run: () => {
        throw new Error("no");
      },
    });
    expect(batch.execute(put("a", "x".repeat(60_000)))).toBe("taken");
    expect(finish(batch).map(({ type }) => type)).toEqual(["refused", "settled"]);
  });

  it("a change set that no record should carry is refused with 413, alone", () => {
    const outcomes = replicas.batch(put("huge", "x".repeat(200_000)), put("a"));
    expect(errorOf(outcomes[0])).toMatchObject({ code: "HS_WRITE_TOO_LARGE", status: 413 });
    expect(valueOf(outcomes[1])).toBe(null);
    expect(ids()).toEqual(["a"]);
  });

  it("what SQL makes up by itself is found when the batch is sealed, and only the culprits are refused", () => {
    const outcomes = replicas.batch(
      put("a"),
      { key: keyOf("huge"), run: grow("huge", 500_000) },
      put("b"),
      { key: keyOf("fits"), run: grow("fits", 30_000) },
      { key: keyOf("too many"), run: grow("too many", 90_000) },
    );
    expect(outcomes.map((outcome) => (outcome.type === "refused" ? errorOf(outcome).code : null))).toEqual([
      null,
      "HS_WRITE_TOO_LARGE",
      null,
      null,
      "HS_WRITE_OVERLOAD",
    ]);
    expect(ids()).toEqual(["a", "b", "fits"]);
    expect(dump(primary.file)).toEqual(dump(replicas.standby.file));
  });

  it("bytes that were rolled back do not count", () => {
    const batch = begin();
    batch.execute(put("a"));
    const { bytes } = batch;
    batch.execute({
      key: null,
      run: (db) => {
        db.prepare("insert into t values ('x', ?)").run("x".repeat(30_000));
        throw new Error("no");
      },
    });
    expect(batch.bytes).toBe(bytes);
    batch.rollback();
  });
});

describe("a failure of the machine", () => {
  it("is never taken for an answer, also if the write caught it", () => {
    const batch = begin();
    batch.execute(put("a"));
    const broken = Object.assign(new Error("disk I/O error"), { errcode: 10 });
    const exec = vi.spyOn(DatabaseSync.prototype, "exec").mockImplementation(() => {
      throw broken;
    });
    try {
      const write: Write = { key: null, run: (db) => void thrownBy(() => db.exec("delete from t")) };
      expect(thrownBy(() => batch.execute(write))).toBe(broken);
    } finally {
      exec.mockRestore();
    }
    batch.rollback();
    expect(ids()).toEqual([]);
  });

  it("of a database of the application's own is no failure of ours", () => {
    const busy = Object.assign(new Error("database is locked"), { errcode: 5 });
    const outcomes = replicas.batch(put("a"), {
      key: null,
      run: () => {
        throw busy;
      },
    });
    expect(errorOf(outcomes[1])).toBe(busy);
    expect(ids()).toEqual(["a"]);
  });
});
