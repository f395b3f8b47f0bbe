/**
 * The vault's disk dies under load: everything that would write fails, or it is read-only from one moment to the next.
 * Writes are refused or wait, nobody crashes, what is on the hosts can still be read; when the disk is back, all is there.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { until } from "../until.ts";
import { FaultedCluster, PATIENCE_MS } from "./faulted-cluster.ts";
import { abort, makeImage, mountCopy, mountImage, shutDown, type ImageKind } from "./loop-image.ts";
import { unmount } from "./mount.ts";
import { describeWith } from "./requirement.ts";
import { shellCommand } from "./shell-command.ts";

const TIMEOUT_MS = 180_000;

interface OnImage {
  readonly cluster: FaultedCluster;
  readonly image: string;
  readonly kind: ImageKind;
}

async function clusterOn(kind: ImageKind): Promise<OnImage> {
  const folder = mkdtempSync(join(tmpdir(), "hotspare-disk-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const image = join(folder, "image");
  await makeImage(image, kind);
  return { cluster: await FaultedCluster.make({ disk: (point) => mountImage(image, point) }), image, kind };
}

/** Every host knows, lives, has not died meanwhile, and shows what it has. */
async function expectCalm(cluster: FaultedCluster): Promise<void> {
  for (const host of cluster.nodes.hosts.keys()) await cluster.seesVault(host, "bad");
  for (const host of cluster.nodes.hosts.keys()) {
    expect(await cluster.probe(host, "live")).toMatchObject({ status: 200 });
    expect(cluster.said(host, "the host kills itself")).toEqual([]);
    await cluster.readsLocally(host);
  }
}

/** What the disk holds is put onto another one and repaired there, as an operator would. */
async function mend({ cluster, image, kind }: OnImage): Promise<void> {
  const { nodes } = cluster;
  for (const host of nodes.hosts.keys()) await nodes.signal(host, "SIGKILL");
  await unmount(cluster.vault);
  const copy = `${image}.copy`;
  await shellCommand("cp", "--sparse=always", image, copy);
  // It says 1 where it has mended something.
  if (kind === "ext4") await shellCommand("sh", "-c", 'e2fsck -fp "$0" || [ $? = 1 ]', copy);
  await mountCopy(copy, cluster.vault, kind);
  for (const host of nodes.hosts.keys()) nodes.start(host);
}

describeWith(["ext4", "xfs", "xfs_io"], "the vault's disk", () => {
  test.each([
    ["an XFS, dies", "xfs", shutDown],
    ["an ext4, dies", "ext4", shutDown],
    ["an ext4, goes read-only", "ext4", abort],
  ] as const)(
    "%s: nobody crashes, and what was acknowledged is there afterwards",
    { timeout: TIMEOUT_MS },
    async (_, kind, fail) => {
      const onImage = await clusterOn(kind);
      const { cluster } = onImage;
      await cluster.begin();
      await fail(cluster.vault);
      await expectCalm(cluster);
      const acknowledged = cluster.clients.acknowledged.length;
      for (const host of cluster.nodes.hosts.keys()) await cluster.seesVault(host, "bad");
      expect(cluster.clients.acknowledged.length).toBe(acknowledged);
      await mend(onImage);
      await cluster.progress();
      await cluster.follow();
      await cluster.check();
    },
  );

  test(
    "lets nothing be made any more: writes are refused, and go on by themselves",
    { timeout: TIMEOUT_MS },
    async () => {
      const { cluster } = await clusterOn("ext4");
      await cluster.begin();
      const temporary = join(cluster.vault, "tmp");
      await shellCommand("chattr", "+i", temporary);
      onTestFinished(async () => void (await shellCommand("chattr", "-i", temporary)));
      await until(() => cluster.clients.refusals.includes("HS_VAULT_UNWRITABLE"), { timeoutMs: PATIENCE_MS });
      await expectCalm(cluster);
      await shellCommand("chattr", "-i", temporary);
      await cluster.progress();
      await cluster.follow();
      expect(cluster.clients.refusals).toEqual(["HS_VAULT_UNWRITABLE"]);
      await cluster.check();
    },
  );
});
