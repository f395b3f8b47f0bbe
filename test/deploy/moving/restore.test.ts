import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SchemaEntry, Write } from "../../../host/store/store.ts";
import type { EquippedHost } from "../../host/cluster.ts";
import { until } from "../../until.ts";
import { writePlainDatabase } from "../../../deploy/cli/restore/plain-database.ts";
import { POOL } from "../../host/cluster.ts";
import { makeFile } from "./sample-files.ts";
import { filesBelow, PoolOnDisk, rowsOf } from "./pool-on-disk.ts";

const SCHEMA: readonly SchemaEntry[] = [
  {
    id: "accounts",
    sql: `create table account (id text primary key not null, cents integer not null) strict;
          create table audit (id integer primary key, account text not null references account (id), cents integer) strict;
          create index audit_account on audit (account);
          create trigger audited after update on account begin
            insert into audit (account, cents) values (new.id, new.cents - old.cents);
          end;
          create view total as select sum(cents) as cents from account`,
  },
];

const open = (id: string): Write => ({
  key: null,
  run: (db) => void db.prepare("insert into account values (?, 1000)").run(id),
});

/** Whatever is restored must hold this: no cent comes or goes. */
const move = (from: string, to: string, cents: number): Write => ({
  key: {
    key: `${from} ${to} ${cents}`,
    source: "client",
    requestHash: "0".repeat(64) as never,
    firstSentLogTimeMs: null,
  },
  run: (db) => {
    const change = db.prepare("update account set cents = cents + ? where id = ?");
    change.run(-cents, from);
    change.run(cents, to);
  },
});

let pool: PoolOnDisk;
let host: EquippedHost;

beforeEach(async () => {
  pool = await PoolOnDisk.make();
  host = await pool.cluster.equip("host-a", { schema: SCHEMA, first: true });
  await until(() => host.pool.serving);
  for (const id of ["a", "b"]) await host.pool.write(open(id));
});
afterEach(() => pool.end());

const target = (): string => pool.path("app.db");
const restore = (...args: readonly string[]) => pool.run("restore", "--to", target(), ...args);
const checkpoints = (): readonly string[] =>
  readdirSync(join(pool.cluster.vaultFolder, "pools/main/checkpoints")).filter((name) => name.endsWith(".zst"));

