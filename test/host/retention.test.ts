import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { restoreCheckpoint } from "../../host/checkpoint/restore-checkpoint.ts";
import { Retention, type RetentionOptions, type RetentionOutcome } from "../../host/retention.ts";
import { writeHostHint } from "../../shared/checkpoint/host-hint.ts";
import { parseNodeId } from "../../shared/ids.ts";
import { extend, type Head } from "../../shared/journal/head.ts";
import { decodeRecord, MAX_RECORD_BYTES } from "../../shared/journal/record-codec.ts";
import type { SealedRecord } from "../../shared/journal/record.ts";
import { slot } from "../../shared/position.ts";
import { checkpointsFolder, recordName } from "../../shared/vault/layout.ts";
import { MemoryCrash, MemoryVault } from "../../shared/vault/memory-vault.ts";
import type { Vault } from "../../shared/vault/vault.ts";
import { Chain } from "../shared/journal/records.ts";
import { POOL, publish, sampleCheckpoint, type SampleCheckpoint } from "./checkpoint/sample-checkpoint.ts";
import { seededRandom } from "./checkpoint/seeded-random.ts";

const HOSTS = ["host-a", "host-b"].map(parseNodeId);
const DELAY_MS = 600_000;
const never = new AbortController().signal;

/** Slots 1 to 16: fences at 1 and 7, the batches of two tenures, a release at 6; checkpoints at 4, 9, 12 and 14. */
const chain = new Chain();
const heads: Head[] = [];
const checkpoints: SampleCheckpoint[] = [];
let folder: string;
let files = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "hotspare-retention-"));
  const add = (record: () => SealedRecord): void => {
    record();
    heads.push(chain.head!);
  };
  add(() => chain.fence("host-a"));
  for (let count = 0; count < 4; count += 1) add(() => chain.batch());
  add(() => chain.release());
  add(() => chain.fence("host-b"));
  for (let count = 0; count < 9; count += 1) add(() => chain.batch());
  for (const at of [4, 9, 12, 14]) checkpoints.push(await sampleCheckpoint(heads[at - 1], 5));
});
afterAll(() => rmSync(folder, { recursive: true }));

const FENCES = [1, 7];

async function fill(vault: Vault, wanted = checkpoints): Promise<void> {
  for (const { record, bytes } of chain.records) await vault.put(recordName(POOL, record.header.slot), bytes);
  for (const checkpoint of wanted) await publish(vault, checkpoint);
}

/** `host` says that its state was that of these checkpoints. */
function hint(vault: Vault, host: string, vouched: readonly SampleCheckpoint[], hash?: string): Promise<void> {
  const stateHashes = vouched.map(({ manifest }) => ({ slot: manifest.head.slot, hash: hash ?? manifest.stateHash }));
  return writeHostHint(vault, {
    host,
    bootId: "1".repeat(32),
    version: "0",
    tick: 1,
    wallMs: 0,
    pools: [{ pool: POOL, role: "standby", slot: 16, lsn: 16, stateHashes, restored: [] }],
  });
}

function setUp(vault: Vault, options: Partial<RetentionOptions> = {}) {
  const time = { nowMs: 0 };
  const retention = new Retention({
    vault,
    clock: {
      monotonicMs: () => time.nowMs,
      wallMs: () => 0,
      after: (_, run) => {
        queueMicrotask(run);
        return () => undefined;
      },
    },
    pool: POOL,
    hosts: () => HOSTS,
    keep: () => 2,
    cleanDelayMs: () => DELAY_MS,
    standing: () => heads.at(-1)!,
    attest: () => Promise.resolve({ type: "failed", reason: "not asked" }),
    ...options,
  });
  /** One pass that sees the checkpoints, and one after the delay. */
  const clean = async (): Promise<RetentionOutcome> => {
    await retention.pass(never);
    time.nowMs += DELAY_MS;
    return retention.pass(never);
  };
  return { retention, time, clean };
}

const memory = (step?: () => void): MemoryVault =>
  new MemoryVault({ random: seededRandom(1), ...(step ? { step } : {}) });

async function slotsIn(vault: Vault): Promise<number[]> {
  const found: number[] = [];
  for (let at = 1; at <= 16; at += 1) {
    if (await vault.get(recordName(POOL, slot(at)), { offset: 0, maxBytes: 1 })) found.push(at);
  }
  return found;
}

