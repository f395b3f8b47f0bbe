/** What a reader of receipts believes: what its writer wrote, under the name of that fence, and nothing else. */
import { beforeEach, describe, expect, test } from "vitest";
import { HotspareError } from "../../../shared/errors.ts";
import { parseNodeId, parsePoolId, type RecordId } from "../../../shared/ids.ts";
import { epoch } from "../../../shared/position.ts";
import { decodeReceipt, decodeTenureEnd, encodeReceipt } from "../../../shared/receipt/receipt-codec.ts";
import { readReceipt, readTenureEnd } from "../../../shared/receipt/read-receipt.ts";
import {
  MAX_REASON,
  MAX_RECEIPT_BYTES,
  MAX_VOIDS,
  type Receipt,
  type ReceiptFence,
  type TenureEnd,
} from "../../../shared/receipt/receipt.ts";
import { parseReceiptName, receiptName, tenureEndName } from "../../../shared/vault/layout.ts";
import { MemoryVault } from "../../../shared/vault/memory-vault.ts";
import { seededRandom } from "../vault/test-vaults.ts";

const pool = parsePoolId("main");
const longest = "n".repeat(63);
const fence: ReceiptFence = { slot: 4, id: "0a".repeat(16), epoch: 2, owner: "host-b", bootId: "0b".repeat(16) };
const receipt: Receipt = {
  format: 1,
  pool: "main",
  fence,
  previous: null,
  slot: 4,
  lsn: 2,
  replayed: 0,
  servedAtMs: 1_700_000_000_000,
  phases: { verify: 1, fence: 2.5, confirm: 1, apply: 0, open: 0, total: 4.5 },
  voidFences: [],
  version: "0.1.0",
};
const tenureEnd: TenureEnd = {
  format: 1,
  pool: "main",
  fence,
  slot: 9,
  lsn: 7,
  endedAtMs: 1_700_000_000_000,
  reason: "deposed by host-c in epoch 3",
  batch: { slot: 10, commits: 3, fate: "void" },
  version: "0.1.0",
};

const bytesOf = (value: object): Buffer => Buffer.from(JSON.stringify(value));

describe("bytes", () => {
  test("come back as they were, and unknown fields are ignored", () => {
    expect(decodeReceipt(encodeReceipt(receipt))).toEqual({ type: "receipt", receipt });
    expect(decodeTenureEnd(encodeReceipt(tenureEnd))).toEqual({ type: "receipt", receipt: tenureEnd });
    expect(decodeReceipt(bytesOf({ ...receipt, later: 1 }))).toMatchObject({ type: "receipt" });
  });

  test("of the largest receipt are within the bound", () => {
    const large = { ...fence, owner: longest, slot: Number.MAX_SAFE_INTEGER, epoch: Number.MAX_SAFE_INTEGER };
    const voidFences = Array.from({ length: MAX_VOIDS }, () => large);
    expect(encodeReceipt({ ...receipt, voidFences }).length).toBeLessThan(MAX_RECEIPT_BYTES);
    const reason = "\u0001".repeat(MAX_REASON);
    expect(encodeReceipt({ ...tenureEnd, reason }).length).toBeLessThan(MAX_RECEIPT_BYTES);
    expect(() => encodeReceipt({ ...tenureEnd, reason: "x".repeat(MAX_RECEIPT_BYTES) })).toThrow(RangeError);
  });

  test.each<[string, Buffer, RegExp]>([
    ["empty", Buffer.alloc(0), /not JSON/],
    ["torn", encodeReceipt(receipt).subarray(0, -3), /not JSON/],
    ["no object", bytesOf([]), /format/],
    ["without a format", bytesOf({ ...receipt, format: undefined }), /format/],
    ["of a newer format", bytesOf({ ...receipt, format: 2 }), /format version 2; this program reads 1/],
    ["without a field", bytesOf({ ...receipt, lsn: undefined }), /lsn/],
    ["with a field of another type", bytesOf({ ...receipt, lsn: "2" }), /lsn/],
    ["with an id that is none", bytesOf({ ...receipt, fence: { ...fence, id: "\u001b[2J" } }), /fence\/id/],
    ["too large", Buffer.alloc(MAX_RECEIPT_BYTES + 1, " "), /more than/],
  ])("that are %s are damaged, and say why", (_, bytes, reason) => {
    expect(decodeReceipt(bytes)).toEqual({ type: "damaged", reason: expect.stringMatching(reason) });
    expect(decodeTenureEnd(bytes)).toMatchObject({ type: "damaged" });
  });
});

describe("in a vault", () => {
  let vault: MemoryVault;
  const asked = { id: fence.id as RecordId, epoch: epoch(fence.epoch), owner: parseNodeId("host-b") };
  beforeEach(() => {
    vault = new MemoryVault({ random: seededRandom(1) });
  });

  test("what nobody wrote is missing", async () => {
    expect(await readReceipt({ vault, pool, fence: asked })).toEqual({ type: "missing" });
    expect(await readTenureEnd({ vault, pool, fence: asked })).toEqual({ type: "missing" });
  });

  test("each is read from its own name", async () => {
    await vault.put(receiptName(pool, asked.epoch), encodeReceipt(receipt));
    await vault.put(tenureEndName(pool, asked.epoch), encodeReceipt(tenureEnd));
    expect(await readReceipt({ vault, pool, fence: asked })).toEqual({ type: "receipt", receipt });
    expect(await readTenureEnd({ vault, pool, fence: asked })).toEqual({ type: "receipt", receipt: tenureEnd });
  });

  test.each<[string, object]>([
    ["another fence of that epoch", { fence: { ...fence, id: "0c".repeat(16) } }],
    ["another epoch", { fence: { ...fence, epoch: 3 } }],
    ["another pool", { pool: "other" }],
  ])("one of %s is not believed", async (_, changes) => {
    await vault.put(receiptName(pool, asked.epoch), encodeReceipt({ ...receipt, ...changes }));
    const found = await readReceipt({ vault, pool, fence: asked });
    expect(found).toEqual({ type: "damaged", reason: "it is of another fence" });
  });

  test("one that cannot be read is damaged, and nothing is thrown", async () => {
    const error = new HotspareError("HS_VAULT_IO", { action: "read", name: "it", reason: "EIO" });
    const broken = { get: () => Promise.reject(error) };
    expect(await readReceipt({ vault: broken, pool, fence: asked })).toEqual({
      type: "damaged",
      reason: error.message,
    });
    const bug = { get: () => Promise.reject(new TypeError("a bug")) };
    await expect(readReceipt({ vault: bug, pool, fence: asked })).rejects.toThrow("a bug");
  });
});

test.each([
  ["0000000000000002.json", { epoch: 2, of: "begin" }],
  ["0000000000000002-end.json", { epoch: 2, of: "end" }],
  ["2.json", null],
  ["0000000000000002.json~", null],
  ["0000000000000002-ended.json", null],
  ["notes.txt", null],
])("the name %s", (name, expected) => expect(parseReceiptName(name)).toEqual(expected));
