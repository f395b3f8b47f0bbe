/** A pool whose version was raised: who is new goes on, who is old stops with a word, wherever its state came from. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { slot } from "../../shared/position.ts";
import { recordName } from "../../shared/vault/layout.ts";
import { restoreCheckpoint } from "../../host/checkpoint/restore-checkpoint.ts";
import type { HostedPool } from "../../host/pool.ts";
import { knowUpTo } from "../shared/journal/known-formats.ts";
import { until } from "../until.ts";
import { add, Cluster, POOL } from "./cluster.ts";

let cluster: Cluster;
beforeEach(() => {
  cluster = new Cluster();
  knowUpTo(2);
});
afterEach(async () => {
  await cluster.end();
  expect(cluster.died).toEqual([]);
});

const slotOf = (pool: HostedPool): number => pool.report(0).slot;

async function raised(): Promise<HostedPool> {
  const a = await cluster.start("host-a", { first: true });
  await until(() => a.serving);
  await a.write(add("x"));
  await a.raiseFormat(2);
  return a;
}

async function versionAt(at: number): Promise<number | undefined> {
  return (await cluster.vault().get(recordName(POOL, slot(at)), { offset: 4, maxBytes: 2 }))?.readUInt16BE();
}

describe("after a format record", () => {
  test("batches, releases and the next owner's fence are written in the new version", async () => {
    const a = await raised();
    const format = slotOf(a);
    await a.write(add("x"));
    const b = await cluster.start("host-b");
    await until(() => slotOf(b) === format + 1);
    expect(b.report(0).format).toBe(2);
    await a.stop();
    expect(await cluster.promote(b)).toMatchObject({ outcome: "serving" });
    await b.write(add("x"));
    const versions = await Promise.all([0, 1, 2, 3, 4].map((more) => versionAt(format + more)));
    expect(versions).toEqual([1, 2, 2, 2, 2]);
  });

  test("a host that begins with a checkpoint knows the version, though the format record is long before it", async () => {
    const a = await cluster.equip("host-a", { first: true });
    await until(() => a.pool.serving);
    await a.pool.raiseFormat(2);
    await a.pool.write(add("x"));
    await a.checkpoints.take("test");
    const file = join(cluster.folder, "restored.db");
    const restored = await restoreCheckpoint({ vault: cluster.vault(), pool: POOL, file });
    expect(restored).toMatchObject({ type: "restored", head: { writeVersion: 2 } });
  });
});

describe("a host with the old program", () => {
  const named = { code: "HS_VAULT_FORMAT", details: { found: 2, accepted: "1" } };

  test("does not start on a state of the new version: the program was put back too late", async () => {
    const a = await raised();
    await a.stop();
    knowUpTo(1);
    await expect(cluster.start("host-a")).rejects.toMatchObject(named);
  });

  test("does not start beside a pool that has gone on without it, with a state of before or with none", async () => {
    const b = await cluster.start("host-b");
    const a = await cluster.start("host-a", { first: true });
    await until(() => slotOf(b) > 0 && a.serving);
    await b.stop();
    await a.raiseFormat(2);
    const format = slotOf(a);
    knowUpTo(1);
    await expect(cluster.start("host-b")).rejects.toMatchObject(named);
    knowUpTo(2);
    await a.write(add("x"));
    await a.stop();
    knowUpTo(1);
    await expect(cluster.start("host-b")).rejects.toMatchObject(named);
    rmSync(join(cluster.folder, "host-b"), { recursive: true });
    await expect(cluster.start("host-b")).rejects.toMatchObject(named);
    expect(await versionAt(format)).toBe(1);
  });

  test("does not begin with a checkpoint of the new version: nobody could follow it from there", async () => {
    const a = await cluster.equip("host-a", { first: true });
    await until(() => a.pool.serving);
    await a.pool.raiseFormat(2);
    await a.checkpoints.take("test");
    await a.stop();
    knowUpTo(1);
    const file = join(cluster.folder, "restored.db");
    const restored = await restoreCheckpoint({ vault: cluster.vault(), pool: POOL, file });
    expect(restored).toMatchObject({ type: "failed", error: { code: "HS_VAULT_FORMAT" } });
  });
});
