/** Real processes whose wall clocks are wrong: who says so, who is chosen, who hands over, and who comes back. */
import { afterEach, expect, test } from "vitest";
import { WallClocks } from "../chaos/wall-clocks.ts";
import { describeWith } from "../faults/requirement.ts";
import { until } from "../until.ts";
import { Nodes, ON_LOOPBACK, type ClusterShape, type Status } from "./nodes.ts";
import { documentIds, Writers } from "./writers.ts";

const PATIENTLY = { timeoutMs: 60_000, everyMs: 50 } as const;

let nodes: Nodes;
let clocks: WallClocks;

async function start(shape: ClusterShape): Promise<string> {
  clocks = new WallClocks();
  nodes = await Nodes.make({
    ...shape,
    placement: { ...ON_LOOPBACK, environment: (id) => clocks.environment(id) },
  });
  nodes.startAll();
  const primary = await nodes.served();
  await seen(({ hosts }) => hosts.every(({ health, clockOffsetMs }) => health === "up" && clockOffsetMs !== null));
  await seen(({ pools }) => pools[0]?.standbys.length === nodes.hosts.size - 1);
  return primary;
}

/** Waits until the proxy's status shows it. */
const seen = (shows: (status: Status) => boolean): Promise<void> =>
  until(async () => {
    const status = await nodes.status().catch(() => null);
    return status !== null && shows(status);
  }, PATIENTLY);

const host = ({ hosts }: Status, id: string): Status["hosts"][number] | undefined =>
  hosts.find((entry) => entry.id === id);
const quarantined = (status: Status): readonly string[] =>
  [...status.hosts, ...status.proxies].flatMap((node) => (node.quarantined === null ? [] : [node.id]));

describeWith(["faketime"], "a cluster of which one clock is wrong", () => {
  afterEach(async ({ task }) => {
    await nodes.end({ keep: task.result?.state === "fail" });
    clocks.remove();
  });

  test("by that of a standby: it says so, is not chosen, and comes back by itself", { timeout: 120_000 }, async () => {
    const primary = await start({ hosts: 3, proxies: 1 });
    // Of two that have applied the same it would be the preferred one.
    const [off = "", right] = [...nodes.hosts.keys()].filter((id) => id !== primary);
    clocks.move(off, 10);
    await seen((status) => host(status, off)?.quarantined !== null);
    const status = await nodes.status();
    expect(quarantined(status)).toEqual([off]);
    const { clockOffsetMs, clockErrorMs } = host(status, off)!;
    expect(Math.abs((clockOffsetMs ?? 0) - 10_000)).toBeLessThan(1_000 + (clockErrorMs ?? 0));
    expect(await nodes.command("status")).toMatch(/up +standby .*in quarantine: its clock is \d+ ms .* ahead of/);
    await nodes.signal(primary, "SIGKILL");
    await until(async () => ![null, primary].includes(await nodes.primary()), PATIENTLY);
    expect(await nodes.primary()).toBe(right);
    clocks.move(off, 0);
    await seen((now) => host(now, off)?.health === "up" && quarantined(now).length === 0);
    expect(nodes.log(off)).toMatch(/this host distrusts its clock[^]*the clock of this host is trusted again/);
    await nodes.signal(right ?? "", "SIGKILL");
    await until(async () => (await nodes.primary()) === off, PATIENTLY);
  });

  test(
    "by that of the primary: it hands over once, no write fails, and it is a standby again",
    { timeout: 120_000 },
    async () => {
      const primary = await start({ hosts: 3, proxies: 1 });
      const { epoch = 0 } = (await nodes.status()).pools[0] ?? {};
      const url = nodes.url();
      const headers = { "content-type": "application/json" };
      expect((await fetch(`${url}/spaces/load`, { method: "PUT", body: "{}", headers })).status).toBe(201);
      const writers = new Writers({ url: () => url, clients: 4, space: "load" });
      await until(() => writers.acknowledged.length > 20, PATIENTLY);
      clocks.move(primary, -10);
      await until(async () => ![null, primary].includes(await nodes.primary()), PATIENTLY);
      const before = writers.acknowledged.length;
      await until(() => writers.acknowledged.length > before + 50, PATIENTLY);
      await seen((status) => host(status, primary)?.role === "standby" && quarantined(status).includes(primary));
      clocks.move(primary, 0);
      await seen((status) => host(status, primary)?.role === "standby" && quarantined(status).length === 0);
      await writers.stop();
      expect(writers.failures).toEqual([]);
      expect((await nodes.status()).pools[0]).toMatchObject({ epoch: epoch + 1, state: "serving" });
      expect(nodes.log("proxy-1").match(/"event":"ordered"[^\n]*"cause":"clock"/g)).toHaveLength(1);
      const ids = await documentIds(url, "load");
      expect(ids.toSorted()).toEqual(writers.acknowledged.map(({ id }) => id).toSorted());
    },
  );

  test("by that of the proxy: the proxy says so, and no host is blamed", { timeout: 120_000 }, async () => {
    const primary = await start({ hosts: 2, proxies: 1 });
    clocks.move("proxy-1", 10);
    await seen((status) => quarantined(status).length > 0);
    expect(quarantined(await nodes.status())).toEqual(["proxy-1"]);
    expect(await nodes.command("status")).toMatch(/proxy-1 +up +yes .*in quarantine: its clock is \d+ ms .* ahead of/);
    clocks.move("proxy-1", 0);
    await seen((status) => quarantined(status).length === 0);
    expect(await nodes.primary()).toBe(primary);
    expect([...nodes.hosts.keys()].filter((id) => nodes.log(id).includes("distrusts"))).toEqual([]);
  });

  test("of only two nodes: that they differ is shown, and nobody is blamed", { timeout: 120_000 }, async () => {
    const primary = await start({ hosts: 1, proxies: 1 });
    clocks.move(primary, 10);
    await seen(({ clockDispute }) => clockDispute !== null);
    const text = await nodes.command("status");
    expect(text).toMatch(
      /the clock of host-a is \d+ ms .* ahead of that of proxy-1; which of them is wrong cannot be said/,
    );
    clocks.move(primary, 0);
    await seen(({ clockDispute, hosts }) => clockDispute === null && hosts[0]?.clockOffsetMs !== null);
    expect(text).not.toContain("quarantine");
    expect(nodes.log(primary) + nodes.log("proxy-1")).not.toContain("distrusts");
  });
});
