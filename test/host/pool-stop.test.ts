/** What a pool that is being stopped still does, and what not: found by chaos runs with real processes. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { HotspareError } from "../../shared/errors.ts";
import { lsn, slot } from "../../shared/position.ts";
import { JournalReader } from "../../host/journal-reader.ts";
import type { VaultName } from "../../shared/vault/layout.ts";
import type { Content, PutResult } from "../../shared/vault/vault.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { FaultyVault } from "../faulty-vault.ts";
import { until } from "../until.ts";
import { add, Cluster, POOL } from "./cluster.ts";

/** Whose puts take a few turns, in which other things happen. */
class SlowVault extends FaultyVault {
  override async put(name: VaultName, content: Content): Promise<PutResult> {
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    return super.put(name, content);
  }
}

let cluster: Cluster;
beforeEach(() => {
  cluster = new Cluster();
});
afterEach(async () => {
  await cluster.end();
  expect(cluster.died).toEqual([]);
});

describe("a pool that is stopped", () => {
  test("waits for nothing after its release, also where it does not follow again by itself", async () => {
    const longest = {
      ...systemClock,
      after: (ms: number, run: () => void) => systemClock.after(ms > 1000 ? 2 ** 30 : ms, run),
    };
    const settings = { ...(await cluster.start("host-a", { first: true })).state.settings, rejoin: "manual" as const };
    await cluster.end();
    cluster = new Cluster();
    const pool = await cluster.start("host-a", {
      settings: { ...settings, takeoverTimeoutMs: 60_000 },
      clock: longest,
    });
    await until(() => pool.serving);
    await pool.stop();
    expect(pool.state.phase).toMatchObject({ type: "fenced" });
  });

  test("does not take over again because a proxy orders it right after its release", async () => {
    const pool = await cluster.start("host-a", { first: true });
    await until(() => pool.serving);
    await pool.write(add("x"));
    let stopped = false;
    const stopping = pool.stop().finally(() => (stopped = true));
    await until(() => stopped || pool.report(0).role === "standby", { everyMs: 0 });
    const { outcome } = await cluster.promote(pool);
    await stopping;
    expect(outcome).toBe("refused");
    expect(pool.fence?.epoch).toBe(1);
  });

  test("publishes its release, and nothing after it, also where a read wants a proof by an empty batch", async () => {
    const pool = await cluster.start("host-a", {
      first: true,
      reads: "barrier",
      vault: new SlowVault(cluster.vault()),
    });
    await until(() => pool.serving);
    await pool.write(add("x"));
    const read = async (): Promise<string> =>
      await pool.read({ type: "linearizable" }, () => "read").catch((error: HotspareError) => error.code);
    const reads: Promise<string>[] = [];
    const unlisten = pool.on("change", () => void reads.push(read()));
    const stopping = pool.stop();
    for (let stopped = false; !stopped;) {
      reads.push(read());
      stopped = await Promise.race([stopping.then(() => true), new Promise<false>((go) => setImmediate(go, false))]);
    }
    unlisten();
    expect(new Set(await Promise.all(reads))).toContain("HS_NOT_PRIMARY");
    const reader = new JournalReader(cluster.vault(), POOL);
    const last = (await reader.survey(slot(1))).slots.at(-1) ?? slot(1);
    expect(await reader.find(last)).toMatchObject({ sealed: { record: { kind: "release" } } });
  });

  test("refuses reads as one that is not primary: their requests are for another host", async () => {
    const pool = await cluster.start("host-a", { first: true });
    await until(() => pool.serving);
    await pool.write(add("x"));
    await pool.stop();
    for (const consistency of [{ type: "local" }, { type: "session", lsn: lsn(1) }, { type: "linearizable" }] as const)
      await expect(pool.read(consistency, (db) => db.prepare("select n from entry").get())).rejects.toMatchObject({
        code: "HS_NOT_PRIMARY",
      });
  });
});
