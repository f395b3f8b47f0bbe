import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openStore } from "../../../host/store/sqlite-store.ts";
import { LIMIT_BYTES, TRUNCATE_BYTES } from "../../../host/store/wal.ts";
import { parseNodeId, type RecordId } from "../../../shared/ids.ts";
import { until } from "../../until.ts";
import { dump, keyOf, Replicas, thrownBy } from "./replicas.ts";

const FENCE = "f".repeat(32) as RecordId;
const HEIR = parseNodeId("host-c");
const SCHEMA = [{ id: "t", sql: "create table t (id integer primary key, v)" }];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hotspare-store-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("a store that is opened again", () => {
  it("knows where it is, its schema, and which tenure was stable", () => {
    using replicas = new Replicas(SCHEMA);
    replicas.write((db) => db.exec("insert into t values (1, 1)"), keyOf("k"));
    replicas.standby.markStable(FENCE);
    const { head, schema } = replicas.standby;
    replicas.standby.close();
    const again = replicas.open("standby");
    expect([again.head, again.schema, again.isStable(FENCE)]).toEqual([head, schema, true]);
    expect(again.isStable("e".repeat(32) as RecordId)).toBe(false);
    again.close();
  });

  it("made by a program that did not know of versions, takes one from the next record on", () => {
    using replicas = new Replicas(SCHEMA);
    replicas.write((db) => db.exec("insert into t values (1, 1)"), keyOf("k"));
    const { head, file } = replicas.standby;
    replicas.standby.close();
    sql(file, "alter table hs_meta drop column write_version");
    const again = replicas.open("standby");
    expect(again.head).toEqual(head);
    again.close();
    sql(file, "update hs_meta set write_version = 2");
    const raised = replicas.open("standby");
    expect(raised.head?.writeVersion).toBe(2);
    raised.close();
  });

  it("knows whom the release that it ends in names, until the next fence, whatever program wrote that", () => {
    using replicas = new Replicas(SCHEMA);
    const cause = "the host stops";
    const heir = { fence: replicas.standby.head!.fence.id, host: HEIR, cause };
    replicas.publish({ kind: "release", header: replicas.header(0), release: { successor: HEIR, cause } });
    const { file } = replicas.standby;
    replicas.standby.close();
    const again = replicas.open("standby");
    expect(again.heir).toEqual(heir);
    again.close();
    sql(file, `update hs_meta set fence_id = '${FENCE}'`);
    const gone = replicas.open("standby");
    expect(gone.heir).toBeNull();
    gone.close();
    sql(file, "alter table hs_meta drop column heir");
    const old = replicas.open("standby");
    expect(old.heir).toBeNull();
    old.close();
    expect(replicas.primary.heir).toEqual(heir);
    const batch = replicas.primary.begin(replicas.nextLsn, replicas.logTimeMs);
    batch.commit(replicas.seal(0, batch.seal().operations)[1]);
    expect(replicas.primary.heir).toBeNull();
  });

  it("is empty before the first record", () => {
    const store = openStore({ file: join(folder, "new.db"), pool: "main" });
    expect([store.head, store.schema, store.isStable(FENCE)]).toEqual([null, [], false]);
    expect(store.imageBytes).toBeGreaterThan(0);
    store.close();
  });

  it.each(["commit", "rollback"] as const)(
    "knows a stable tenure that was marked while a batch was open: %s",
    (end) => {
      using replicas = new Replicas(SCHEMA);
      const batch = replicas.primary.begin(replicas.nextLsn, replicas.logTimeMs);
      batch.execute({ key: null, run: (db) => db.exec("insert into t values (1, 1)") });
      replicas.primary.markStable(FENCE);
      const { operations } = batch.seal();
      const [record] = operations;
      expect(record?.type === "changes" && Buffer.from(record.changeset).includes("hs_meta")).toBe(false);
      if (end === "commit") batch.commit(replicas.seal(1, operations)[1]);
      else batch.rollback();
      const other = replicas.open("primary");
      expect(other.isStable(FENCE)).toBe(true);
      other.close();
    },
  );
});

describe("a file that is no sound store is told from a machine that fails:", () => {
  const open = (file: string) => openStore({ file, pool: "main" });

  it.each([
    ["text", (file: string) => writeFileSync(file, "This is no database. ".repeat(1000)), "not a database"],
    [
      "another program's database",
      (file: string) => sql(file, "create table theirs (id integer primary key)"),
      "theirs",
    ],
    [
      "a later layout",
      (file: string) => (open(file).close(), sql(file, "update hs_meta set layout = 99")),
      "layout is 99",
    ],
    [
      "a head that makes no sense",
      (file: string) => (open(file).close(), sql(file, "update hs_meta set slot = 1, origin = 'x'")),
      "origin id",
    ],
    ["a torn file", (file: string) => (open(file).close(), truncateSync(file, 5000)), ""],
  ])("%s is divergence: set aside and restore", (_, spoil, reason) => {
    const file = join(folder, "state.db");
    spoil(file);
    const error = thrownBy(() => open(file));
    expect(error.code).toBe("HS_STORE_DIVERGED");
    expect(error.message).toContain(reason);
  });

  it("a folder that is not there says nothing of the state", () => {
    expect(thrownBy(() => open(join(folder, "absent", "state.db"))).code).toBe("HS_DATA_UNSUITABLE");
  });
});

