import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SettlementKey, Store, Write } from "../../host/store/store.ts";
import { openStore } from "../../host/store/sqlite-store.ts";
import { StandalonePool } from "../../host/standalone-pool.ts";
import type { HotspareError } from "../../shared/errors.ts";
import { parsePoolId, type Sha256 } from "../../shared/ids.ts";
import { lsn } from "../../shared/position.ts";
import { systemRandom } from "../../shared/random.ts";
import { systemClock } from "../../shared/system-clock.ts";

const SCHEMA = [{ id: "t", sql: "create table t (id text primary key not null, n integer not null) strict" }];
const ID = parsePoolId("main");

let folder = "";
let pools: StandalonePool[] = [];
let fatals: HotspareError[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hotspare-standalone-"));
  fatals = [];
});
afterEach(() => {
  for (const pool of pools.splice(0)) pool.close();
  rmSync(folder, { recursive: true });
});

const open = (): Store => openStore({ file: join(folder, "state.db"), pool: ID, durability: "full" });

function start(options: { store?: Store; schema?: typeof SCHEMA } = {}): StandalonePool {
  const { store = open(), schema = SCHEMA } = options;
  const fatal = (error: HotspareError): void => void fatals.push(error);
  const pool = StandalonePool.start({ id: ID, store, schema, clock: systemClock, random: systemRandom, fatal });
  pools.push(pool);
  return pool;
}

const keyOf = (key: string, hash = "a"): SettlementKey => ({
  key,
  source: "client",
  requestHash: hash.repeat(64) as Sha256,
  firstSentLogTimeMs: null,
});

const count = (id: string, key: SettlementKey | null = null): Write => ({
  key,
  run: (db) => db.prepare("insert into t values (?, 1) on conflict (id) do update set n = n + 1 returning n").get(id),
});

const local = { type: "local" } as const;
const readAll = (pool: StandalonePool) => pool.read(local, (db) => db.prepare("select * from t order by id").all());

