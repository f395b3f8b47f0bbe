import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MAIN } from "../console.ts";
import { until } from "../../until.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { prepareImport } from "../../../deploy/cli/import/prepare-import.ts";
import { SourceFile } from "../../../deploy/cli/import/source-file.ts";
import { importMark } from "../../../host/store/import-mark.ts";
import { newestLsn, schema as SPACES } from "../../../host/app/spaces/schema.ts";
import { POOL } from "../../host/cluster.ts";
import { chance } from "../console.ts";
import { lockDataFolder } from "../../../host/data-lock.ts";
import { PoolOnDisk, rowsOf } from "./pool-on-disk.ts";
import { BLOBS_SQL, fillBlobs, fillKinds, KINDS_SCHEMA, KINDS_SQL, makeApp, makeFile } from "./sample-files.ts";

let pool: PoolOnDisk;
let source = "";
let app = "";

beforeEach(async () => {
  pool = await PoolOnDisk.make();
  source = pool.path("source.db");
  app = pool.path("app.mjs");
});
afterEach(() => pool.end());

const importFile = (...args: readonly string[]) => pool.run("import", source, "--app", app, ...args);
const records = (): readonly string[] => {
  const shard = join(pool.cluster.vaultFolder, "pools/main/journal/0000000000000000");
  return existsSync(shard) ? readdirSync(shard) : [];
};
const restored = async (sql: string): Promise<readonly object[]> => {
  const { code, err } = await pool.run("restore", "--to", pool.path("restored.db"), "--force");
  expect(err).toBe("");
  expect(code).toBe(0);
  return rowsOf(pool.path("restored.db"), sql);
};
const everything = (file: string, table: string): readonly object[] => {
  const db = new DatabaseSync(file, { readOnly: true });
  const statement = db.prepare(`select * from ${table} order by 1, 2`);
  statement.setReadBigInts(true);
  const rows = statement.all().map((row) => ({ ...row }));
  db.close();
  return rows;
};

describe("hotspare import", () => {
  it("carries over every kind of table and value, and changes nothing in the file", async () => {
    makeFile(source, KINDS_SQL, fillKinds);
    makeApp(app, KINDS_SCHEMA);
    const before = readFileSync(source);
    const { code, out, err } = await importFile("--json");
    expect(err).toBe("");
    expect(code).toBe(0);
    const told = JSON.parse(out) as { tables: { name: string; rows: number }[]; published: { epoch: number } };
    expect(told.published.epoch).toBe(1);
    expect(told.tables.map(({ name, rows }) => [name, rows])).toEqual([
      ["loose", 5],
      ["person", 3],
      ["tally", 1],
      ["visit", 3],
    ]);
    expect(readFileSync(source)).toEqual(before);
    expect(await restored("select n from tally")).toEqual([{ n: 3 }]);
    for (const table of ["person", "visit", "tally", "loose", "visits"]) {
      expect(everything(pool.path("restored.db"), table)).toEqual(everything(source, table));
    }
    expect((await pool.run("vault", "verify")).code).toBe(0);
    expect(readdirSync(join(pool.folder, "data/host-a"))).not.toContain("import");
  });

  it("gives a table without a key the file's rowids as key, if the application has one column for them", async () => {
    makeFile(source, "create table log (text); insert into log (rowid, text) values (7, 'a'), (3, 'b')");
    makeApp(app, [{ id: "log", sql: "create table log (id integer primary key, text)" }]);
    expect((await importFile()).code).toBe(0);
    expect(await restored("select * from log")).toEqual([
      { id: 3, text: "b" },
      { id: 7, text: "a" },
    ]);
  });

  it("is served by the host, which begins by itself, is written to, and is restored", async () => {
    makeFile(source, KINDS_SQL, fillKinds);
    makeApp(app, KINDS_SCHEMA);
    expect((await importFile()).code).toBe(0);
    const later = { id: "later", sql: "create table later (id integer primary key) strict" };
    const host = await pool.cluster.follow(pool.path("data/host-a"), "host-a", [...KINDS_SCHEMA, later]);
    await until(() => host.serving);
    await host.write({ key: null, run: (db) => db.exec("insert into person (id, name) values (4, 'Grace')") });
    await host.stop();
    expect(await restored("select n from tally")).toEqual([{ n: 4 }]);
    expect(await restored("select count(*) as n from person")).toEqual([{ n: 4 }]);
  });

  it("with --dry-run tries everything and publishes nothing", async () => {
    makeFile(source, KINDS_SQL, fillKinds);
    makeApp(app, KINDS_SCHEMA);
    const { code, out } = await importFile("--dry-run");
    expect(code).toBe(0);
    expect(out).toContain("All 12 rows fit");
    expect(records()).toEqual([]);
  });
});

