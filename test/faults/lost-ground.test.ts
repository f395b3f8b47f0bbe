/**
 * What a host stands on is taken from under it while it runs: file descriptors, its own disk, the mount of the vault, its
 * life between publishing a record and telling anybody.
 */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { until } from "../until.ts";
import { FaultedCluster, PATIENCE_MS } from "./faulted-cluster.ts";
import { makeImage, mountImage, shutDown } from "./loop-image.ts";
import { mountBound, mountMemory, unmount } from "./mount.ts";
import { processOf } from "./node-process.ts";
import { describeWith } from "./requirement.ts";
import { shellCommand } from "./shell-command.ts";
import { StaleMount } from "./stale-mount.ts";

const TIMEOUT_MS = 180_000;

describeWith(["prlimit"], "a host without file descriptors", () => {
  test(
    "the primary: it fails what it cannot do, and nothing else; with descriptors again it goes on or follows",
    { timeout: TIMEOUT_MS },
    async () => {
      const cluster = await FaultedCluster.make();
      await cluster.begin();
      const primary = await cluster.nodes.served();
      const pid = processOf(cluster.nodes.config, primary);
      const limit = (files: number): Promise<string> =>
        shellCommand("prlimit", "--pid", String(pid), `--nofile=${files}:`);
      await limit(readdirSync(`/proc/${pid}/fd`).length - 10);
      const refused = (): boolean => cluster.clients.refused.length > 0;
      const left = async (): Promise<boolean> => ![primary, null].includes(await cluster.nodes.primary());
      await until(async () => refused() || !cluster.nodes.runs(primary) || (await left()), { timeoutMs: PATIENCE_MS });
      // Where its own database could not be opened either, it has ended: that is no state to go on from.
      if (cluster.nodes.runs(primary)) await limit(1024);
      else cluster.nodes.start(primary);
      await cluster.progress();
      await cluster.follow();
      await cluster.check();
    },
  );
});

describeWith(["xfs", "xfs_io"], "a host whose own disk dies", () => {
  test(
    "the primary's: it answers nobody and ends, another serves; with an empty disk it restores",
    { timeout: TIMEOUT_MS },
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "hotspare-disk-"));
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
      await makeImage(join(folder, "image"), "xfs");
      const cluster = await FaultedCluster.make();
      const disk = await mountImage(join(folder, "image"), join(cluster.nodes.folder, "data", "host-a"));
      onTestFinished(() => disk.end());
      await cluster.begin();
      const primary = await cluster.nodes.served();
      expect(primary).toBe("host-a");
      await shutDown(disk.point);
      await cluster.ended(primary);
      await cluster.servedByOther(primary);
      await cluster.progress();
      await disk.end();
      cluster.nodes.start(primary);
      await cluster.follow();
      await cluster.check();
    },
  );
});

describeWith(["tmpfs"], "a vault that is unmounted under running hosts", () => {
  test(
    "an empty folder is left: nothing is made in it, nobody is ordered, and when it is back everything goes on",
    { timeout: TIMEOUT_MS },
    async () => {
      const real = mkdtempSync(join(tmpdir(), "hotspare-real-"));
      onTestFinished(() => rmSync(real, { recursive: true, force: true }));
      const memory = await mountMemory(real, "size=200m");
      onTestFinished(() => memory.end());
      const cluster = await FaultedCluster.make({ disk: (point) => mountBound(real, point) });
      await cluster.begin();
      const { orders } = cluster;
      await unmount(cluster.vault);
      for (const host of cluster.nodes.hosts.keys()) await cluster.seesVault(host, "bad");
      const acknowledged = cluster.clients.acknowledged.length;
      await until(async () => (await cluster.metric("host-a", "hotspare_vault_probe_age_seconds")) > 12, {
        timeoutMs: PATIENCE_MS,
      });
      expect(readdirSync(cluster.vault)).toEqual([]);
      expect(cluster.clients.acknowledged.length).toBe(acknowledged);
      expect(cluster.orders).toBe(orders);
      await mountBound(real, cluster.vault);
      await cluster.progress();
      await cluster.follow();
      await cluster.check();
    },
  );
});

describeWith(["bindfs", "strace"], "a primary that dies before it tells anybody", () => {
  test(
    "what it has just published: the standbys find it by themselves, on mounts that tell them nothing",
    { timeout: TIMEOUT_MS },
    async () => {
      const cluster = await FaultedCluster.make();
      for (const host of cluster.nodes.hosts.keys()) {
        const point = join(cluster.nodes.folder, "mounts", host);
        const mount = await StaleMount.of({ source: cluster.vault, point, staleS: 5 });
        onTestFinished(() => mount.end());
        cluster.mountFor(host, point);
      }
      await cluster.begin();
      for (const call of ["write", "writev"]) {
        for (const nth of [1, 2, 3]) {
          const primary = await cluster.nodes.served();
          await cluster.inject(primary, "MainThread", { faults: [`${call}:signal=KILL:when=${nth}`] });
          await cluster.ended(primary);
          await cluster.servedByOther(primary);
          await cluster.progress();
          cluster.nodes.start(primary);
          await cluster.follow();
        }
      }
      expect(cluster.clients.refused).toEqual([]);
      await cluster.check();
    },
  );
});