describe("standalone pool", () => {
  it("makes the schema, keeps what was written over a restart, and numbers on", async () => {
    const first = start();
    expect(first.lsn).toBe(0);
    expect(await first.write(count("a"))).toEqual({ value: '{"n":1}', lsn: 1, replayed: false });
    first.close();
    const second = start();
    expect(await second.write(count("a"))).toMatchObject({ value: '{"n":2}', lsn: 2 });
    expect(second.fence.id).toBe(first.fence.id);
  });

  it("runs a schema entry that was added, once, and refuses to run without one that it has", async () => {
    start().close();
    const more = [...SCHEMA, { id: "u", sql: "create table u (id text primary key not null) strict" }];
    start({ schema: more }).close();
    const pool = start({ schema: more });
    expect(await pool.read(local, (db) => db.prepare("select count(*) as n from u").get())).toEqual({ n: 0 });
    pool.close();
    const store = open();
    expect(() => start({ store, schema: SCHEMA })).toThrow(expect.objectContaining({ code: "HS_SCHEMA_UNKNOWN" }));
    store.close();
  });

  it("settles a key once: duplicates in one batch, later ones, and ones after a restart get the first answer", async () => {
    const pool = start();
    const [one, two] = await Promise.all([pool.write(count("a", keyOf("k"))), pool.write(count("a", keyOf("k")))]);
    expect([one, two]).toEqual([
      { value: '{"n":1}', lsn: 1, replayed: false },
      { value: '{"n":1}', lsn: 1, replayed: true },
    ]);
    pool.close();
    const again = start();
    expect(await again.write(count("a", keyOf("k")))).toEqual({ value: '{"n":1}', lsn: 1, replayed: true });
    expect(await readAll(again)).toEqual([{ id: "a", n: 1 }]);
    expect(again.lsn).toBe(1);
  });

  it("refuses another request under a settled key, and leaves the key of a throw unused", async () => {
    const pool = start();
    await pool.write(count("a", keyOf("k")));
    await expect(pool.write(count("a", keyOf("k", "b")))).rejects.toMatchObject({ code: "HS_KEY_REUSED" });
    const failing: Write = {
      key: keyOf("j"),
      run: (db) => {
        db.prepare("insert into t values ('x', 1)").run();
        throw new Error("no");
      },
    };
    await expect(pool.write(failing)).rejects.toThrow("no");
    expect(await pool.write(count("b", keyOf("j")))).toMatchObject({ value: '{"n":1}', replayed: false });
    expect(await readAll(pool)).toEqual([
      { id: "a", n: 1 },
      { id: "b", n: 1 },
    ]);
  });

  it("tells a write which commit it becomes, also behind a refused one in the same batch", async () => {
    const pool = start();
    const told = (run: Write["run"]): Write => ({ key: null, run });
    const results = await Promise.allSettled([
      pool.write(told((_db, commit) => commit.lsn)),
      pool.write(
        told(() => {
          throw new Error("no");
        }),
      ),
      pool.write(told((_db, commit) => commit.lsn)),
    ]);
    const written = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    expect(written.map(({ value, lsn: at }) => [value, at])).toEqual([
      ["1", 1],
      ["2", 2],
    ]);
  });

  it("many writers at once: every one is counted, none twice, and `change` is told", async () => {
    const pool = start();
    let changes = 0;
    const stop = pool.on("change", () => changes++);
    const written = await Promise.all(Array.from({ length: 3000 }, (_, n) => pool.write(count(`id-${n % 7}`))));
    expect(new Set(written.map(({ lsn: at }) => at)).size).toBe(3000);
    const rows = (await readAll(pool)) as { n: number }[];
    expect(rows.reduce((sum, { n }) => sum + n, 0)).toBe(3000);
    expect(changes).toBeGreaterThan(0);
    stop();
    const before = changes;
    await pool.write(count("a"));
    expect(changes).toBe(before);
  });

  it("reads what was acknowledged; a session from elsewhere is refused, not waited for", async () => {
    const pool = start();
    const { lsn: at } = await pool.write(count("a"));
    const one = (db: Parameters<Parameters<StandalonePool["read"]>[1]>[0]) => db.prepare("select n from t").get();
    expect(await pool.read({ type: "linearizable" }, one)).toEqual({ n: 1 });
    expect(await pool.read({ type: "session", lsn: at }, one)).toEqual({ n: 1 });
    await expect(pool.read({ type: "session", lsn: lsn(at + 1) }, one)).rejects.toMatchObject({ code: "HS_LSN_AHEAD" });
  });

  it("close finishes what waits; afterwards writes and reads are refused", async () => {
    const pool = start();
    const waiting = pool.write(count("a"));
    pool.close();
    expect(await waiting).toMatchObject({ value: '{"n":1}' });
    await expect(pool.write(count("a"))).rejects.toMatchObject({ code: "HS_NOT_PRIMARY" });
    await expect(readAll(pool)).rejects.toMatchObject({ code: "HS_NOT_PRIMARY" });
    expect(pool.serving).toBe(false);
  });

  it("a commit that fails is answered to nobody as success, and ends the pool", async () => {
    const store = open();
    const pool = start({ store });
    const begin = store.begin.bind(store);
    store.begin = (...rest) => {
      const batch = begin(...rest);
      batch.commit = () => {
        throw new Error("disk I/O error");
      };
      return batch;
    };
    const results = await Promise.allSettled([pool.write(count("a")), pool.write(count("b"))]);
    expect(
      results.map((result) => (result.status === "rejected" ? (result.reason as HotspareError).code : "")),
    ).toEqual(["HS_OUTCOME_UNKNOWN", "HS_OUTCOME_UNKNOWN"]);
    expect(fatals).toHaveLength(1);
    await expect(pool.write(count("c"))).rejects.toMatchObject({ code: "HS_OUTCOME_UNKNOWN" });
  });
});