/** As `restore` writes it: the rows hold LSNs of another pool, of which entity tags are made. */
describe("hotspare import of a file of spaces", () => {
  const beyond = 5_000_000_000;
  const makeSpaces = (): void =>
    makeFile(source, SPACES.map(({ sql }) => sql).join(";"), (db) => {
      db.exec(`insert into spaces values ('shop', null, '{}', 1, 1);
        insert into documents values ('shop', 'a', '1', 7, 0), ('shop', 'b', null, ${beyond}, 0)`);
    });
  const served = async (): Promise<number> => {
    const host = await pool.cluster.follow(pool.path("data/host-a"), "host-a", SPACES);
    await until(() => host.serving);
    const { lsn } = await host.write({ key: null, run: (db) => db.exec("update documents set value = '2'") });
    await host.stop();
    return lsn;
  };

  it("gives no LSN again that a row holds, though it is more than one record counts", async () => {
    makeSpaces();
    const { code, out, err } = await pool.run("import", source, "--app", "spaces", "--json");
    expect(err).toBe("");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ published: { lsn: beyond + 1, continued: 0 } });
    expect(await restored("select id, lsn from documents")).toEqual([
      { id: "a", lsn: 7 },
      { id: "b", lsn: beyond },
    ]);
    expect(await served()).toBe(beyond + 2);
  });

  it("goes on where it was, when it ended before its last record", async () => {
    makeSpaces();
    const file = new SourceFile(source, POOL);
    const folder = pool.path("rehearsal");
    mkdirSync(folder);
    const app = { schema: SPACES, newestLsn };
    const prepared = prepareImport({
      source: file,
      app,
      without: [],
      folder,
      clock: systemClock,
      random: chance,
      progress: () => undefined,
    });
    file.close();
    const begun = await pool.cluster.follow(pool.path("data/host-a"), "host-a", [
      importMark(prepared.content),
      ...SPACES,
    ]);
    await until(() => begun.state.atHeadMs !== null);
    expect(await pool.cluster.promote(begun)).toMatchObject({ outcome: "serving" });
    for (let index = 0; index < prepared.records; index += 1) await begun.journal([prepared.operation(index)]);
    await begun.journal([], 1_000_000);
    await begun.stop();

    const { code, out } = await pool.run("import", source, "--app", "spaces", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ published: { lsn: beyond + 1, continued: prepared.records } });
    expect(await served()).toBe(beyond + 2);
  });

  it.each([
    ["select max(no_such) from documents", "newestLsn of the application: no such column: no_such"],
    ["select 'many'", "newestLsn of the application: NaN is no LSN"],
    ["select 9e18", "newestLsn of the application: 9000000000000000000 is no LSN"],
  ])("refuses an application whose query is %j", async (query, reason) => {
    makeSpaces();
    makeApp(app, SPACES);
    appendFileSync(app, `export const newestLsn = ${JSON.stringify(query)};\n`);
    const { code, err } = await importFile();
    expect(err).toContain(reason);
    expect(code).toBe(65);
    expect(records()).toEqual([]);
  });
});

