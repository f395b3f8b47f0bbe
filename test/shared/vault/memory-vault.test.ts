import { describe, expect, test } from "vitest";
import type { PoolId } from "../../../shared/ids.ts";
import { slot } from "../../../shared/position.ts";
import { recordFolder, recordName, type VaultName } from "../../../shared/vault/layout.ts";
import type { MemoryDisk } from "../../../shared/vault/memory-disk.ts";
import type { MemoryStep } from "../../../shared/vault/memory-io.ts";
import { MemoryCrash, MemoryVault } from "../../../shared/vault/memory-vault.ts";
import { vaultContract } from "../../contract/vault-contract.ts";
import { seededRandom } from "./test-vaults.ts";

vaultContract("memory", () => {
  const random = seededRandom(1);
  const vault = new MemoryVault({ random });
  return { vault, other: new MemoryVault({ random, disk: vault.disk }), close: () => undefined };
});

const pool = "main" as PoolId;
const WHOLE = { offset: 0, maxBytes: 100_000 };
const record = (at: number): VaultName => recordName(pool, slot(at));
/** Longer than a sector and no two bytes near each other alike, so that any tear shows. */
const content = (at: number): Buffer =>
  Buffer.from(Array.from({ length: 1500 + at }, (_, index) => 1 + ((index + at) % 251)));
const SEEDS = 25;

const reopened = (disk: MemoryDisk): MemoryVault => new MemoryVault({ random: seededRandom(99), disk });

/** Runs `work` and stops it after its `stopAfter`th step; returns what it resolved to, or `null` if it was stopped. */
async function stopped<T>(
  disk: MemoryDisk | undefined,
  stopAfter: number,
  work: (vault: MemoryVault) => Promise<T>,
): Promise<{ readonly disk: MemoryDisk; readonly result: T | null; readonly steps: readonly MemoryStep[] }> {
  const steps: MemoryStep[] = [];
  const step = (done: MemoryStep): void => {
    steps.push(done);
    if (steps.length === stopAfter) throw new MemoryCrash(`after ${done.call} ${done.path}`);
  };
  const vault = new MemoryVault({ random: seededRandom(7), ...(disk ? { disk } : {}), step });
  try {
    return { disk: vault.disk, result: await work(vault), steps };
  } catch (error) {
    if (!(error instanceof MemoryCrash)) throw error;
    return { disk: vault.disk, result: null, steps };
  }
}

/** Every place at which `work` can be stopped, each with every seed. */
async function everywhere<T>(
  prepare: () => Promise<MemoryDisk>,
  work: (vault: MemoryVault) => Promise<T>,
  check: (disk: MemoryDisk, result: T | null, seed: number) => Promise<void>,
): Promise<readonly MemoryStep[]> {
  const { steps } = await stopped(await prepare(), Infinity, work);
  for (let stopAfter = 1; stopAfter <= steps.length + 1; stopAfter += 1) {
    for (let seed = 0; seed < SEEDS; seed += 1) {
      const { disk, result } = await stopped(await prepare(), stopAfter, work);
      await check(disk, result, seed);
    }
  }
  return steps;
}

const emptyDisk = async (): Promise<MemoryDisk> => new MemoryVault({ random: seededRandom(3) }).disk;
const diskWith = async (...slots: number[]): Promise<MemoryDisk> => {
  const vault = new MemoryVault({ random: seededRandom(3) });
  for (const at of slots) expect(await vault.put(record(at), content(at))).toEqual({ type: "created" });
  return vault.disk;
};

describe("power lost after every single step of a put", () => {
  for (const [before, prepare] of [
    ["in an empty vault", emptyDisk],
    ["beside a record", () => diskWith(1)],
  ] as const) {
    test(`${before}: nothing or the whole record, and what was acknowledged is there`, async () => {
      const outcomes = new Set<string>();
      const steps = await everywhere(
        prepare,
        (vault) => vault.put(record(2), content(2)),
        async (disk, result, seed) => {
          disk.crash(seededRandom(seed));
          const found = await reopened(disk).get(record(2), WHOLE);
          outcomes.add(`${result === null ? "stopped" : result.type}, ${found === null ? "absent" : "there"}`);
          if (found !== null) expect(found.equals(content(2))).toBe(true);
          if (result !== null) expect(found).not.toBeNull();
        },
      );
      expect(steps.map(({ call }) => call)).toContain("link");
      expect([...outcomes].sort()).toEqual(["created, there", "stopped, absent", "stopped, there"]);
    });
  }

  test("a record in the next file, which was prepared ahead, is whole too", async () => {
    await everywhere(
      () => diskWith(1),
      async (vault) => {
        await vault.put(record(2), content(2));
        return vault.put(record(3), content(900));
      },
      async (disk, result, seed) => {
        disk.crash(seededRandom(seed));
        const second = await reopened(disk).get(record(2), WHOLE);
        const third = await reopened(disk).get(record(3), WHOLE);
        if (third !== null) expect(third.equals(content(900))).toBe(true);
        if (third !== null) expect(second?.equals(content(2))).toBe(true);
        if (result !== null) expect(third).not.toBeNull();
      },
    );
  });
});

