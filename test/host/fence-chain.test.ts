import { beforeEach, expect, test } from "vitest";
import { FenceChain } from "../../host/fence-chain.ts";
import { parsePoolId } from "../../shared/ids.ts";
import { slot } from "../../shared/position.ts";
import { recordName } from "../../shared/vault/layout.ts";
import { MemoryVault } from "../../shared/vault/memory-vault.ts";
import type { Vault } from "../../shared/vault/vault.ts";
import { Chain } from "../shared/journal/records.ts";
import { seededRandom } from "./checkpoint/seeded-random.ts";

const POOL = parsePoolId("main");
let vault: MemoryVault;
let history: Chain;

beforeEach(async () => {
  vault = new MemoryVault({ random: seededRandom(1) });
  history = new Chain();
  history.fence("host-a");
  history.batch();
  history.fence("host-b");
  history.batch();
  history.fence("host-a");
  for (const { record, bytes } of history.records) await vault.put(recordName(POOL, record.header.slot), bytes);
});

/** The vault, with the names that were read. */
function counting(): { vault: Vault; reads: string[] } {
  const reads: string[] = [];
  const get: Vault["get"] = (name, range) => {
    reads.push(name);
    return vault.get(name, range);
  };
  return { vault: Object.create(vault, { get: { value: get } }) as Vault, reads };
}

test("finds all fences of the chain, without a listing", async () => {
  const chain = new FenceChain(vault, POOL);
  expect(await chain.walk(history.head!.fence)).toEqual({ type: "whole" });
  expect(chain.slots).toEqual(new Set([1, 3, 5]));
});

test("a void fence in the journal is not on it", async () => {
  const voided = new Chain();
  voided.fence("host-a");
  voided.batch();
  const { record, bytes } = voided.fence("host-c");
  await vault.remove(recordName(POOL, slot(2)));
  await vault.put(recordName(POOL, slot(2)), bytes);
  const chain = new FenceChain(vault, POOL);
  await chain.walk(history.head!.fence);
  expect(chain.slots.has(slot(2))).toBe(false);
  expect(chain.has({ slot: slot(3), id: record.header.id, hash: voided.head!.hash })).toBe(false);
});

test("what was walked once is not read again", async () => {
  const { vault: counted, reads } = counting();
  const chain = new FenceChain(counted, POOL);
  await chain.walk(history.head!.fence);
  expect(reads).toHaveLength(3);
  const next = history.fence("host-b");
  await vault.put(recordName(POOL, next.record.header.slot), next.bytes);
  await chain.walk(history.head!.fence);
  expect(reads).toHaveLength(4);
  expect(chain.slots).toEqual(new Set([1, 3, 5, 6]));
});

test("a walk from another branch forgets what is beyond the place where they meet", async () => {
  const chain = new FenceChain(vault, POOL);
  await chain.walk(history.head!.fence);
  const middle = history.records[2]!;
  const { header } = middle.record;
  const { slot: at, id, owner, bootId, epoch } = header;
  await chain.walk({ slot: at, id, owner, bootId, epoch, hash: middle.hash });
  expect(chain.slots).toEqual(new Set([1, 3]));
});

test.each([
  ["missing", null],
  ["damaged", Buffer.from("no record")],
])("a fence that is %s breaks it, and nothing is concluded", async (_, bytes) => {
  await vault.remove(recordName(POOL, slot(3)));
  if (bytes) await vault.put(recordName(POOL, slot(3)), bytes);
  const chain = new FenceChain(vault, POOL);
  expect(await chain.walk(history.head!.fence)).toMatchObject({ type: "broken", error: { code: "HS_RECORD_INVALID" } });
  expect(chain.slots.size).toBe(0);
});

test("a batch or another fence in a fence's place breaks it", async () => {
  const other = new Chain();
  other.fence("host-c");
  other.batch();
  for (const record of [history.records[1]!, other.fence("host-c")]) {
    await vault.remove(recordName(POOL, slot(3)));
    await vault.put(recordName(POOL, slot(3)), record.bytes);
    expect((await new FenceChain(vault, POOL).walk(history.head!.fence)).type).toBe("broken");
  }
});