/** Two processes and some 12 MiB each: slow where much else runs. */
describe("an import that was killed", () => {
  const schema = [{ id: "chunks", sql: BLOBS_SQL }];

  it.each([1, 2, 4])(
    "after record %i is served by no host, and is continued by the next import",
    async (killedAfter) => {
      makeFile(source, BLOBS_SQL, (db) => fillBlobs(db, 24));
      makeApp(app, schema);
      const child = spawn(process.execPath, [MAIN, "import", source, "--app", app, "--config", pool.file], {
        stdio: "ignore",
      });
      const exited = once(child, "exit");
      await until(() => records().length >= killedAfter || child.exitCode !== null, { timeoutMs: 60_000, everyMs: 1 });
      child.kill("SIGKILL");
      await exited;
      const left = records().length;
      expect(left).toBeLessThan(7);

      const host = await pool.cluster.follow(pool.path("data/host-a"), "host-a", schema);
      await until(() => host.state.atHeadMs !== null);
      expect(host.state.unfit).toContain("hotspare-import-unfinished");
      const { outcome, reason } = await pool.cluster.promote(host);
      expect(`${outcome}: ${reason}`).toContain(
        "refused: The pool's state has the schema entry hotspare-import-unfinished",
      );
      await host.stop();

      const other = pool.path("other.db");
      makeFile(other, BLOBS_SQL, (db) => fillBlobs(db, 3));
      const wrong = await pool.run("import", other, "--app", app);
      expect(wrong.err).toContain("an import of other rows or another schema was begun and not finished");
      expect(wrong.code).toBe(69);

      const { code, out, err } = await importFile("--json");
      expect(err).toBe("");
      expect(code).toBe(0);
      expect(JSON.parse(out)).toMatchObject({ published: { epoch: 2, continued: Math.max(0, left - 2) } });
      expect(await restored("select count(*) as n, sum(length(bytes)) as bytes from chunk")).toEqual([
        { n: 24, bytes: 24 * 512 * 1024 },
      ]);
      const fresh = await pool.cluster.follow(pool.path("data/host-b"), "host-b", schema);
      await until(() => fresh.state.atHeadMs !== null);
      expect(fresh.state.unfit).toBe(null);
      await fresh.stop();
    },
    120_000,
  );
});