/** I9: the newest valid checkpoint and the records after it give the state; so does the one before it; fences are there. */
async function expectWhole(vault: Vault, told: string): Promise<void> {
  const present = await slotsIn(vault);
  for (const fence of FENCES) expect(present, told).toContain(fence);
  for (const atMost of [16, 13]) {
    const file = join(folder, `${(files += 1)}.db`);
    const only = checkpoints
      .map(({ manifest }) => ({ slot: slot(manifest.head.slot), stateHash: manifest.stateHash as never }))
      .filter((id) => id.slot <= atMost)
      .at(-1);
    const restored = await restoreCheckpoint({ vault, pool: POOL, file, only });
    if (restored.type !== "restored") throw new Error(`${told}: ${restored.type}`);
    rmSync(file);
    let { head } = restored;
    for (let at = head.slot + 1; at <= 16; at += 1) {
      const bytes = await vault.get(recordName(POOL, slot(at)), { offset: 0, maxBytes: MAX_RECORD_BYTES });
      const decoded = bytes && decodeRecord(bytes);
      if (decoded?.type !== "record") throw new Error(`${told}: record ${at}`);
      const next = extend(head, decoded.sealed);
      if (!next.ok) throw new Error(`${told}: ${next.violation.reason}`);
      head = next.head;
    }
    expect(head, told).toEqual(heads.at(-1));
  }
}

test("deletes batches and the release below the older of two, keeps fences and what is above", async () => {
  const vault = memory();
  await fill(vault);
  await hint(vault, "host-b", checkpoints);
  expect(await setUp(vault).clean()).toEqual({ type: "cleaned", horizon: 12, records: 9, checkpoints: 2, damaged: [] });
  expect(await slotsIn(vault)).toEqual([1, 7, 12, 13, 14, 15, 16]);
  const names = await vault.list(checkpointsFolder(POOL));
  expect(names.map((name) => Number(name.slice(0, 16)))).toEqual([12, 12, 14, 14]);
  await expectWhole(vault, "after cleaning");
});

test("a crash after every single step of cleaning: the state is there, and the next pass ends the work", async () => {
  let steps = 0;
  const counting = memory(() => (steps += 1));
  await fill(counting);
  await hint(counting, "host-b", checkpoints);
  const before = steps;
  await setUp(counting).clean();
  expect(steps - before).toBeGreaterThanOrEqual(13);
  for (let crashAt = before + 1; crashAt <= steps; crashAt += 1) {
    let step = 0;
    const vault = memory(() => {
      if ((step += 1) === crashAt) throw new MemoryCrash();
    });
    await fill(vault);
    await hint(vault, "host-b", checkpoints);
    await expect(setUp(vault).clean()).rejects.toBeInstanceOf(MemoryCrash);
    vault.crash(seededRandom(crashAt));
    const after = new MemoryVault({ random: seededRandom(2), disk: vault.disk });
    await expectWhole(after, `step ${crashAt}`);
    await hint(after, "host-b", checkpoints);
    await setUp(after).clean();
    expect(await slotsIn(after), `step ${crashAt}`).toEqual([1, 7, 12, 13, 14, 15, 16]);
    await expectWhole(after, `step ${crashAt}, cleaned again`);
  }
});

describe("nothing is deleted", () => {
  async function expectNothing(
    prepare: (vault: MemoryVault) => Promise<void>,
    type: RetentionOutcome["type"],
    options: Partial<RetentionOptions> = {},
  ): Promise<RetentionOutcome> {
    const vault = memory();
    await fill(vault);
    await prepare(vault);
    const before = await slotsIn(vault);
    const outcome = await setUp(vault, options).clean();
    expect(outcome.type).toBe(type);
    expect(await slotsIn(vault)).toEqual(before);
    expect(await vault.list(checkpointsFolder(POOL))).toHaveLength(8);
    return outcome;
  }

  test("by a host that is not the primary", async () => {
    await expectNothing((vault) => hint(vault, "host-b", checkpoints), "not-primary", { standing: () => null });
  });

  test("while nobody but their maker vouches for the checkpoints", async () => {
    await expectNothing((vault) => hint(vault, "host-a", checkpoints), "kept");
  });

  test("on the word of a host that is not configured", async () => {
    await expectNothing((vault) => hint(vault, "host-x", checkpoints), "kept");
  });

  test("while only one is vouched for", async () => {
    await expectNothing((vault) => hint(vault, "host-b", checkpoints.slice(3)), "kept");
  });

  test("while hosts find different states", async () => {
    await expectNothing(async (vault) => {
      await hint(vault, "host-b", checkpoints);
      await hint(vault, "host-a", checkpoints.slice(1, 2), "f".repeat(64));
    }, "kept");
  });

  test("when a fence of the chain is missing", async () => {
    const outcome = await expectNothing(async (vault) => {
      await hint(vault, "host-b", checkpoints);
      await vault.remove(recordName(POOL, slot(1)));
    }, "unsafe");
    expect(outcome).toMatchObject({ error: { code: "HS_RECORD_INVALID" } });
  });

  test("when a fence of the chain is another than the one referred to", async () => {
    await expectNothing(async (vault) => {
      await hint(vault, "host-b", checkpoints);
      await vault.remove(recordName(POOL, slot(1)));
      await vault.put(recordName(POOL, slot(1)), new Chain().fence("host-b").bytes);
    }, "unsafe");
  });

  test("when an image is not what its manifest says", async () => {
    await expectNothing(async (vault) => {
      await hint(vault, "host-b", checkpoints.slice(2));
      const image = (await vault.list(checkpointsFolder(POOL))).filter((name) => name.endsWith(".zst")).at(-1)!;
      const name = `${checkpointsFolder(POOL)}/${image}` as never;
      const bytes = (await vault.get(name, { offset: 0, maxBytes: 1e6 }))!;
      bytes[200]! ^= 1;
      await vault.remove(name);
      await vault.put(name, bytes);
    }, "kept");
  });

  test("when a checkpoint lies beyond the own head: this host is late", async () => {
    await expectNothing((vault) => hint(vault, "host-b", checkpoints), "kept", { standing: () => heads[12]! });
  });

  test("before the newer one was seen for the delay", async () => {
    const vault = memory();
    await fill(vault, checkpoints.slice(2));
    await hint(vault, "host-b", checkpoints);
    const { retention, time } = setUp(vault);
    await retention.pass(never);
    time.nowMs = DELAY_MS - 1;
    expect((await retention.pass(never)).type).toBe("kept");
    expect(await slotsIn(vault)).toHaveLength(16);
    time.nowMs = DELAY_MS;
    expect((await retention.pass(never)).type).toBe("cleaned");
  });
});

