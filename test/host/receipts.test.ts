/** Every takeover leaves a receipt, and whoever dies when, history tells what is known. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fenceHistory } from "../../deploy/cli/vault/fence-history.ts";
import { takeoverHistory, type Takeover } from "../../deploy/cli/vault/takeover-history.ts";
import { ReceiptWriter } from "../../host/receipt-writer.ts";
import type { HostedPool } from "../../host/pool.ts";
import { parseNodeId } from "../../shared/ids.ts";
import { silentLog } from "../../shared/log.ts";
import { systemClock } from "../../shared/system-clock.ts";
import type { MemoryDisk } from "../../shared/vault/memory-disk.ts";
import type { MemoryStep } from "../../shared/vault/memory-io.ts";
import { MemoryVault } from "../../shared/vault/memory-vault.ts";
import type { Vault } from "../../shared/vault/vault.ts";
import type { Request } from "../../shared/wire/messages.ts";
import { seededRandom } from "../shared/vault/test-vaults.ts";
import { until } from "../until.ts";
import { add, Cluster, POOL } from "./cluster.ts";
import { CopyFolder, FileCopy, kill, Machine, removeStore, startOn, turnsUntil, type Host } from "./machine.ts";

const PROXY = parseNodeId("proxy-1");

/** An order with everything that proxies that agree put into it. */
const order = (pool: HostedPool): Request<"promote"> => ({
  pool: POOL,
  bootId: "0".repeat(32),
  fence: pool.fence?.id ?? null,
  cause: "refused",
  votes: [
    { by: "proxy-1", verdict: "down: refused", seenAtMs: 1_700_000_000_000 },
    { by: "host-b", verdict: "down", standsFor: "proxy-2", seenAtMs: 1_700_000_000_020.5 },
    { by: "proxy-3", verdict: "up" },
  ],
  phases: { suspected: 1, detected: 250, agreed: 12.5, ordered: 0.5 },
});

async function historyOf(vault: Vault): Promise<readonly Takeover[]> {
  const { fences, broken } = await fenceHistory({ vault, pool: POOL });
  expect(broken).toBeNull();
  return takeoverHistory({ vault, pool: POOL, fences });
}

test("a takeover leaves who voted what, whom it deposed, from where it serves, and each phase", async () => {
  const cluster = new Cluster();
  const writers: ReceiptWriter[] = [];
  const written = (pool: HostedPool): void => {
    const options = { pool, vault: cluster.vault(), clock: systemClock, log: silentLog, version: "test" };
    writers.push(new ReceiptWriter(options));
  };
  try {
    const a = await cluster.start("host-a", { first: true });
    written(a);
    await until(() => a.serving);
    for (let write = 0; write < 3; write += 1) await a.write(add("x"));
    const b = await cluster.start("host-b");
    written(b);
    await until(() => b.fence !== null);
    expect(await b.promote(order(b), PROXY)).toMatchObject({ outcome: "serving" });
    await until(async () => (await historyOf(cluster.vault())).every(({ receipt }) => receipt?.type === "receipt"));
    await until(async () => (await historyOf(cluster.vault()))[0]?.deposedEnd?.type === "receipt");
    const [second, first] = await historyOf(cluster.vault());
    const { votes, phases } = order(b);
    expect(second).toMatchObject({
      epoch: 2,
      orderedBy: "proxy-1",
      votes,
      phases,
      deposed: { owner: "host-a", epoch: 1 },
    });
    expect(second?.receipt).toMatchObject({
      receipt: {
        fence: { id: b.fence?.id, slot: b.fence?.slot, owner: "host-b" },
        previous: { id: first?.id, epoch: 1, owner: "host-a" },
        slot: b.fence?.slot,
        lsn: b.lsn,
        voidFences: [],
      },
    });
    const took = second?.receipt?.type === "receipt" ? second.receipt.receipt.phases : null;
    const { total = 0, ...each } = took ?? {};
    expect(Object.keys(each)).toEqual(["verify", "fence", "confirm", "apply", "open"]);
    expect(total).toBeGreaterThan(0);
    expect(Object.values(each).reduce((sum, ms) => sum + ms, 0)).toBeCloseTo(total, 0);
    expect(second?.tookMs).toBe(264 + total);
    expect(second?.deposedEnd).toMatchObject({ receipt: { fence: { owner: "host-a" }, batch: null } });
    expect(first).toMatchObject({ epoch: 1, reason: "cold", deposed: null, deposedEnd: null });
  } finally {
    for (const writer of writers) writer.stop();
    await cluster.end();
    expect(cluster.died).toEqual([]);
  }
});

describe("the new primary stops after every single step of its takeover", () => {
  let copies: CopyFolder;
  beforeAll(() => {
    copies = new CopyFolder();
  });
  afterAll(() => copies.remove());

  const writerOn = ({ pool, machine }: Host): ReceiptWriter =>
    new ReceiptWriter({ pool, vault: machine, clock: machine, log: silentLog, version: "test" });

  /** A pool that host-a served, and left. */
  async function begun(): Promise<MemoryDisk> {
    const { machine, disk } = Machine.onDisk(seededRandom(1));
    const host = await startOn(machine, new FileCopy(copies.file()), seededRandom(2));
    await turnsUntil(() => host.pool.serving);
    await host.pool.write(add("x"));
    kill(host);
    return disk;
  }

  /** host-b follows, is ordered and serves, and writes its receipt, as far as it comes. */
  async function takeOver(disk: MemoryDisk, stopAfter: number): Promise<readonly MemoryStep[]> {
    const file = copies.file();
    const { machine, steps } = Machine.onDisk(seededRandom(3), { disk, stopAfter });
    const b = { host: "host-b", first: false };
    const host = await startOn(machine, new FileCopy(file), seededRandom(4), b);
    writerOn(host);
    await turnsUntil(() => host.pool.state.atHeadMs !== null || machine.dead);
    void host.pool.promote(order(host.pool), PROXY);
    const isWritten = (): boolean =>
      steps.some(({ call, path }) => call === "sync folder" && path.endsWith("/receipts"));
    await turnsUntil(() => isWritten() || machine.dead);
    kill(host);
    expect(host.died).toEqual([]);
    removeStore(file);
    return steps;
  }

  test.each([
    ["its process dies", (): void => undefined],
    ["the vault's machine loses power too", (disk: MemoryDisk, at: number): void => disk.crash(seededRandom(at))],
  ])("%s: history has the votes as soon as it has the fence, and a whole receipt or none", async (_, cut) => {
    const steps = await takeOver(await begun(), Infinity);
    const seen = new Map<string, number>();
    for (let stopAfter = 1; stopAfter <= steps.length; stopAfter += 1) {
      const disk = await begun();
      await takeOver(disk, stopAfter);
      cut(disk, stopAfter);
      const [newest] = await historyOf(new MemoryVault({ random: seededRandom(5), disk }));
      const state = newest?.epoch === 2 ? (newest.receipt?.type ?? "void") : "no fence";
      seen.set(state, (seen.get(state) ?? 0) + 1);
      if (newest?.epoch === 2) expect(newest).toMatchObject({ votes: order({ fence: null } as HostedPool).votes });
      if (state === "missing") expect(newest).toMatchObject({ tookMs: null, deposed: { owner: "host-a" } });
    }
    expect([...seen.keys()].toSorted()).toEqual(["missing", "no fence", "receipt"]);
  });
});
