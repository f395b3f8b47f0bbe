import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { crc32 } from "node:zlib";
import { decodeRecord, encodeRecord, MAX_RECORD_BYTES } from "../../../shared/journal/record-codec.ts";
import type { Operation } from "../../../shared/journal/record.ts";
import type { NodeId, Sha256 } from "../../../shared/ids.ts";
import { knowUpTo } from "./known-formats.ts";
import { Chain } from "./records.ts";

const SCHEMA = "0123456789abcdef".repeat(4) as Sha256;

function samples(): Buffer[] {
  const chain = new Chain();
  chain.fence("host-a");
  chain.batch([
    { type: "changes", schema: SCHEMA, changeset: Buffer.from([1, 2, 3]) },
    { type: "sql", sql: "delete from t where a < ?", parameters: [null, 1.5, 7n, "ü", Buffer.from([0, 255])] },
    { type: "mark" },
  ]);
  chain.release("host-b" as NodeId);
  return chain.records.map(({ bytes }) => Buffer.from(bytes));
}

describe("a record's bytes", () => {
  test("come back as the record they were made of", () => {
    const value = fc.oneof(
      fc.constant(null),
      fc.double({ noNaN: true }),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.string({ unit: "grapheme" }),
      fc.uint8Array(),
    );
    const operation: fc.Arbitrary<Operation> = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((changeset): Operation => ({ type: "changes", schema: SCHEMA, changeset })),
      fc
        .tuple(fc.string({ unit: "grapheme" }), fc.array(value))
        .map(([sql, parameters]): Operation => ({ type: "sql", sql, parameters })),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 6 }), fc.boolean(), (operations, marked) => {
        const chain = new Chain();
        chain.fence();
        const list = marked ? [...operations, { type: "mark" } as const] : operations;
        const sealed = chain.batch(list, 3);
        const decoded = decodeRecord(Buffer.from(sealed.bytes));
        expect(decoded.type).toBe("record");
        if (decoded.type !== "record") return;
        expect(decoded.sealed.hash).toBe(sealed.hash);
        expect(encodeRecord(decoded.sealed.record).bytes).toEqual(sealed.bytes);
      }),
    );
  });

  test("cut at every byte are invalid, never torn tails", () => {
    for (const bytes of samples()) {
      for (let length = 0; length < bytes.length; length++) {
        expect(decodeRecord(bytes.subarray(0, length)).type).toBe("invalid");
      }
    }
  });

  test("with any one bit flipped are invalid", () => {
    for (const bytes of samples()) {
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const flipped = Buffer.from(bytes);
        flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        expect(decodeRecord(flipped).type, `bit ${bit}`).toBe("invalid");
      }
    }
  });

  test("with something after their end are invalid", () => {
    for (const bytes of samples()) expect(decodeRecord(Buffer.concat([bytes, Buffer.alloc(1)])).type).toBe("invalid");
  });

  test("of a newer format are told apart from damage", () => {
    const bytes = samples()[0]!;
    bytes.writeUInt16BE(2, 4);
    reseal(bytes);
    expect(decodeRecord(bytes)).toEqual({ type: "newer", version: 2 });
    knowUpTo(2);
    expect(decodeRecord(bytes)).toMatchObject({ type: "record", sealed: { record: { header: { version: 2 } } } });
  });

  test("of a version that never was are damage", () => {
    const bytes = samples()[0]!;
    bytes.writeUInt16BE(0, 4);
    reseal(bytes);
    expect(decodeRecord(bytes)).toMatchObject({ type: "invalid", reason: "version 0 is not known" });
  });

  test("whose inner lengths lie, under a right checksum, are invalid and allocate nothing", () => {
    const bytes = samples()[1]!;
    bytes.writeUInt32BE(0xffff_ffff, 192 + 1);
    reseal(bytes);
    expect(decodeRecord(bytes)).toMatchObject({ type: "invalid", reason: expect.stringContaining("4294967295") });
  });

  test("with arbitrary contents under a right checksum never throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 200 }), fc.integer({ min: 0, max: 6 }), (payload, kind) => {
        const bytes = Buffer.concat([samples()[0]!.subarray(0, 192), payload, Buffer.alloc(4)]);
        bytes.writeUInt8(kind, 6);
        bytes.writeUInt32BE(bytes.length, 8);
        reseal(bytes);
        expect(["record", "invalid"]).toContain(decodeRecord(bytes).type);
      }),
    );
  });

  test("larger than the bound are refused by the writer", () => {
    const chain = new Chain();
    chain.fence();
    const changeset = Buffer.alloc(MAX_RECORD_BYTES);
    expect(() => chain.batch([{ type: "changes", schema: SCHEMA, changeset }])).toThrow(/more than/);
  });
});

function reseal(bytes: Buffer): void {
  const end = bytes.length - 4;
  bytes.writeUInt32BE(crc32(bytes.subarray(0, end)), end);
}