describe("hotspare import refuses", () => {
  const strict = "create table t (id text primary key not null, n integer not null) strict";
  const loose = "create table t (id text primary key not null, n)";
  const cases: readonly (readonly [string, string, string, string])[] = [
    [
      "a value that the column does not take",
      `${loose}; insert into t values ('a', 1), ('b', 'x')`,
      strict,
      'table t, row id = "b": cannot store TEXT value in INTEGER column t.n',
    ],
    [
      "a value that a column's type would change",
      `${loose}; insert into t values ('a', '12')`,
      "create table t (id text primary key not null, n integer)",
      'table t, row id = "a", column n: text "12" would become integer 12',
    ],
    [
      "text that is not UTF-8",
      `${loose}; insert into t values ('a', cast(x'ff' as text))`,
      loose,
      'table t, row id = "a": column n holds text that is not UTF-8',
    ],
    [
      "a column that the application lacks",
      "create table t (id text primary key not null, n, more)",
      strict,
      "column t.more of the file is not stored by the application",
    ],
    [
      "a column that the file lacks",
      "create table t (id text primary key not null)",
      strict,
      "column t.n of the application is not in the file",
    ],
    [
      "a table that the application lacks",
      `${loose}; create table u (id integer primary key)`,
      strict,
      "the application has no table u; --without u leaves it out",
    ],
    [
      "a virtual table",
      `${loose}; create virtual table f using fts5 (a)`,
      strict,
      "f is a virtual table, which does not travel; --without f leaves it out",
    ],
    [
      "a row that refers to nothing",
      "create table t (id integer primary key, up integer references t (id)); insert into t values (1, 9)",
      "create table t (id integer primary key, up integer references t (id))",
      "table t: the row with rowid 1 refers to a row of t that is missing",
    ],
    [
      "two rows with one key",
      "create table t (id text, n integer not null); insert into t values ('a', 1), ('a', 2)",
      strict,
      'table t, row id = "a": UNIQUE constraint failed: t.id',
    ],
    ["a file in UTF-16", `pragma encoding = 'UTF-16'; ${loose}`, strict, "its encoding is UTF-16le"],
  ];

  it.each(cases)("%s, before anything is made", async (_, file, schema, reason) => {
    makeFile(source, file);
    makeApp(app, [{ id: "t", sql: schema }]);
    const { code, err } = await importFile();
    expect(err).toContain(reason);
    expect(err).toContain("HS_IMPORT_REFUSED");
    expect(code).toBe(65);
    expect(records()).toEqual([]);
  });

  it("what is left out by --without is not refused", async () => {
    makeFile(
      source,
      `${loose}; create table u (id integer primary key); create virtual table f using fts5 (a); insert into t values ('a', 1)`,
    );
    makeApp(app, [{ id: "t", sql: strict }]);
    expect((await importFile("--without", "u", "--without", "f", "--dry-run")).code).toBe(0);
    expect((await importFile("--without", "v", "--dry-run")).err).toContain("it has no table v to leave out");
  });

  it("a file with a log beside it that holds what is not in it yet", async () => {
    makeFile(source, `pragma journal_mode = wal; ${loose}`);
    makeApp(app, [{ id: "t", sql: strict }]);
    const open = new DatabaseSync(source);
    open.exec("insert into t values ('a', 1)");
    const { code, err } = await importFile();
    open.close();
    expect(err).toContain(`${source}-wal holds what is not in it yet`);
    expect(code).toBe(65);
    expect((await importFile("--dry-run")).code).toBe(0);
    expect(readdirSync(pool.folder).filter((name) => name.startsWith("source.db"))).toEqual(["source.db"]);
  });

  it("a pool that has a history, naming its epoch", async () => {
    makeFile(source, loose);
    makeApp(app, [{ id: "t", sql: strict }]);
    expect((await importFile()).code).toBe(0);
    const { code, err } = await importFile();
    expect(err).toMatch(/it has a history already: slot \d+, epoch 1 of host-a \(HS_IMPORT_OCCUPIED\)/);
    expect(code).toBe(69);
  });

  it("a host that runs", async () => {
    makeFile(source, loose);
    makeApp(app, [{ id: "t", sql: strict }]);
    const unlock = lockDataFolder(pool.path("data/host-a"));
    const { code, err } = await importFile();
    unlock();
    expect(err).toContain("HS_DATA_LOCKED");
    expect(code).toBe(69);
  });

  it.each([
    [["none.db"], "ENOENT", 65],
    [["hotspare.yaml"], "it is no SQLite database", 65],
    [["source.db", "--host", "host-z"], "has no host host-z", 64],
    [["source.db", "--pool", "other"], "has no pool other", 64],
    [["source.db", "--app", "./none.ts"], "HS_APP_INVALID", 78],
  ])("%j", async ([file = "", ...args], reason, exit) => {
    makeFile(source, loose);
    const { code, err } = await pool.run("import", pool.path(file), ...args);
    expect(err).toContain(reason);
    expect(code).toBe(exit);
  });
});

describe("hotspare import --schema", () => {
  it("says of each table what must change, and prints a schema that the store accepts", async () => {
    makeFile(
      source,
      `create table a (id integer primary key autoincrement, b text);
       create table b (name text primary key, a references a (id) deferrable initially deferred);
       create table c (x, y);
       create table d ("the key" text collate nocase not null, n int, primary key ("the key", n) on conflict replace);
       create virtual table f using fts5 (text);
       create index c_x on c (x);`,
    );
    const { code, out } = await pool.run("import", source, "--schema", "--json");
    expect(code).toBe(0);
    const { problems, schema } = JSON.parse(out) as {
      problems: { name: string; reason: string; suggestion: string | null }[];
      schema: { id: string; sql: string }[];
    };
    expect(problems.map(({ name, suggestion }) => [name, suggestion])).toEqual([
      ["a", "CREATE TABLE a (id integer primary key, b text)"],
      ["b", "CREATE TABLE b (name text not null primary key, a references a (id))"],
      ["c", "CREATE TABLE c (id integer primary key, x, y)"],
      ["d", 'CREATE TABLE d ("the key" text not null, n int not null, primary key ("the key", n))'],
      ["f", null],
    ]);
    makeApp(app, schema);
    expect((await importFile("--without", "f", "--dry-run")).code).toBe(0);
    const shown = await pool.run("import", source, "--schema");
    writeFileSync(app, `${shown.out}\nexport default () => {};\n`);
    expect((await importFile("--without", "f", "--dry-run")).code).toBe(0);
  });
});
