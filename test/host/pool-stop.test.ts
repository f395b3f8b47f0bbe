/** What a pool that is being stopped still does, and what not: found by chaos runs with real processes. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { lsn } from "../../shared/position.ts";
import { until } from "../until.ts";
import { add, Cluster } from "./cluster.ts";

let cluster: Cluster;
beforeEach(() => {
  cluster = new Cluster();
});
afterEach(async () => {
  await cluster.end();
  expect(cluster.died).toEqual([]);
});

describe("a pool that is stopped", () => {
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