test("deposed in the middle: it stops there, and what is left is whole", async () => {
  for (const calls of [1, 2, 3, 5, 8]) {
    const vault = memory();
    await fill(vault);
    await hint(vault, "host-b", checkpoints);
    let asked = 0;
    await setUp(vault, { standing: () => ((asked += 1) <= 2 + calls ? heads.at(-1)! : null) }).clean();
    expect((await slotsIn(vault)).length).toBeGreaterThan(16 - 9);
    await expectWhole(vault, `${calls} calls`);
  }
});

test("a void fence and a damaged record below the horizon stay, and the damage is told", async () => {
  const vault = memory();
  await fill(vault);
  await hint(vault, "host-b", checkpoints);
  const voided = new Chain();
  voided.fence("host-a");
  const voidFence = voided.fence("host-b");
  await vault.remove(recordName(POOL, slot(2)));
  await vault.put(recordName(POOL, slot(2)), voidFence.bytes);
  await vault.remove(recordName(POOL, slot(3)));
  await vault.put(recordName(POOL, slot(3)), Buffer.from("no record"));
  expect(await setUp(vault).clean()).toMatchObject({ type: "cleaned", records: 7, damaged: [3] });
  expect((await slotsIn(vault)).slice(0, 4)).toEqual([1, 2, 3, 7]);
});

test("images without a manifest go below the horizon and stay above it", async () => {
  const vault = memory();
  await fill(vault);
  await hint(vault, "host-b", checkpoints);
  const orphan = (at: number): string => `${String(at).padStart(16, "0")}-${"e".repeat(64)}.zst`;
  for (const at of [3, 15]) await vault.put(`${checkpointsFolder(POOL)}/${orphan(at)}` as never, Buffer.from("orphan"));
  await setUp(vault).clean();
  const names = await vault.list(checkpointsFolder(POOL));
  expect(names).not.toContain(orphan(3));
  expect(names).toContain(orphan(15));
});

test("a cluster of one host: after an hour a separate process vouches, one checkpoint after the other", async () => {
  const vault = memory();
  await fill(vault, checkpoints.slice(2));
  const asked: number[] = [];
  const { retention, time } = setUp(vault, {
    hosts: () => HOSTS.slice(0, 1),
    attest: (id) => {
      asked.push(id.slot);
      return Promise.resolve({ type: "same" });
    },
  });
  await retention.pass(never);
  time.nowMs = 59 * 60_000;
  expect((await retention.pass(never)).type).toBe("kept");
  expect(asked).toEqual([]);
  time.nowMs = 60 * 60_000;
  expect((await retention.pass(never)).type).toBe("cleaned");
  expect(asked).toEqual([14, 12]);
});

test("a separate process finds another state than the checkpoint says: told, and nothing goes", async () => {
  const vault = memory();
  await fill(vault);
  const { retention, time } = setUp(vault, {
    attest: () => Promise.resolve({ type: "different", stateHash: "f".repeat(64) }),
  });
  await retention.pass(never);
  time.nowMs = 60 * 60_000;
  expect(await retention.pass(never)).toMatchObject({ type: "unsafe", error: { code: "HS_CHECKPOINT_INVALID" } });
  expect((await retention.pass(never)).type).toBe("kept");
  expect(await slotsIn(vault)).toHaveLength(16);
});
