/**
 * The power fails under load, at a random instant, again and again: from what the vault's disk holds then, new machines
 * with empty disks must have everything that had been acknowledged. And the same without the sync of the folder, where
 * they must not: or this test could not fail.
 */
import { randomInt } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CrashImages, type CrashImage } from "./crash-image.ts";
import { FaultedCluster } from "./faulted-cluster.ts";
import { mountImage } from "./loop-image.ts";
import { unmount } from "./mount.ts";
import { describeWith } from "./requirement.ts";

const IMAGES = Number(process.env["HOTSPARE_CRASH_IMAGES"] ?? 8);
/** Without the sync most images miss something; so many in a row that miss nothing are no chance. */
const MUTANT_IMAGES = 4;
const TIMEOUT_MS = 600_000;

/** Images at random moments under load. */
async function takeImages(cluster: FaultedCluster, images: CrashImages, count: number): Promise<readonly CrashImage[]> {
  const taken: CrashImage[] = [];
  for (let image = 0; image < count; image += 1) {
    await cluster.progress(1 + randomInt(25));
    taken.push(await images.take(cluster.clients.acknowledged.map(({ id }) => id)));
  }
  return taken;
}

/** Every machine is gone, and the live disk with them. */
async function end(cluster: FaultedCluster): Promise<void> {
  const { nodes } = cluster;
  await cluster.clients.stop();
  for (const id of [...nodes.hosts.keys(), ...nodes.proxies.keys()]) await nodes.signal(id, "SIGKILL");
  await unmount(cluster.vault);
}

/** New machines start from the image alone: what is missing there of what had been acknowledged. */
async function lostIn(cluster: FaultedCluster, { file, acknowledged }: CrashImage): Promise<readonly string[]> {
  const { nodes } = cluster;
  rmSync(join(nodes.folder, "data"), { recursive: true, force: true });
  const mount = await mountImage(file, cluster.vault);
  await nodes.command("vault", "verify");
  nodes.startAll();
  await nodes.served();
  const there = new Set(await cluster.documents());
  for (const id of [...nodes.hosts.keys(), ...nodes.proxies.keys()]) await nodes.signal(id, "SIGKILL");
  await mount.end();
  return acknowledged.filter((id) => !there.has(id));
}

describeWith(["ext4", "xfs", "strace"], "the vault's machine loses power", () => {
  test(
    `at ${IMAGES} moments under load: what was acknowledged is there, and is served`,
    { timeout: TIMEOUT_MS },
    async () => {
      const images = await CrashImages.make();
      const extra = "checkpoint: { bytes: 64KiB, interval: 1h, keep: 2 }\ncleanDelay: 1s";
      const cluster = await FaultedCluster.make({ hosts: 2, extra, disk: (point) => images.mount(point) });
      await cluster.begin();
      const taken = await takeImages(cluster, images, IMAGES);
      await cluster.check();
      await end(cluster);
      for (const image of taken) expect(await lostIn(cluster, image)).toEqual([]);
    },
  );

  test(
    "and a host that does not sync folders: something is missing, as it must be",
    { timeout: TIMEOUT_MS },
    async () => {
      const images = await CrashImages.make();
      const cluster = await FaultedCluster.make({ hosts: 1, disk: (point) => images.mount(point) });
      await cluster.begin({ clients: 1, restMs: 40 });
      const fault = await cluster.inject("host-a", "vault", { faults: ["fsync:retval=0"] });
      await cluster.progress();
      const taken = await takeImages(cluster, images, MUTANT_IMAGES);
      await fault.end();
      await end(cluster);
      const lost: number[] = [];
      for (const image of taken) lost.push((await lostIn(cluster, image)).length);
      process.stderr.write(`without syncs of folders, acknowledged writes missing in each image: ${lost.join(", ")}\n`);
      expect(Math.max(...lost)).toBeGreaterThan(0);
    },
  );
});
