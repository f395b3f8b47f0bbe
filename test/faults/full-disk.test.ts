/**
 * A disk without room: the vault's, by bytes and by files, slowly and all at once, also while a host takes over; and a
 * host's own. What cannot be stored is refused in a word that is true; with room again everything goes on by itself.
 */
import { closeSync, openSync, rmSync, statfsSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { until } from "../until.ts";
import { FaultedCluster, PATIENCE_MS } from "./faulted-cluster.ts";
import { mountMemory } from "./mount.ts";
import { describeWith } from "./requirement.ts";

const TIMEOUT_MS = 180_000;
const MEGABYTE = 1024 * 1024;

/** Files that take room from everybody else on a file system. */
class Ballast {
  readonly #folder: string;
  readonly #files: string[] = [];

  constructor(folder: string) {
    this.#folder = folder;
    onTestFinished(() => this.drop());
  }

  /** Leaves so many bytes free. */
  leaveBytes(bytes: number): void {
    const chunk = Buffer.alloc(256 * 1024);
    const fd = openSync(this.#file(), "w");
    try {
      for (let free = freeBytes(this.#folder); free > bytes; free = freeBytes(this.#folder)) {
        writeSync(fd, chunk, 0, Math.min(chunk.length, free - bytes));
      }
    } catch (error) {
      // Somebody else took the rest meanwhile.
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    } finally {
      closeSync(fd);
    }
  }

  /** Leaves so many more files to be made. */
  leaveFiles(files: number): void {
    while (statfsSync(this.#folder).ffree > files) writeFileSync(this.#file(), "");
  }

  drop(): void {
    for (const file of this.#files.splice(0)) rmSync(file, { force: true });
  }

  #file(): string {
    const file = join(this.#folder, `ballast-${this.#files.length}`);
    this.#files.push(file);
    return file;
  }
}

const freeBytes = (folder: string): number => {
  const { bsize, bavail } = statfsSync(folder);
  return bsize * bavail;
};

const inMemory = (options: string): Promise<FaultedCluster> =>
  FaultedCluster.make({ disk: (point) => mountMemory(point, options) });

const untilRefused = (cluster: FaultedCluster): Promise<void> => {
  const before = cluster.clients.refused.length;
  return until(() => cluster.clients.refused.length > before + 10, { timeoutMs: PATIENCE_MS });
};

const FULL: readonly (readonly [string, string, (ballast: Ballast) => void, (ballast: Ballast) => void])[] = [
  ["bytes", "size=96m", (ballast) => ballast.leaveBytes(40 * MEGABYTE), (ballast) => ballast.leaveBytes(0)],
  ["files", "size=200m,nr_inodes=4000", (ballast) => ballast.leaveFiles(500), (ballast) => ballast.leaveFiles(0)],
];

describeWith(["tmpfs"], "a vault without room", () => {
  test.each(FULL)(
    "too few %s are left: writes are refused, a fence and a checkpoint still fit, with room again writes go on",
    { timeout: TIMEOUT_MS },
    async (_, options, low) => {
      const cluster = await inMemory(options);
      await cluster.begin();
      const ballast = new Ballast(cluster.vault);
      low(ballast);
      await untilRefused(cluster);
      const primary = await cluster.nodes.served();
      await cluster.nodes.signal(primary, "SIGKILL");
      await cluster.servedByOther(primary);
      await untilRefused(cluster);
      await cluster.nodes.command("checkpoint");
      ballast.drop();
      await cluster.progress();
      cluster.nodes.start(primary);
      await cluster.follow();
      expect(cluster.clients.refusals).toEqual(["HS_VAULT_FULL"]);
      await cluster.check();
    },
  );

  test.each(FULL)(
    "no %s at all are left, from one moment to the next: nothing is half there, nobody takes over who cannot, with room again somebody does",
    { timeout: TIMEOUT_MS },
    async (_, options, _low, none) => {
      const cluster = await inMemory(options);
      await cluster.begin({ size: 20_000 });
      const ballast = new Ballast(cluster.vault);
      none(ballast);
      await untilRefused(cluster);
      // What the hosts themselves gave back meanwhile.
      none(ballast);
      for (const host of cluster.nodes.hosts.keys()) await cluster.seesVault(host, "bad");
      const primary = await cluster.nodes.served();
      await cluster.nodes.signal(primary, "SIGKILL");
      const state = async (): Promise<string | undefined> => (await cluster.nodes.status()).pools[0]?.state;
      const isOther = async (): Promise<boolean> => ![null, primary].includes(await cluster.nodes.primary());
      // A page that the dead one gave back is room enough for a fence: then somebody serves, and can only read.
      await until(async () => (await state()) === "vault-unavailable" || (await isOther()), { timeoutMs: PATIENCE_MS });
      ballast.drop();
      await cluster.progress();
      cluster.nodes.start(primary);
      await cluster.follow();
      await cluster.check();
    },
  );
});

describeWith(["tmpfs"], "a host's own disk without room", () => {
  test(
    "the primary's: it answers nobody and ends, another serves, with room again it follows",
    { timeout: TIMEOUT_MS },
    async () => {
      const cluster = await FaultedCluster.make();
      for (const host of cluster.nodes.hosts.keys()) {
        const mount = await mountMemory(join(cluster.nodes.folder, "data", host), "size=160m");
        onTestFinished(() => mount.end());
      }
      await cluster.begin({ size: 20_000 });
      const primary = await cluster.nodes.served();
      const ballast = new Ballast(join(cluster.nodes.folder, "data", primary));
      ballast.leaveBytes(0);
      await cluster.ended(primary);
      expect(cluster.said(primary, "the host kills itself")).toHaveLength(1);
      await cluster.servedByOther(primary);
      await cluster.progress();
      ballast.drop();
      cluster.nodes.start(primary);
      await cluster.follow();
      await cluster.check();
    },
  );
});
