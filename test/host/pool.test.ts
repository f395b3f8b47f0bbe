import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "../until.ts";
import { add, Cluster } from "./cluster.ts";
import type { HostedPool } from "../../host/pool.ts";

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

describe("a pool on real storage", () => {
  test("begins with the first preferred host, and keeps what it acknowledged over a restart", async () => {
    const first = await cluster.start("host-a", { first: true });
    await until(() => first.serving);
    const written = await Promise.all(Array.from({ length: 200 }, () => first.write(add("x"))));
    expect(new Set(written.map(({ lsn }) => lsn)).size).toBe(200);
    expect(await sum(first, "x")).toBe(200);
    await first.stop();
    const second = await cluster.start("host-a");
    await until(() => second.serving);
    expect(second.fence?.epoch).toBe(2);
    expect(await sum(second, "x")).toBe(200);
  });

  test("a standby that is ordered has every acknowledged write; the deposed primary answers nobody and follows", async () => {
    const a = await cluster.start("host-a", { first: true });
    await until(() => a.serving);
    const b = await cluster.start("host-b");
    await until(() => b.fence !== null);
    const acknowledged: Promise<unknown>[] = [];
    let failures = 0;
    for (let n = 0; n < 50; n++) acknowledged.push(a.write(add("x")).catch(() => (failures += 1)));
    expect(await cluster.promote(b)).toMatchObject({ outcome: "serving" });
    await Promise.all(acknowledged);
    const [row] = [await sum(b, "x")];
    expect(Number(row ?? 0)).toBe(50 - failures);
    await expect(sum(a, "x")).rejects.toMatchObject({ code: "HS_NOT_PRIMARY" });
    await until(() => a.report(0).role === "standby" && a.fence?.owner === "host-b");
    await b.write(add("x", 100));
    await until(
      async () =>
        (await a.read({ type: "local" }, (db) => db.prepare("select n from entry").get()?.["n"])) === 150 - failures,
    );
  });

  test("an idle deposed primary finds out by itself", async () => {
    const a = await cluster.start("host-a", { first: true });
    await until(() => a.serving);
    const b = await cluster.start("host-b");
    await until(() => b.fence !== null);
    await cluster.promote(b);
    await until(() => !a.serving);
  });

  test("of two standbys that are ordered at once exactly one serves", async () => {
    const a = await cluster.start("host-a", { first: true });
    await until(() => a.serving);
    const others = [await cluster.start("host-b"), await cluster.start("host-c")];
    await until(() => others.every(({ fence }) => fence !== null));
    const fence = a.fence?.id ?? null;
    const answers = await Promise.all(others.map((pool) => cluster.promote(pool, fence)));
    expect(answers.map(({ outcome }) => outcome).toSorted()).toEqual(["refused", "serving"]);
  });

  test("an order that names an older fence is refused with the newest", async () => {
    const a = await cluster.start("host-a", { first: true });
    await until(() => a.serving);
    const b = await cluster.start("host-b");
    await until(() => b.fence !== null);
    const old = b.fence?.id ?? null;
    await cluster.promote(b);
    await until(() => a.fence?.owner === "host-b");
    expect(await cluster.promote(a, old)).toMatchObject({ outcome: "refused", fence: { owner: "host-b", epoch: 2 } });
  });
});