test("only the process dies after a step: what it named is whole, another host can publish or sees it taken", async () => {
  await everywhere(
    emptyDisk,
    (vault) => vault.put(record(1), content(1)),
    async (disk, result) => {
      const other = reopened(disk);
      const { type } = await other.put(record(1), content(5));
      const found = await other.get(record(1), WHOLE);
      expect(found?.equals(content(type === "created" ? 5 : 1))).toBe(true);
      if (result !== null) expect(type).toBe("exists");
    },
  );
});

test("power lost after every step of a removal: the record is whole or gone, its neighbour stays", async () => {
  const steps = await everywhere(
    () => diskWith(1, 2),
    (vault) => vault.remove(record(1)),
    async (disk, _, seed) => {
      disk.crash(seededRandom(seed));
      const found = await reopened(disk).get(record(1), WHOLE);
      if (found !== null) expect(found.equals(content(1))).toBe(true);
      expect((await reopened(disk).get(record(2), WHOLE))?.equals(content(2))).toBe(true);
    },
  );
  expect(steps.map(({ call }) => call)).toEqual(["unlink"]);
});

test("a record whose writer died before the folder's sync may vanish, unless a reader synced the folder first", async () => {
  let vanished = 0;
  for (let seed = 0; seed < SEEDS; seed += 1) {
    for (const synced of ["not synced", "synced"] as const) {
      const disk = await diskWith(1);
      const all = await stopped(await diskWith(1), Infinity, (vault) => vault.put(record(2), content(2)));
      const link = all.steps.findIndex(({ call }) => call === "link") + 1;
      await stopped(disk, link, (vault) => vault.put(record(2), content(2)));
      if (synced === "synced") await reopened(disk).sync(recordFolder(pool, slot(2)));
      disk.crash(seededRandom(seed));
      const found = await reopened(disk).get(record(2), WHOLE);
      if (found === null) vanished += 1;
      if (synced === "synced") expect(found?.equals(content(2))).toBe(true);
    }
  }
  expect(vanished).toBeGreaterThan(0);
});

test("a vault that forgot to sync contents would be caught: unsynced contents do tear", async () => {
  const kinds = new Set<string>();
  for (let seed = 0; seed < 60; seed += 1) {
    const { disk } = await stopped(await diskWith(1), Infinity, async (vault) => {
      await vault.hint("hosts/host-a.json" as VaultName, content(3));
      await vault.sync("hosts" as never);
    });
    disk.crash(seededRandom(seed));
    const found = await reopened(disk).get("hosts/host-a.json" as VaultName, WHOLE);
    kinds.add(found === null ? "absent" : found.equals(content(3)) ? "whole" : "torn");
  }
  expect([...kinds].sort()).toEqual(["torn", "whole"]);
});

test("the same seed gives the same crash", async () => {
  const images = await Promise.all(
    [1, 2].map(async () => {
      const { disk } = await stopped(await diskWith(1, 2, 3), 4, (vault) => vault.put(record(4), content(4)));
      disk.crash(seededRandom(11));
      return reopened(disk).list(recordFolder(pool, slot(1)));
    }),
  );
  expect(images[0]).toEqual(images[1]);
});

test("a vault whose process went down stays down", async () => {
  const vault = new MemoryVault({
    random: seededRandom(1),
    step: () => {
      throw new MemoryCrash("at once");
    },
  });
  await expect(vault.put(record(1), content(1))).rejects.toThrow(MemoryCrash);
  await expect(vault.get(record(1), WHOLE)).rejects.toThrow(MemoryCrash);
});
