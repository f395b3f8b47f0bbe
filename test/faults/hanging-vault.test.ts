/**
 * A vault that does not answer, or answers late, as a server that is stuck or a disk that is worn: for one host, for all.
 * Who cannot write must not keep the pool; where nobody can, nobody is ordered; what is only slow is no failure.
 */
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Nodes } from "../cluster/nodes.ts";
import { until } from "../until.ts";
import { FaultedCluster, PATIENCE_MS } from "./faulted-cluster.ts";
import { processOf } from "./node-process.ts";
import { describeWith } from "./requirement.ts";
import { StaleMount } from "./stale-mount.ts";

const TIMEOUT_MS = 180_000;
const HANG_S = 3;

interface Mounted {
  readonly cluster: FaultedCluster;
  readonly mounts: ReadonlyMap<string, StaleMount>;
}

/** Each host has a mount of its own, which asks each time. */
async function clusterOnMounts(): Promise<Mounted> {
  const cluster = await FaultedCluster.make({ extra: `health: { hang: ${HANG_S}s }` });
  const mounts = new Map<string, StaleMount>();
  for (const host of cluster.nodes.hosts.keys()) {
    const point = join(cluster.nodes.folder, "mounts", host);
    const mount = await StaleMount.of({ source: cluster.vault, point, staleS: 0 });
    onTestFinished(() => mount.end());
    cluster.mountFor(host, point);
    mounts.set(host, mount);
  }
  return { cluster, mounts };
}

describeWith(["bindfs"], "a vault that hangs", () => {
  test(
    "for the primary: it says so and acknowledges nothing, another takes over, its late put meets the fence",
    { timeout: TIMEOUT_MS },
    async () => {
      const { cluster, mounts } = await clusterOnMounts();
      await cluster.begin();
      for (let round = 0; round < 2; round += 1) {
        const primary = await cluster.nodes.served();
        mounts.get(primary)?.hang();
        await cluster.seesVault(primary, "bad");
        await cluster.servedByOther(primary);
        await cluster.progress();
        expect(await cluster.probe(primary, "live")).toMatchObject({ status: 200 });
        mounts.get(primary)?.resume();
        await until(async () => (await cluster.probe(primary, "primary")).status === 503, { timeoutMs: PATIENCE_MS });
        await cluster.follow();
      }
      await cluster.check();
    },
  );

  test("for a standby: it is not ordered, another one is", { timeout: TIMEOUT_MS }, async () => {
    const { cluster, mounts } = await clusterOnMounts();
    await cluster.begin();
    const primary = await cluster.nodes.served();
    const [stuck = "", other] = [...cluster.nodes.hosts.keys()].filter((id) => id !== primary);
    mounts.get(stuck)?.hang();
    await cluster.seesVault(stuck, "bad");
    await cluster.nodes.signal(primary, "SIGKILL");
    expect(await cluster.servedByOther(primary)).toBe(other);
    await cluster.progress();
    mounts.get(stuck)?.resume();
    cluster.nodes.start(primary);
    await cluster.follow();
    await cluster.check();
  });

  test.each([
    ["", "serving", () => ""],
    [", and the primary dies meanwhile", "vault-unavailable", killPrimary],
  ] as const)(
    "for all%s: nobody is ordered and local reads go on; when it answers, everything does",
    { timeout: TIMEOUT_MS },
    async (_, state, meanwhile) => {
      const { cluster, mounts } = await clusterOnMounts();
      const { nodes } = cluster;
      await cluster.begin();
      const { orders } = cluster;
      for (const mount of mounts.values()) mount.hang();
      // Long enough for everybody to have wanted to act.
      for (const id of nodes.hosts.keys()) await cluster.seesVault(id, "bad");
      for (const id of nodes.hosts.keys()) await untilProbeIsOld(cluster, id);
      const acknowledged = cluster.clients.acknowledged.length;
      const killed = await meanwhile(nodes);
      await until(async () => (await nodes.status()).pools[0]?.state === state, { timeoutMs: PATIENCE_MS });
      for (const id of nodes.hosts.keys()) if (id !== killed) await cluster.readsLocally(id);
      expect(cluster.clients.acknowledged.length).toBe(acknowledged);
      expect(cluster.orders).toBe(orders);
      for (const mount of mounts.values()) mount.resume();
      await cluster.progress();
      if (killed) await cluster.ended(killed);
      if (killed) nodes.start(killed);
      await cluster.follow();
      await cluster.check();
    },
  );
});

/** Not waited for: a process that hangs in its share ends only when that answers. Till then its ports stay taken. */
async function killPrimary(nodes: Nodes): Promise<string> {
  const primary = await nodes.served();
  process.kill(processOf(nodes.config, primary), "SIGKILL");
  return primary;
}

const untilProbeIsOld = (cluster: FaultedCluster, host: string): Promise<void> =>
  until(async () => (await cluster.metric(host, "hotspare_vault_probe_age_seconds")) > 3 * HANG_S, {
    timeoutMs: PATIENCE_MS,
    everyMs: 50,
  });

describeWith(["strace"], "a vault that is slow", () => {
  test.each([
    ["200 ms for each sync", ["fdatasync,fsync:delay_enter=200000"]],
    ["1 s for each sync of a file", ["fdatasync:delay_exit=1000000"]],
  ])("%s: batches grow, and nobody is ordered", { timeout: TIMEOUT_MS }, async (_, faults) => {
    const cluster = await FaultedCluster.make();
    await cluster.begin({ clients: 64 });
    const primary = await cluster.nodes.served();
    const { orders } = cluster;
    const fault = await cluster.inject(primary, "vault", { faults });
    await cluster.progress(64);
    const slot = (await cluster.nodes.status()).pools[0]?.slot ?? 0;
    const acknowledged = cluster.clients.acknowledged.length;
    await cluster.progress(640);
    const slots = ((await cluster.nodes.status()).pools[0]?.slot ?? 0) - slot;
    expect((cluster.clients.acknowledged.length - acknowledged) / slots).toBeGreaterThan(8);
    expect(await cluster.nodes.primary()).toBe(primary);
    expect(cluster.orders).toBe(orders);
    await fault.end();
    await cluster.check();
  });
});
