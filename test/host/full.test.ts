import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { silentLog } from "../../shared/log.ts";
import { parseNodeId } from "../../shared/ids.ts";
import type { MemoryDisk } from "../../shared/vault/memory-disk.ts";
import { MemoryVault } from "../../shared/vault/memory-vault.ts";
import type { HotspareError } from "../../shared/errors.ts";
import { LOW_WATER, SpaceWatch } from "../../host/space-watch.ts";
import { FaultyVault } from "../faulty-vault.ts";
import { seededRandom } from "../shared/vault/test-vaults.ts";
import { add, POOL } from "./cluster.ts";
import { CopyFolder, FastClock, FileCopy, kill, Machine, startOn, turnsUntil, type Host } from "./machine.ts";

const random = seededRandom(61);
const LOW: readonly (readonly [string, (disk: MemoryDisk) => void])[] = [
  ["bytes", (disk) => void (disk.freeBytes = LOW_WATER.freeBytes - 1)],
  ["files", (disk) => void (disk.freeInodes = LOW_WATER.freeInodes - 1)],
];
const full = { code: "HS_VAULT_FULL", status: 507 };

function enough(disk: MemoryDisk): void {
  disk.freeBytes = LOW_WATER.freeBytes;
  disk.freeInodes = LOW_WATER.freeInodes;
}

describe("a pool on a vault that is nearly full", () => {
  let copies: CopyFolder;
  let disk: MemoryDisk;
  let faulty: FaultyVault;
  let host: Host;
  let watch: SpaceWatch;

  beforeAll(() => {
    copies = new CopyFolder();
  });
  afterAll(() => copies.remove());

  beforeEach(async () => {
    const memory = new MemoryVault({ random });
    disk = memory.disk;
    faulty = new FaultyVault(memory);
    host = await startOn(new Machine(faulty), new FileCopy(copies.file()), random, { reads: "barrier" });
    await turnsUntil(() => host.pool.serving);
    watch = new SpaceWatch({ vault: host.machine, pools: [host.pool], clock: host.machine, log: silentLog });
    await host.pool.write(add("x"));
  });
  afterEach(() => {
    watch.stop();
    kill(host);
    expect(host.died).toEqual([]);
  });

  const refuses = async (): Promise<boolean> =>
    host.pool.write(add("x")).then(
      () => false,
      (error: HotspareError) => error.code === "HS_VAULT_FULL",
    );
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  async function untilRefuses(expected: boolean): Promise<void> {
    for (let turns = 0; (await refuses()) !== expected; turns += 1) {
      expect(turns).toBeLessThan(5000);
      await turn();
    }
  }

  test.each(LOW)(
    "too few %s: writes are refused; reads, marks and barriers go on; with room again, writes too",
    async (_, lower) => {
      lower(disk);
      await untilRefuses(true);
      const before = host.copy.store.head?.slot ?? 0;
      await expect(host.pool.write(add("x"))).rejects.toMatchObject(full);
      expect(host.copy.store.head?.slot).toBe(before);
      expect(host.pool.serving).toBe(true);
      await host.pool.mark();
      await host.pool.read({ type: "linearizable" }, () => null);
      expect(host.copy.store.head?.slot).toBe(before + 2);
      enough(disk);
      await untilRefuses(false);
    },
  );

  test("it can be failed over, by an order and by a release: fences and releases still go", async () => {
    disk.freeBytes = 1;
    await untilRefuses(true);
    const other = await startOn(new Machine(new MemoryVault({ random, disk })), new FileCopy(copies.file()), random, {
      host: "host-b",
      first: false,
    });
    const otherWatch = new SpaceWatch({
      vault: other.machine,
      pools: [other.pool],
      clock: other.machine,
      log: silentLog,
    });
    await turnsUntil(() => other.pool.state.atHeadMs !== null);
    const order = { pool: POOL, bootId: "0".repeat(32), fence: host.pool.fence?.id ?? null, cause: "test", votes: [] };
    expect(await other.pool.promote(order, parseNodeId("proxy-1"))).toMatchObject({ outcome: "serving" });
    await expect(other.pool.write(add("x"))).rejects.toMatchObject(full);
    const fenced = other.pool.state.applied?.slot ?? 0;
    otherWatch.stop();
    await other.pool.stop();
    await turnsUntil(() => (host.pool.state.applied?.slot ?? 0) > fenced);
    expect(host.pool.fence?.owner).toBe("host-b");
    expect(host.pool.report(0).role).toBe("standby");
    other.machine.die();
    expect(other.died).toEqual([]);
  });

  test("not even a fence fits: the taker stays a standby and puts nothing; with room again it takes over", async () => {
    const tight = new FaultyVault(new MemoryVault({ random, disk }));
    const other = await startOn(new Machine(tight), new FileCopy(copies.file()), random, {
      host: "host-b",
      first: false,
    });
    await turnsUntil(() => other.pool.state.atHeadMs !== null);
    tight.always("put", { type: "ENOSPC" });
    const order = { pool: POOL, bootId: "0".repeat(32), fence: host.pool.fence?.id ?? null, cause: "test", votes: [] };
    expect(await other.pool.promote(order, parseNodeId("proxy-1"))).toMatchObject({ outcome: "refused" });
    expect(other.pool.report(0).role).toBe("standby");
    expect((await host.pool.write(add("x"))).value).toBe("2");
    tight.heal();
    expect(await other.pool.promote(order, parseNodeId("proxy-1"))).toMatchObject({ outcome: "serving" });
    expect((await other.pool.write(add("x"))).value).toBe("3");
    kill(other);
    expect(other.died).toEqual([]);
  });

  test("what cannot be asked is no reason to refuse, nor to stop refusing", async () => {
    faulty.always("space", { type: "EIO" });
    disk.freeBytes = 1;
    for (let turns = 0; turns < 200; turns += 1) await turn();
    expect(await refuses()).toBe(false);
    faulty.heal();
    await untilRefuses(true);
    faulty.always("space", { type: "EIO" });
    enough(disk);
    for (let turns = 0; turns < 200; turns += 1) await turn();
    expect(await refuses()).toBe(true);
    faulty.heal();
    await untilRefuses(false);
  });
});

test("it is told once when it begins and once when it is over, and not after the stop", async () => {
  const disk = new MemoryVault({ random }).disk;
  const told: string[] = [];
  const refusals: (string | null)[] = [];
  const log = {
    ...silentLog,
    error: (_: object, message: string) => void told.push(message),
    info: (_: object, message: string) => void told.push(message),
  };
  const clock = new FastClock();
  const pool = { refuseWrites: (error: HotspareError | null) => void refusals.push(error?.code ?? null) };
  const watch = new SpaceWatch({ vault: new MemoryVault({ random, disk }), pools: [pool, pool], clock, log });
  const pass = async (): Promise<void> => {
    const untilMs = clock.monotonicMs() + 10_000;
    await turnsUntil(() => clock.monotonicMs() > untilMs);
  };
  await pass();
  expect(told).toEqual([]);
  disk.freeInodes = 3;
  await pass();
  enough(disk);
  await pass();
  expect(told).toHaveLength(2);
  expect(refusals).toEqual(["HS_VAULT_FULL", "HS_VAULT_FULL", null, null]);
  disk.freeInodes = 3;
  watch.stop();
  for (let turns = 0; turns < 20; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(told).toHaveLength(2);
});