describe("a primary that is killed at any moment", () => {
  it("leaves the state at some slot, and says which", async () => {
    const file = join(folder, "state.db");
    const script = fileURLToPath(new URL("committing-store.ts", import.meta.url));
    let lsnBefore = 0;
    for (let kill = 0; kill < 4; kill += 1) {
      const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script, file], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      // Each line is a batch that was committed; the kill comes in the middle of a later one.
      let acknowledged = 0;
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        acknowledged = Number(text.trim().split("\n").at(-1));
        if (acknowledged > lsnBefore + 50 * (kill + 1)) child.kill("SIGKILL");
      });
      await once(child, "close");
      const store = openStore({ file, pool: "main" });
      const lsn = store.head!.lsn;
      expect(lsn).toBeGreaterThanOrEqual(acknowledged);
      // Each commit adds one row of each table: all there, or none.
      expect(store.read((db) => db.prepare("select count(*) as n, max(id) as last from t").get())).toEqual({
        n: lsn,
        last: lsn,
      });
      expect(dump(file)["hs_commit"]).toHaveLength(lsn);
      lsnBefore = lsn;
      store.close();
    }
  });
});

describe("the WAL", () => {
  const megabytes = (replicas: Replicas, count: number): void => {
    for (let n = 0; n < count; n += 1) {
      replicas.write((db) => db.prepare("replace into t values (?, randomblob(1000000))").run(n % 8));
    }
  };
  const walBytes = (replicas: Replicas): number => statSync(`${replicas.primary.file}-wal`).size;
  /** Frames that are not in the database yet. */
  const restOf = (file: string): number => {
    const database = new DatabaseSync(file, { readOnly: true });
    const row = database.prepare("pragma wal_checkpoint(noop)").get();
    database.close();
    return Number(row?.["log"]) - Number(row?.["checkpointed"]);
  };
  const rest = (replicas: Replicas): number => restOf(replicas.primary.file);

  it("is moved by a thread from its first bound on, and written from its beginning again", async () => {
    using replicas = new Replicas(SCHEMA);
    megabytes(replicas, 3);
    replicas.primary.trimWal();
    expect(rest(replicas)).toBeGreaterThan(0);
    megabytes(replicas, 4);
    replicas.primary.trimWal();
    await until(() => rest(replicas) === 0);
    const bytes = walBytes(replicas);
    megabytes(replicas, 4);
    expect(walBytes(replicas)).toBe(bytes);
  });

  it("is let go by the thread when the store is closed: nobody deletes the WAL of the next store of that name", async () => {
    for (let round = 0; round < 3; round += 1) {
      const store = openStore({ file: join(folder, "state.db"), pool: "main" });
      const writer = new DatabaseSync(join(folder, "state.db"));
      writer.exec("pragma wal_autocheckpoint = 0; create table if not exists x (id integer primary key, v)");
      writer.exec("insert into x (v) values (randomblob(5000000))");
      writer.close();
      store.trimWal();
      await until(() => restOf(store.file) === 0);
      store.close();
      expect(readdirSync(folder)).toEqual(["state.db"]);
    }
  });

  it("is cut when it is beyond its bound and moved, and never in the middle of a batch", async () => {
    using replicas = new Replicas(SCHEMA);
    megabytes(replicas, 20);
    replicas.primary.trimWal();
    await until(() => rest(replicas) === 0);
    const batch = replicas.primary.begin(replicas.nextLsn, replicas.logTimeMs);
    replicas.primary.trimWal();
    expect(walBytes(replicas)).toBeGreaterThan(TRUNCATE_BYTES);
    batch.rollback();
    replicas.primary.trimWal();
    expect(walBytes(replicas)).toBe(0);
    expect(replicas.primary.read((db) => db.prepare("select count(*) as n from t").get())).toEqual({ n: 8 });
  });

  it("is cut at its last bound though no thread had the time", () => {
    using replicas = new Replicas(SCHEMA);
    megabytes(replicas, 70);
    replicas.primary.trimWal();
    expect(walBytes(replicas)).toBe(0);
  });

  it("waits for nobody's snapshot, and is cut when that is gone", () => {
    using replicas = new Replicas(SCHEMA);
    const worker = new DatabaseSync(replicas.primary.file, { readOnly: true });
    worker.exec("begin; select * from t");
    megabytes(replicas, 70);
    replicas.primary.trimWal();
    expect(walBytes(replicas)).toBeGreaterThan(LIMIT_BYTES);
    worker.close();
    for (let call = 0; call < 65; call += 1) replicas.primary.trimWal();
    expect(walBytes(replicas)).toBe(0);
  });
});

function sql(file: string, text: string): void {
  const database = new DatabaseSync(file);
  database.exec(text);
  database.close();
}
