import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { silentLog } from "../../shared/log.ts";
import { slot } from "../../shared/position.ts";
import { recordName } from "../../shared/vault/layout.ts";
import type { HostedPool } from "../../host/pool.ts";
import { until } from "../until.ts";
import { add, Cluster, POOL } from "./cluster.ts";

let cluster: Cluster;
beforeEach(() => {
  cluster = new Cluster();
});
afterEach(async () => {
  await cluster.end();
  expect(cluster.died).toEqual([]);
});

const sum = (pool: HostedPool, id: string): Promise<unknown> =>
  pool.read({ type: "linearizable" }, (db) => db.prepare("select n from entry where id = ?").get(id)?.["n"]);

async function primary(): Promise<HostedPool> {
  const pool = await cluster.start("host-a", { first: true });
  await until(() => pool.serving);
  return pool;
}

describe("the share is unmounted under a primary: its folder is empty", () => {
  const away = (): string => join(cluster.folder, "share");
  const unmount = (): void => {
    renameSync(cluster.vaultFolder, away());
    mkdirSync(cluster.vaultFolder);
  };
  const mount = (): void => {
    rmSync(cluster.vaultFolder, { recursive: true });
    renameSync(away(), cluster.vaultFolder);
  };

  test("no read is proven there: another host may have taken over meanwhile", async () => {
    const a = await primary();
    await a.write(add("x"));
    expect(await sum(a, "x")).toBe(1);
    unmount();
    await expect(sum(a, "x")).rejects.toMatchObject({ code: "HS_VAULT_IO" });
    mount();
    expect(await sum(a, "x")).toBe(1);
  });

  test("no write is acknowledged and nothing is made there; when it is back, all goes on", async () => {
    const a = await primary();
    await a.write(add("x"));
    unmount();
    let answered = 0;
    const written = a.write(add("x")).then(
      () => (answered += 1),
      (error: unknown) => expect(error).toMatchObject({ code: "HS_VAULT_IO" }),
    );
    // It looks for a successor meanwhile, and tries again and again.
    const calls = a.state.calls;
    await until(() => a.state.calls > calls + 2);
    expect(answered).toBe(0);
    expect(readdirSync(cluster.vaultFolder)).toEqual([]);
    mount();
    await written;
    await a.write(add("x"));
    expect(await sum(a, "x")).toBe(2 + answered);
    expect(a.fence?.epoch).toBe(1);
  });
});

describe("the vault is rolled back to an older copy", () => {
  const backup = (): string => join(cluster.folder, "backup");
  const slotOf = (pool: HostedPool): number => pool.state.applied?.slot ?? 0;
  const recordFile = (at: number): string => join(cluster.vaultFolder, recordName(POOL, slot(at)));
  const journal = (): string[] => readdirSync(join(recordFile(1), ".."));

  /** Host a served, host c followed; the vault is then as it was before the last two writes. */
  async function rollBack(): Promise<number> {
    const a = await primary();
    const c = await cluster.start("host-c");
    await a.write(add("x"));
    await until(() => slotOf(c) === slotOf(a));
    await c.stop();
    cpSync(join(cluster.vaultFolder, "pools"), join(backup(), "pools"), { recursive: true });
    await a.write(add("x"));
    await a.write(add("x"));
    const ahead = slotOf(a) + 1;
    await a.stop();
    rmSync(cluster.vaultFolder, { recursive: true });
    cpSync(backup(), cluster.vaultFolder, { recursive: true });
    return ahead;
  }

  test("a host that is ahead of it does not take over, by itself or on an order, puts nothing there, and says so", async () => {
    const ahead = await rollBack();
    const before = journal();
    const alarms: string[] = [];
    const a = await cluster.start("host-a", {
      log: { ...silentLog, error: (fields) => void alarms.push(JSON.stringify(fields)), child: () => silentLog },
    });
    await until(() => alarms.length > 0);
    expect(alarms[0]).toContain("HS_VAULT_BEHIND");
    expect(await cluster.promote(a)).toMatchObject({ outcome: "refused" });
    expect(a.serving).toBe(false);
    expect(slotOf(a)).toBe(ahead);
    expect(journal()).toEqual(before);
  });

  test("an order that comes before it has noticed is refused, too, and nothing is put there", async () => {
    await rollBack();
    const before = journal();
    const a = await cluster.start("host-a");
    expect(a.state.alarm).toBeNull();
    expect(await cluster.promote(a)).toMatchObject({ outcome: "refused" });
    expect(a.state.alarm).toMatchObject({ code: "HS_VAULT_BEHIND" });
    expect(journal()).toEqual(before);
  });

  test("another host goes on from the copy; the one that is ahead sets its own state aside and follows it", async () => {
    await rollBack();
    const c = await cluster.start("host-c");
    expect(await cluster.promote(c)).toMatchObject({ outcome: "serving" });
    for (let n = 0; n < 4; n += 1) await c.write(add("y"));
    const a = await cluster.start("host-a");
    await until(() => slotOf(a) === slotOf(c) && a.state.alarm === null);
    const rows = (pool: HostedPool): Promise<unknown> =>
      pool.read({ type: "local" }, (db) => db.prepare("select id, n from entry order by id").all());
    expect(await rows(a)).toEqual(await rows(c));
    expect(await rows(c)).toMatchObject([
      { id: "x", n: 1 },
      { id: "y", n: 4 },
    ]);
    const aside = readdirSync(join(cluster.folder, "host-a", "pools", POOL)).filter((name) => name.startsWith("aside"));
    expect(aside).toHaveLength(1);
    expect(existsSync(join(cluster.folder, "host-a", "pools", POOL, aside[0] ?? "", "reason.txt"))).toBe(true);
  });

  test("a host that has just what the copy has goes on as if nothing had been", async () => {
    await rollBack();
    const c = await cluster.start("host-c");
    await until(() => c.state.atHeadMs !== null);
    expect(await cluster.promote(c)).toMatchObject({ outcome: "serving" });
    expect(await sum(c, "x")).toBe(1);
  });

  test("the newest record alone is gone, as after a repair by hand: its host does not put another in its place", async () => {
    const a = await primary();
    await a.write(add("x"));
    const last = slotOf(a) + 1;
    await a.stop();
    expect(existsSync(recordFile(last))).toBe(true);
    rmSync(recordFile(last));
    const again = await cluster.start("host-a");
    await until(() => again.state.alarm !== null || again.state.atHeadMs !== null);
    expect(await cluster.promote(again)).toMatchObject({ outcome: "refused" });
    expect(existsSync(recordFile(last))).toBe(false);
    writeFileSync(recordFile(last), "not a record");
    expect(await cluster.promote(again)).toMatchObject({ outcome: "refused" });
    expect(journal().at(-1)).toBe(recordFile(last).split("/").at(-1));
  });
});
