import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { slot } from "../../shared/position.ts";
import { checkpointsFolder, recordName } from "../../shared/vault/layout.ts";
import { until } from "../until.ts";
import { add, Cluster, POOL, type EquippedHost } from "./cluster.ts";
import { hashOf } from "./machine.ts";

let cluster: Cluster;
beforeEach(() => {
  cluster = new Cluster();
});
afterEach(async () => {
  await cluster.end();
  expect(cluster.died).toEqual([]);
});

const recordFile = (at: number): string => join(cluster.vaultFolder, recordName(POOL, slot(at)));
const slotOf = ({ copy }: EquippedHost): number => copy.store.head?.slot ?? 0;
const checkpoints = (): string => join(cluster.vaultFolder, checkpointsFolder(POOL));
/** Files of checkpoints with that ending, oldest first. */
const filesOf = (ending: ".zst" | ".json"): string[] =>
  readdirSync(checkpoints())
    .filter((name) => name.endsWith(ending))
    .toSorted()
    .map((name) => join(checkpoints(), name));
/** Copies of the state in a host's data folder: the one in use, and whatever was left. */
const generations = ({ data }: EquippedHost): string[] => readdirSync(data).filter((name) => /^\d+$/.test(name));

async function primary(): Promise<EquippedHost> {
  const host = await cluster.equip("host-a", { first: true });
  await until(() => host.pool.serving);
  return host;
}

async function expectSame(one: EquippedHost, other: EquippedHost): Promise<void> {
  await until(() => slotOf(one) === slotOf(other));
  expect(hashOf(one.copy.store)).toBe(hashOf(other.copy.store));
}

test("a host is stuck at a damaged record, a living primary beyond it makes a checkpoint at once, and it goes on from that", async () => {
  const a = await primary();
  const healthy = await cluster.equip("host-c");
  const before = await cluster.equip("host-b");
  for (let n = 0; n < 3; n += 1) await a.pool.write(add("x"));
  await until(() => slotOf(before) === slotOf(a) && slotOf(healthy) === slotOf(a));
  await before.stop();
  await a.pool.write(add("x"));
  const damaged = slotOf(a);
  await a.pool.write(add("x"));
  await until(() => slotOf(healthy) === slotOf(a));
  const whole = readFileSync(recordFile(damaged));
  writeFileSync(recordFile(damaged), whole.subarray(0, whole.length - 1));
  const alarms: (string | null)[] = [];
  const b = await cluster.equip("host-b");
  await until(() => {
    const { alarm } = b.pool.report(0);
    if (alarm !== alarms.at(-1)) alarms.push(alarm);
    return slotOf(b) > damaged;
  });
  expect(alarms.some((alarm) => alarm?.startsWith(`HS_POOL_STUCK: slot ${damaged}`))).toBe(true);
  expect(Number(b.copy.restored?.slot)).toBeGreaterThanOrEqual(damaged);
  await a.pool.write(add("x"));
  await expectSame(b, a);
  await expectSame(healthy, a);
  expect(b.pool.report(0).alarm).toBeNull();
  expect(healthy.copy.restored).toBeNull();
  expect(await cluster.promote(b.pool)).toMatchObject({ outcome: "serving" });
});

test("a checkpoint that is asked for as soon as a host serves is taken: its thread is waited for", async () => {
  const a = await primary();
  expect(await a.checkpoints.take("at once")).toMatchObject({ slot: 3 });
  expect(filesOf(".json")).toHaveLength(1);
});

describe("of two checkpoints", () => {
  const made = mkdtempSync(join(tmpdir(), "hotspare-checkpoints-"));
  afterAll(() => rmSync(made, { recursive: true, force: true }));
  let headSlot: number;
  let headHash: string;

  /** A vault with a batch before, between and after two checkpoints; each test has its own copy of it. */
  beforeAll(async () => {
    cluster = new Cluster();
    const a = await primary();
    await a.pool.write(add("x"));
    await a.checkpoints.take("older");
    await a.pool.write(add("x"));
    await a.checkpoints.take("newer");
    await a.pool.write(add("x"));
    headSlot = slotOf(a);
    headHash = hashOf(a.copy.store);
    // As it is while it serves: no release at the end. Only what is never removed: temporary files come and go meanwhile.
    cpSync(join(cluster.vaultFolder, "pools"), join(made, "pools"), { recursive: true });
    await cluster.end();
  });
  beforeEach(() => cpSync(made, cluster.vaultFolder, { recursive: true }));
  const expectHistory = async (host: EquippedHost): Promise<void> => {
    await until(() => slotOf(host) === headSlot);
    expect(hashOf(host.copy.store)).toBe(headHash);
    expect(host.pool.report(0).alarm).toBeNull();
    expect(generations(host)).toHaveLength(1);
  };

  const bomb = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024));
  const damages: readonly (readonly [string, ".zst" | ".json", (whole: Buffer) => Buffer])[] = [
    ["image is cut", ".zst", (whole) => whole.subarray(0, whole.length >> 1)],
    ["image is a bomb", ".zst", () => bomb],
    [
      "manifest has a bit flipped",
      ".json",
      (whole) => {
        const bytes = Buffer.from(whole);
        bytes.writeUInt8(bytes.readUInt8(40) ^ 4, 40);
        return bytes;
      },
    ],
  ];

  test.each(damages)(
    "the newer one's %s: a new host begins with the older one and replays the rest",
    async (_, ending, spoil) => {
      const [older] = filesOf(".json");
      const newest = filesOf(ending).at(-1) ?? "";
      writeFileSync(newest, spoil(readFileSync(newest)));
      const b = await cluster.equip("host-b");
      await expectHistory(b);
      expect(older).toContain(String(b.copy.restored?.slot).padStart(16, "0"));
    },
  );

  test("both are damaged: an alarm, nothing is installed or left behind, no order is taken; mended, the host goes on", async () => {
    const kept = join(cluster.folder, "kept");
    cpSync(checkpoints(), kept, { recursive: true });
    for (const file of filesOf(".zst")) writeFileSync(file, readFileSync(file).subarray(0, 100));
    const b = await cluster.equip("host-b");
    await until(() => b.pool.state.alarm !== null);
    expect(await cluster.promote(b.pool)).toMatchObject({ outcome: "refused" });
    expect(b.copy.store.head).toBeNull();
    expect(b.copy.restored).toBeNull();
    // It is tried again and again, and each time what came of it is removed.
    const tried = b.pool.state.calls;
    await until(() => b.pool.state.calls > tried + 8);
    expect(generations(b).length).toBeLessThanOrEqual(2);
    rmSync(checkpoints(), { recursive: true });
    renameSync(kept, checkpoints());
    await expectHistory(b);
  });
});
