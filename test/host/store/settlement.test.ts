import { describe, expect, it } from "vitest";
import type { SettlementKey } from "../../../host/store/store.ts";
import { PURGED_ROWS } from "../../../host/store/settlement.ts";
import { dump, errorOf, keyOf, Replicas, valueOf } from "./replicas.ts";

const SCHEMA = [
  { id: "n", sql: "create table n (id integer primary key, n integer not null); insert into n values (1, 0)" },
];
const LIVES = { clientMs: 1000, proxyMs: 100 };
const increment = (key: SettlementKey | null) => ({
  key,
  run: (db: Parameters<Parameters<Replicas["write"]>[0]>[0]) =>
    db.prepare("update n set n = n + 1 returning n").get()?.["n"],
});
const count = (replicas: Replicas): unknown =>
  replicas.primary.read((db) => db.prepare("select n from n").get()?.["n"]);
const seenFirstAt = (key: SettlementKey, firstSentLogTimeMs: number): SettlementKey => ({ ...key, firstSentLogTimeMs });

describe("a settled key", () => {
  it("answers a repeated request with the first result and number, and does nothing", () => {
    using replicas = new Replicas(SCHEMA);
    const first = replicas.batch(increment(keyOf("k")))[0];
    const again = replicas.batch(increment(keyOf("k")))[0];
    expect(first).toMatchObject({ type: "settled", value: "1", lsn: 1, replayed: false });
    expect(again).toMatchObject({ type: "settled", value: "1", lsn: 1, replayed: true });
    expect(count(replicas)).toBe(1);
  });

  it("settles duplicates that are in flight together", () => {
    using replicas = new Replicas(SCHEMA);
    const outcomes = replicas.batch(increment(keyOf("k")), increment(keyOf("k")), increment(keyOf("k")));
    expect(outcomes.map((outcome) => valueOf(outcome))).toEqual([1, 1, 1]);
    expect(count(replicas)).toBe(1);
  });

  it("is known to the next primary, with the effect that it speaks of", () => {
    using replicas = new Replicas(SCHEMA);
    replicas.batch(increment(keyOf("k")));
    replicas.standby.openForWriting();
    const batch = replicas.standby.begin(replicas.nextLsn, replicas.logTimeMs);
    batch.execute(increment(keyOf("k")));
    expect(batch.seal().outcomes).toMatchObject([{ type: "settled", value: "1", lsn: 1, replayed: true }]);
    batch.rollback();
  });

  it("is refused to another request with 422", () => {
    using replicas = new Replicas(SCHEMA);
    const outcomes = replicas.batch(increment(keyOf("k", "one")), increment(keyOf("k", "other")));
    expect(errorOf(outcomes[1])).toMatchObject({ code: "HS_KEY_REUSED", status: 422 });
    expect(count(replicas)).toBe(1);
  });

  it("is used only by what was returned: after a throw the next attempt runs", () => {
    using replicas = new Replicas(SCHEMA);
    const refused = replicas.write(() => {
      throw new Error("no");
    }, keyOf("k"));
    expect(errorOf(refused).message).toBe("no");
    expect(valueOf(replicas.batch(increment(keyOf("k", "another request")))[0])).toBe(1);
  });

  it("a write without a key leaves no memory", () => {
    using replicas = new Replicas(SCHEMA);
    replicas.batch(increment(null), increment(null));
    expect(dump(replicas.standby.file)["hs_commit"]).toEqual([]);
    expect(count(replicas)).toBe(2);
  });
});

describe("a key's life", () => {
  it("an attempt after the first is refused once the life has passed, for it may have happened", () => {
    using replicas = new Replicas(SCHEMA, { lives: LIVES });
    for (const [source, lifeMs] of [
      ["client", 1000],
      ["proxy", 100],
    ] as const) {
      const key = { ...keyOf(source), source };
      replicas.logTimeMs = 10_000;
      const late = replicas.batch(increment(seenFirstAt(key, 10_000 - lifeMs - 1)))[0];
      expect(errorOf(late)).toMatchObject({ code: "HS_KEY_EXPIRED", status: 502 });
      expect(replicas.batch(increment(seenFirstAt(key, 10_000 - lifeMs)))[0]?.type).toBe("settled");
    }
  });

  it("a key that is still known is answered, however old the attempt", () => {
    using replicas = new Replicas(SCHEMA, { lives: LIVES });
    replicas.batch(increment(keyOf("k")));
    replicas.logTimeMs += 5000;
    expect(replicas.batch(increment(seenFirstAt(keyOf("k"), 0)))[0]).toMatchObject({ replayed: true });
  });

  it("no request is accepted as new whose key a purge may have removed", () => {
    using replicas = new Replicas(SCHEMA, { lives: LIVES });
    // Another key that expires before, so that a purge is due at every step.
    replicas.batch(increment(keyOf("older")));
    replicas.logTimeMs += 1;
    const sentMs = replicas.logTimeMs;
    replicas.batch(increment(seenFirstAt(keyOf("k"), sentMs)));
    for (let aheadMs = 990; aheadMs <= 1010; aheadMs += 1) {
      replicas.logTimeMs = sentMs + aheadMs;
      const purge = replicas.primary.pendingPurge(replicas.logTimeMs);
      if (purge.length > 0) replicas.operate(purge);
      const outcome = replicas.batch(increment(seenFirstAt(keyOf("k"), sentMs)))[0]!;
      if (outcome.type === "settled") expect(outcome.replayed).toBe(true);
      else expect(errorOf(outcome).code).toBe("HS_KEY_EXPIRED");
    }
    expect(count(replicas)).toBe(2);
  });
});

describe("a purge", () => {
  it("is one operation, removes what has expired by its source, and the same on each host", () => {
    using replicas = new Replicas(SCHEMA, { lives: LIVES });
    replicas.batch(increment(keyOf("client")), increment({ ...keyOf("proxy"), source: "proxy" }));
    expect(replicas.primary.pendingPurge(replicas.logTimeMs + 100)).toEqual([]);
    replicas.logTimeMs += 101;
    const operations = replicas.primary.pendingPurge(replicas.logTimeMs);
    expect(operations).toHaveLength(1);
    replicas.operate(operations);
    expect(replicas.primary.pendingPurge(replicas.logTimeMs)).toEqual([]);
    expect(dump(replicas.standby.file)["hs_commit"]).toHaveLength(1);
    expect(dump(replicas.primary.file)).toEqual(dump(replicas.standby.file));
  });

  it("is bounded: the rest is due again", () => {
    using replicas = new Replicas(SCHEMA, { lives: LIVES });
    const writes = Array.from({ length: PURGED_ROWS + 5 }, (_, n) => ({ key: keyOf(`k${n}`), run: () => n }));
    replicas.batch(...writes);
    replicas.logTimeMs += 1001;
    replicas.operate(replicas.primary.pendingPurge(replicas.logTimeMs));
    expect(dump(replicas.standby.file)["hs_commit"]).toHaveLength(5);
    replicas.operate(replicas.primary.pendingPurge(replicas.logTimeMs));
    expect(replicas.primary.pendingPurge(replicas.logTimeMs)).toEqual([]);
    expect(dump(replicas.primary.file)).toEqual(dump(replicas.standby.file));
  });
});
