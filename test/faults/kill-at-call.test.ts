/**
 * A host that is killed before each single call by which it touches the vault: while it publishes, takes over, makes a
 * checkpoint, cleans, restores. Whatever is half done then, another goes on from it, and nothing is lost or doubled.
 *
 * What one call does is not interrupted in the middle: that the kernel keeps it whole, or not, is for crash images.
 */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { until } from "../until.ts";
import { crashPoints, killAt, sample, type CrashPoint } from "./crash-points.ts";
import { FaultedCluster, PATIENCE_MS } from "./faulted-cluster.ts";
import { InjectedNode } from "./injected-node.ts";
import { describeWith } from "./requirement.ts";

const TIMEOUT_MS = 900_000;

/** Of the thread that owns the vault, for one record and what is prepared for the next. */
const PUBLISH = { openat: 2, pwrite64: 2, ftruncate: 1, fdatasync: 1, close: 2, link: 1, fsync: 1, unlink: 1 };
/** From the order to the first answer, with what the thread does beside. */
const TAKEOVER = { openat: 12, getdents64: 8, fdatasync: 2, link: 2, fsync: 3, pwrite64: 4, close: 8, unlink: 2 };
/** Of the thread that makes images; it writes the image, packs it and publishes both files. */
const CHECKPOINT = { openat: 13, pwrite64: 12, write: 2, fdatasync: 3, link: 2, fsync: 6, unlink: 6 };
/** Of a host that starts without any data, in whichever thread. */
const RESTORE = { mkdir: 6, write: 8, pwrite64: 20, fsync: 4, fdatasync: 4, rename: 2, unlink: 4, link: 2 };

/** Kills the primary there, lets another serve, and brings it back. */
async function killPrimary(cluster: FaultedCluster, point: CrashPoint, thread: string): Promise<void> {
  const primary = await cluster.nodes.served();
  await cluster.inject(primary, thread, { faults: [killAt(point)] });
  if (thread === "hotspare-image") await cluster.nodes.command("checkpoint").catch(() => undefined);
  await cluster.ended(primary);
  await cluster.progress();
  cluster.nodes.start(primary);
  await cluster.follow(1);
}

/** The primary dies, then the one that takes over, there; both come back. */
async function killTaker(cluster: FaultedCluster, point: CrashPoint): Promise<void> {
  const primary = await cluster.nodes.served();
  const taker = primary === "host-a" ? "host-b" : "host-a";
  await cluster.inject(taker, "vault", { faults: [killAt(point)] });
  await cluster.nodes.signal(primary, "SIGKILL");
  await cluster.ended(taker);
  cluster.nodes.start(taker);
  cluster.nodes.start(primary);
  await cluster.nodes.served();
  await cluster.progress();
  await cluster.follow(1);
}

/** A standby loses all its data and dies there while it gets it back; then it starts on what that left. */
async function killRestoring(cluster: FaultedCluster, point: CrashPoint): Promise<boolean> {
  const { nodes } = cluster;
  const primary = await nodes.served();
  const host = primary === "host-a" ? "host-b" : "host-a";
  await nodes.signal(host, "SIGKILL");
  rmSync(join(nodes.folder, "data", host), { recursive: true });
  const restoring = new InjectedNode({ nodes, host, faults: [killAt(point)] });
  const standby = (): number => cluster.said(host, "role changed").filter(({ to }) => to === "standby").length;
  const before = standby();
  await until(() => !restoring.runs || standby() > before, { timeoutMs: PATIENCE_MS });
  const died = !restoring.runs;
  await restoring.kill();
  nodes.start(host);
  await cluster.follow(1);
  return died;
}

describeWith(["strace"], "a host killed before a single call", () => {
  test("of a publish", { timeout: TIMEOUT_MS }, async () => {
    const cluster = await FaultedCluster.make();
    await cluster.begin();
    for (const point of crashPoints(PUBLISH)) await killPrimary(cluster, point, "vault");
    await cluster.follow();
    expect(cluster.clients.refused).toEqual([]);
    await cluster.check();
  });

  test("of a takeover", { timeout: TIMEOUT_MS }, async () => {
    const cluster = await FaultedCluster.make({ hosts: 2 });
    await cluster.begin();
    for (const point of sample("takeover", crashPoints(TAKEOVER), 6)) await killTaker(cluster, point);
    await cluster.check();
  });

  test("of a checkpoint", { timeout: TIMEOUT_MS }, async () => {
    const cluster = await FaultedCluster.make();
    await cluster.begin();
    await cluster.nodes.command("checkpoint");
    for (const point of sample("checkpoint", crashPoints(CHECKPOINT), 5))
      await killPrimary(cluster, point, "hotspare-image");
    await cluster.follow();
    await cluster.check();
  });

  test("of a restore", { timeout: TIMEOUT_MS }, async () => {
    const cluster = await FaultedCluster.make({ hosts: 2 });
    await cluster.begin();
    await cluster.nodes.command("checkpoint");
    let died = 0;
    for (const point of sample("restore", crashPoints(RESTORE), 4)) died += Number(await killRestoring(cluster, point));
    expect(died).toBeGreaterThan(0);
    await cluster.check();
  });

  test("of cleaning", { timeout: TIMEOUT_MS }, async () => {
    const extra = "checkpoint: { bytes: 64KiB, interval: 1h, keep: 2 }\ncleanDelay: 1s";
    const cluster = await FaultedCluster.make({ extra });
    await cluster.begin({ clients: 8 });
    const journal = join(cluster.vault, "pools/main/journal/0000000000000000");
    for (let kill = 0; kill < 3; kill += 1) {
      const primary = await cluster.nodes.served();
      const slots = readdirSync(journal).sort();
      // Some records from the oldest on, whichever is cleaned first; a fence stays, and so does what is beyond.
      const paths = slots.slice(kill, 40).map((slot) => join(journal, slot));
      await cluster.inject(primary, "vault", { faults: [`unlink:signal=KILL:when=${1 + kill * 5}`], paths });
      await cluster.ended(primary);
      expect(paths.some((path) => existsSync(path))).toBe(true);
      await cluster.progress();
      cluster.nodes.start(primary);
      await cluster.follow(1);
    }
    await cluster.follow();
    await cluster.check();
  });
});