function damage(path: string): void {
  chmodSync(path, 0o660);
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

describe("hotspare restore", () => {
  it("writes a plain database of the head: the application's tables and nothing of Hotspare's", async () => {
    await host.pool.write(move("a", "b", 7));
    await host.checkpoints.take("test");
    await host.pool.write(move("b", "a", 3));
    const before = filesBelow(join(pool.cluster.vaultFolder, "pools"));
    const { code, out, err } = await restore("--json");
    expect(err).toBe("");
    expect(code).toBe(0);
    const told = JSON.parse(out) as Record<string, unknown>;
    expect(told).toMatchObject({
      pool: "main",
      lsn: host.pool.lsn,
      tables: 2,
      records: 1,
      foreignKeyViolations: 0,
      skipped: [],
    });
    expect(told["checkpoint"]).toBeGreaterThan(0);
    expect(filesBelow(join(pool.cluster.vaultFolder, "pools"))).toEqual(before);
    expect(rowsOf(target(), "select type, name from sqlite_schema where sql is not null order by name")).toEqual([
      { type: "table", name: "account" },
      { type: "table", name: "audit" },
      { type: "index", name: "audit_account" },
      { type: "trigger", name: "audited" },
      { type: "view", name: "total" },
    ]);
    expect(rowsOf(target(), "select * from account")).toEqual([
      { id: "a", cents: 996 },
      { id: "b", cents: 1004 },
    ]);
    expect(rowsOf(target(), "select count(*) as n from audit")).toEqual([{ n: 4 }]);
    expect(rowsOf(target(), "pragma journal_mode")).toEqual([{ journal_mode: "delete" }]);
    expect(readdirSync(pool.folder).filter((name) => name.startsWith("app.db"))).toEqual(["app.db"]);
  });

  it("works without a checkpoint and while no host runs", async () => {
    await host.stop();
    const { code, out } = await restore();
    expect(code).toBe(0);
    expect(out).toContain("from the beginning of the journal and 5 records after it");
    expect(rowsOf(target(), "select cents from total")).toEqual([{ cents: 2000 }]);
  });

  it("gives exactly the state of the checkpoint that is named", async () => {
    const { slot } = await host.checkpoints.take("test");
    await host.pool.write(move("a", "b", 7));
    await host.checkpoints.take("test");
    const { code, out } = await restore("--checkpoint", String(slot), "--json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ slot, checkpoint: slot, records: 0 });
    expect(rowsOf(target(), "select cents from account")).toEqual([{ cents: 1000 }, { cents: 1000 }]);
    const absent = await restore("--checkpoint", "99", "--force");
    expect(absent.err).toMatch(new RegExp(`pool main has no checkpoint 99; there are \\d+-[0-9a-f]{12}, ${slot}-`));
    expect(absent.code).toBe(64);
  });

  it("gives the state after the commit that is named, from the checkpoint before it", async () => {
    await host.checkpoints.take("test");
    await host.pool.write(move("a", "b", 7));
    const { lsn } = host.pool;
    await host.pool.write(move("a", "b", 8));
    await host.checkpoints.take("test");
    const { code, out } = await restore("--lsn", String(lsn), "--json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ lsn, records: 1 });
    expect(rowsOf(target(), "select cents from account")).toEqual([{ cents: 993 }, { cents: 1007 }]);
    const later = await restore("--lsn", "1000", "--force");
    expect(later.err).toContain(`LSN 1000 cannot be restored: the newest is ${host.pool.lsn}`);
    const earlier = await restore("--lsn", "1", "--force");
    expect(earlier.err).toContain("LSN 1 cannot be restored: the oldest checkpoint that would do is of LSN 3");
    expect([later.code, earlier.code]).toEqual([64, 64]);
  });

  it("refuses a commit in the middle of a record, naming the nearest two", async () => {
    const before = host.pool.lsn;
    await Promise.all(Array.from({ length: 12 }, (_, n) => host.pool.write(move("a", "b", n + 1))));
    const answers: string[] = [];
    for (let at = before + 1; at <= host.pool.lsn; at += 1)
      answers.push((await restore("--lsn", String(at), "--force")).err);
    const refused = answers.filter((err) => err !== "");
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]).toMatch(
      /LSN \d+ cannot be restored: it is in the middle of one record; the nearest are \d+ and \d+ \(HS_USAGE\)/,
    );
    expect(answers.at(-1)).toBe("");
  });

  it("uses the next older checkpoint where the newest is damaged, and says so", async () => {
    const { slot } = await host.checkpoints.take("test");
    await host.pool.write(move("a", "b", 7));
    await host.checkpoints.take("test");
    const newest = checkpoints().toSorted().at(-1) ?? "";
    damage(join(pool.cluster.vaultFolder, "pools/main/checkpoints", newest));
    const { code, out, err } = await restore();
    expect(code).toBe(0);
    expect(err).toMatch(new RegExp(`Checkpoint \\S+${newest.slice(0, 20)}\\S* is invalid: .*: an older one is used`));
    expect(out).toContain(`from the checkpoint at slot ${slot} and`);
    expect(rowsOf(target(), "select cents from account")).toEqual([{ cents: 993 }, { cents: 1007 }]);
    const named = await restore("--checkpoint", newest.replace(/^0*(\d+)-.*/, "$1"), "--force");
    expect(named.err).toContain("HS_CHECKPOINT_INVALID");
    expect(named.code).toBe(65);
    expect(rowsOf(target(), "select cents from account")).toEqual([{ cents: 993 }, { cents: 1007 }]);
  });

  it("gives a state that once was, while others write all the time", async () => {
    const over = new AbortController();
    let moved = 0;
    const writer = async (): Promise<void> => {
      for (let n = 1; !over.signal.aborted; n += 1) {
        await host.pool.write({ ...move("a", "b", n), key: null });
        moved += 1;
        // This vault answers within the turn: the command beside it must have turns of its own.
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const writers = [writer(), writer(), writer()];
    try {
      for (let times = 0; times < 5; times += 1) {
        if (times === 2) await host.checkpoints.take("test");
        const begun = host.pool.lsn;
        const { code, out, err } = await restore("--json", "--force");
        expect(err).toBe("");
        expect(code).toBe(0);
        expect((JSON.parse(out) as { lsn: number }).lsn).toBeGreaterThanOrEqual(begun);
        expect(rowsOf(target(), "select sum(cents) as cents from account")).toEqual([{ cents: 2000 }]);
        const sums =
          "select id, 1000 + (select sum(cents) from audit where account = account.id) - cents as off from account";
        expect(rowsOf(target(), sums.replace("account = account.id", "audit.account = account.id"))).toEqual([
          { id: "a", off: 0 },
          { id: "b", off: 0 },
        ]);
      }
    } finally {
      over.abort();
      await Promise.all(writers);
    }
    expect(moved).toBeGreaterThan(0);
  });

  it("says which record is missing, and leaves nothing", async () => {
    await host.stop();
    const shard = join(pool.cluster.vaultFolder, "pools/main/journal/0000000000000000");
    rmSync(join(shard, "0000000000000002"));
    const { code, err } = await restore();
    expect(err).toContain("Record 2 of pool main is missing, later ones exist, and no checkpoint covers it");
    expect(code).toBe(65);
    expect(readdirSync(pool.folder)).toEqual(["cluster.key", "hotspare.yaml"]);
  });
});

describe("the file of hotspare restore", () => {
  it("is told how many of its rows refer to nothing, though nothing held that up", () => {
    const store = pool.path("store.db");
    makeFile(
      store,
      "create table t (id integer primary key, up integer references t (id)); insert into t values (1, 1), (2, 8), (3, 9)",
    );
    expect(writePlainDatabase(POOL, store, target())).toMatchObject({ tables: 1, foreignKeyViolations: 2 });
  });

  it("is not replaced without --force", async () => {
    writeFileSync(target(), "precious");
    const { code, err } = await restore();
    expect(err).toContain("it is there already; --force replaces it (HS_TARGET_UNWRITABLE)");
    expect(code).toBe(73);
    expect(readFileSync(target(), "utf8")).toBe("precious");
    expect((await restore("--force")).code).toBe(0);
    expect(rowsOf(target(), "select cents from total")).toEqual([{ cents: 2000 }]);
  });

  it("is not written beside the log of another database, which would be played into it", async () => {
    writeFileSync(`${target()}-wal`, "");
    for (const more of [[], ["--force"]]) {
      const { code, err } = await restore(...more);
      expect(err).toContain(`${target()}-wal lies beside it`);
      expect(code).toBe(73);
    }
    expect(existsSync(target())).toBe(false);
  });

  it.each([
    ["in the vault", (at: PoolOnDisk) => join(at.cluster.vaultFolder, "app.db"), "it lies inside the vault"],
    ["in a folder that is not there", (at: PoolOnDisk) => at.path("none/app.db"), "its folder is not there"],
    ["a folder", (at: PoolOnDisk) => at.folder, "there is something that is no file"],
  ])("is refused %s", async (_, place, reason) => {
    const { code, err } = await pool.run("restore", "--to", place(pool), "--force");
    expect(err).toContain(reason);
    expect(code).toBe(73);
  });

  it("is made anew where an earlier run was killed", async () => {
    mkdirSync(`${target()}.restoring/work`, { recursive: true });
    writeFileSync(`${target()}.restoring/work/1.db`, "half");
    expect((await restore()).code).toBe(0);
    expect(readdirSync(pool.folder).filter((name) => name.startsWith("app.db"))).toEqual(["app.db"]);
  });
});

describe("hotspare restore, used wrongly", () => {
  it.each([
    [["--to", "x.db", "--checkpoint", "3", "--lsn", "3"], "give one"],
    [["--to", "x.db", "--lsn", "0"], "accepted is a number from 1 on"],
    [["--to", "x.db", "--lsn", "two"], "accepted is a number from 1 on"],
    [["--to", "x.db", "--pool", "other"], "has no pool other"],
    [["--to", "x.db", "--host", "host-z"], "has no host host-z"],
    [[], "required option '--to <file>' not specified"],
  ])("%j is refused", async (args, reason) => {
    const { code, err } = await pool.run("restore", ...args);
    expect(err).toContain(reason);
    expect(code).toBe(64);
    expect(existsSync("x.db")).toBe(false);
  });

  it("a pool that nobody ever served has nothing to restore", async () => {
    const empty = await PoolOnDisk.make();
    const { code, err } = await empty.run("restore", "--to", empty.path("app.db"));
    await empty.end();
    expect(err).toContain("the vault has no checkpoint and no journal of it");
    expect(code).toBe(74);
  });
});
