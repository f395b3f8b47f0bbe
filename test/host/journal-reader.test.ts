import { beforeEach, describe, expect, test } from "vitest";
import type { Sha256 } from "../../shared/ids.ts";
import { MAX_RECORD_BYTES } from "../../shared/journal/record-codec.ts";
import { slot } from "../../shared/position.ts";
import { checkpointManifestName, recordName, SHARD_SLOTS, type VaultName } from "../../shared/vault/layout.ts";
import { MemoryVault } from "../../shared/vault/memory-vault.ts";
import { JournalReader } from "../../host/journal-reader.ts";
import { FaultyVault } from "../faulty-vault.ts";
import { Chain } from "../shared/journal/records.ts";
import { seededRandom } from "../shared/vault/test-vaults.ts";
import { POOL } from "./cluster.ts";

let vault: FaultyVault;
let reader: JournalReader;
let chain: Chain;

beforeEach(async () => {
  vault = new FaultyVault(new MemoryVault({ random: seededRandom(51) }));
  reader = new JournalReader(vault, POOL);
  chain = new Chain();
  chain.fence();
  for (let batch = 0; batch < 20; batch += 1) chain.batch();
  for (const { record, bytes } of chain.records) await vault.put(recordName(POOL, record.header.slot), bytes);
});

const put = (name: VaultName, bytes: Uint8Array = Buffer.from("x")): Promise<unknown> => vault.put(name, bytes);
const manifest = (at: number): VaultName => checkpointManifestName(POOL, slot(at), "a".repeat(64) as Sha256);

describe("a survey", () => {
  test("shows slots from the one asked for on, and all checkpoints, ascending", async () => {
    await put(manifest(9));
    await put(manifest(4));
    const survey = await reader.survey(slot(18));
    expect(survey).toEqual({ slots: [18, 19, 20, 21], checkpoints: [4, 9] });
  });

  test("goes over the border of a folder, and leaves the folders before it alone", async () => {
    await put(recordName(POOL, slot(SHARD_SLOTS)));
    await put(recordName(POOL, slot(2 * SHARD_SLOTS + 1)));
    expect((await reader.survey(slot(20))).slots).toEqual([20, 21, SHARD_SLOTS, 2 * SHARD_SLOTS + 1]);
    vault.calls.length = 0;
    expect((await reader.survey(slot(SHARD_SLOTS))).slots).toEqual([SHARD_SLOTS, 2 * SHARD_SLOTS + 1]);
    expect(vault.calls.filter((call) => call.endsWith("0000000000000000"))).toEqual([]);
  });

  test("lists records before checkpoints: who sleeps between the two still sees the checkpoint that made a deletion possible", async () => {
    vault.calls.length = 0;
    await reader.survey(slot(1));
    const journal = `pools/${POOL}/journal`;
    expect(vault.calls).toEqual([
      `list ${journal}`,
      `list ${journal}/${"0".repeat(16)}`,
      `list pools/${POOL}/checkpoints`,
      `sync ${journal}/${"0".repeat(16)}`,
      `sync ${journal}`,
    ]);
  });

  test("whatever else lies there is no record", async () => {
    await put(`pools/${POOL}/journal/${"0".repeat(16)}/notes.txt` as VaultName);
    await put(`pools/${POOL}/journal/old/${"0".repeat(15)}7` as VaultName);
    await put(`pools/${POOL}/checkpoints/thumbs.db` as VaultName);
    expect(await reader.survey(slot(20))).toEqual({ slots: [20, 21], checkpoints: [] });
  });

  test("of a pool without a journal is empty", async () => {
    const empty = new JournalReader(new MemoryVault({ random: seededRandom(52) }), POOL);
    expect(await empty.survey(slot(1))).toEqual({ slots: [], checkpoints: [] });
  });

  test.each([
    ["list", "HS_VAULT_IO"],
    ["sync", "HS_VAULT_UNDURABLE"],
  ] as const)("whose %s fails says so: no half of it is handed over", async (call, code) => {
    vault.always(call, { type: "EIO" });
    await expect(reader.survey(slot(1))).rejects.toMatchObject({ code });
  });
});

describe("a run", () => {
  test("is in order, whatever comes back first", async () => {
    const first = Promise.withResolvers<void>();
    vault.once("get", { type: "slow", until: first.promise });
    const run = reader.read(slot(1), slot(21));
    await new Promise((resolve) => setImmediate(resolve));
    first.resolve();
    const { records, stop } = await run;
    expect(records.map(({ record }) => record.header.slot)).toEqual(chain.records.map((_, index) => index + 1));
    expect(stop).toBeNull();
  });

  test("ends before the first that is not there as it should be, though later ones are", async () => {
    await vault.remove(recordName(POOL, slot(12)));
    const { records, stop } = await reader.read(slot(1), slot(21));
    expect(records).toHaveLength(11);
    expect(stop).toEqual({ type: "absent" });
  });
});

describe("what is found under one name", () => {
  const found = async (at: number): Promise<unknown> => reader.find(slot(at));

  test("nothing", async () => {
    expect(await found(22)).toEqual({ type: "absent" });
  });

  test("a record of another slot is not the one of this slot", async () => {
    await put(recordName(POOL, slot(22)), chain.records[4]?.bytes);
    expect(await found(22)).toEqual({ type: "invalid", reason: "it says that it is slot 5" });
  });

  test("an empty file, and one that is no record", async () => {
    await put(recordName(POOL, slot(22)), Buffer.alloc(0));
    await put(recordName(POOL, slot(23)), Buffer.alloc(500, 7));
    expect(await found(22)).toMatchObject({ type: "invalid" });
    expect(await found(23)).toMatchObject({ type: "invalid" });
  });

  test("more than any record has is not read", async () => {
    await vault.put(recordName(POOL, slot(22)), Buffer.alloc(MAX_RECORD_BYTES + 4096));
    expect(await found(22)).toMatchObject({ type: "invalid" });
  });

  test("what cannot be read is not absent", async () => {
    vault.once("get", { type: "EIO" });
    expect(await found(3)).toMatchObject({ type: "unreadable" });
  });

  test("a read that came short is invalid, not shorter", async () => {
    vault.once("get", { type: "short", bytes: 3 });
    expect(await found(3)).toMatchObject({ type: "invalid" });
  });
});
