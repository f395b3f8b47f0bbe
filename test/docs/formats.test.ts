/** The tables of docs/formats.md against real bytes, both ways: every byte of a record has its row, every row its bytes. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { parseNodeId, parsePoolId, type BootId, type OriginId, type RecordId, type Sha256 } from "../../shared/ids.ts";
import { originHash } from "../../shared/journal/head.ts";
import { encodeOperations } from "../../shared/journal/operation-codec.ts";
import { encodeJson } from "../../shared/journal/payload.ts";
import { encodeRecord } from "../../shared/journal/record-codec.ts";
import { RECORD_FORMATS } from "../../shared/journal/record-formats.ts";
import type { JournalRecord, Operation, RecordHeader, SqlValue } from "../../shared/journal/record.ts";
import { epoch, lsn, slot } from "../../shared/position.ts";
import { Receipt, TenureEnd } from "../../shared/receipt/receipt.ts";
import { SYSTEM_TABLES } from "../../host/store/system-tables.ts";
import {
  checkpointImageName,
  checkpointManifestName,
  clusterName,
  hostHintName,
  probeName,
  receiptName,
  recordName,
  revisionName,
  temporaryName,
  tenureEndName,
} from "../../shared/vault/layout.ts";
import { root } from "../source-code.ts";

const page = readFileSync(join(root, "docs/formats.md"), "utf8");

const header: RecordHeader = {
  version: RECORD_FORMATS.max,
  origin: "0a".repeat(16) as OriginId,
  slot: slot(0x0102030405),
  epoch: epoch(0x1112),
  owner: parseNodeId("host-a"),
  bootId: "0b".repeat(16) as BootId,
  id: "0c".repeat(16) as RecordId,
  previousHash: "0d".repeat(32) as Sha256,
  firstLsn: lsn(0x212223),
  commits: 3,
  logTimeMs: 0x313233,
};
const operations: readonly Operation[] = [
  { type: "changes", schema: "0e".repeat(32) as Sha256, changeset: Buffer.from("a change set") },
  { type: "sql", sql: "delete from t where a = ?", parameters: [null, 7n, 0.5, "text", Buffer.from("blob")] },
  { type: "mark" },
];
const none = { ...header, commits: 0 };
const records: Readonly<Record<JournalRecord["kind"], JournalRecord>> = {
  batch: { kind: "batch", header, operations },
  fence: {
    kind: "fence",
    header: none,
    fence: {
      previous: { slot: slot(1), id: header.id, hash: header.previousHash },
      schema: ["counter"],
      reason: "order",
      orderedBy: parseNodeId("proxy-1"),
      cause: "refused",
      votes: [
        { by: parseNodeId("host-c"), verdict: "down", standsFor: parseNodeId("proxy-2"), seenAtMs: 1_700_000_000_000 },
      ],
      phases: { detected: 250 },
      wallMs: 1,
    },
  },
  release: { kind: "release", header: none, release: { successor: null, cause: "the host stops" } },
  format: { kind: "format", header: none, format: { writeVersion: 1 } },
};
const kinds = Object.keys(records) as JournalRecord["kind"][];

describe("the table of a record", () => {
  const rows = byteTable("A record");

  it.each(kinds)("says where each field of a %s is", (kind) => {
    const { bytes, record } = encodeRecord(records[kind]);
    const expected = fieldsOf(record, Buffer.from(bytes));
    expect(rows.map(({ field }) => field)).toEqual(Object.keys(expected));
    for (const { field, offset, size } of rows) {
      const length = bytes.length - 196;
      const found = Buffer.from(bytes).subarray(sum(offset, length), sum(offset, length) + sum(size, length));
      expect(`${field} ${found.toString("hex")}`).toBe(`${field} ${expected[field]?.toString("hex")}`);
    }
  });

  it("leaves no byte out and counts none twice", () => expect(coverage(rows, 1000)).toBe(196 + 1000));

  it("names every kind with its number", () => {
    const meaning = rows.find(({ field }) => field === "kind")?.rest ?? "";
    const numbered = kinds.map((kind) => `${encodeRecord(records[kind]).bytes[6]} \`${kind}\``);
    expect(meaning.split(", ")).toEqual(numbered);
  });

  it("gives the hash of what slot 1 follows", () => {
    expect(page).toContain("for slot 1, of the origin id as 32 hex digits in ASCII");
    const bytes = Buffer.from("0a".repeat(16), "ascii");
    expect(originHash(header.origin)).toBe(createHash("sha256").update(bytes).digest("hex"));
  });
});

describe("the tables of payloads", () => {
  it.each(["fence", "release", "format"] as const)("have each field of a %s, and no other", (kind) => {
    const record = records[kind];
    const payload = record.kind === "batch" ? null : JSON.parse(String(encodeRecord(record).bytes.subarray(192, -4)));
    const documented = tableAfter(`Fields of a **${kind}**`).map(([field = ""]) => unquoted(field));
    expect(documented).toEqual(Object.keys(payload as object));
  });

  it("have each field of a vote", () => {
    const { fence } = records.fence as JournalRecord & { kind: "fence" };
    const documented = tableAfter("Fields of a **vote**").map(([field = ""]) => unquoted(field));
    expect(documented).toEqual(Object.keys(fence.votes[0] ?? {}));
  });

  it("have the prefix of an operation", () => {
    const rows = byteTable("Operations");
    const bytes = encodeOperations([operations[1] as Operation]);
    const at = (field: string): number => Number(rows.find((row) => row.field === field)?.offset);
    expect(rows.map(({ field }) => field)).toEqual(["type", "length", "body"]);
    expect(bytes.readUInt8(at("type"))).toBe(2);
    expect(bytes.readUInt32BE(at("length"))).toBe(bytes.length - at("body"));
  });

  it("have each type of operation with its number", () => {
    const documented = tableAfter("| type | operation | body |").map(([type = "", name]) => [unquoted(type), name]);
    const encoded = operations.map((operation) => [String(encodeOperations([operation])[0]), operation.type]);
    expect(documented).toEqual(encoded);
  });

  it("have each type of value with its number and its length", () => {
    const values: readonly (readonly [string, SqlValue, number])[] = [
      ["null", null, 0],
      ["integer", -1n, 8],
      ["real", 1.5, 8],
      ["text", "four", 8],
      ["blob", Buffer.from("four"), 8],
    ];
    const documented = tableAfter("### Values").map(([type = "", name]) => `${unquoted(type)} ${name}`);
    expect(documented).toEqual(values.map(([name, value]) => `${valueBytes(value)[0]} ${name}`));
    for (const [, value, length] of values) expect(valueBytes(value)).toHaveLength(1 + length);
  });
});

describe("the tables of receipts", () => {
  it.each([
    ["Fields of a **receipt**", Receipt],
    ["Fields of the **end of a tenure**", TenureEnd],
  ])("%s: each, and no other", (text, { properties }) => {
    const documented = tableAfter(text).flatMap(([fields = ""]) => fields.split(", ").map(unquoted));
    expect(documented.toSorted()).toEqual(Object.keys(properties).toSorted());
  });

  it("say what a fence in them is", () => {
    expect(page).toContain(`A **fence** in them is ${fieldsOfFence().join(", ")}.`);
  });

  const fieldsOfFence = (): string[] => Object.keys(Receipt.properties.fence.properties).map((field) => `\`${field}\``);
});

describe("the table of the vault", () => {
  it("has each name that the layout makes, and no other", () => {
    const [pool, host] = [parsePoolId("main"), parseNodeId("host-a")];
    const hash = "0f".repeat(32) as Sha256;
    const made = [
      clusterName,
      revisionName(9),
      hostHintName(host),
      probeName(host),
      recordName(pool, slot(5000)),
      checkpointImageName(pool, slot(5000), hash),
      checkpointManifestName(pool, slot(5000), hash),
      receiptName(pool, epoch(7)),
      tenureEndName(pool, epoch(7)),
      temporaryName("0".repeat(32)),
    ];
    const documented = tableAfter("## The vault").map(([path = ""]) => new RegExp(`^${patternOf(unquoted(path))}$`));
    expect(documented).toHaveLength(made.length);
    for (const [index, name] of made.entries()) expect(name).toMatch(documented[index] as RegExp);
  });
});

describe("the table of Hotspare's own tables", () => {
  it("has each table and column", () => {
    const rows = tableAfter("### Tables beside the application's");
    const tables = [...SYSTEM_TABLES.matchAll(/create table (\w+) \(([\s\S]*?)\n\) strict/g)];
    expect(rows.map(([name = ""]) => unquoted(name))).toEqual(tables.map(([, name]) => name));
    for (const [index, [, , columns = ""]] of tables.entries()) {
      const names = [...columns.matchAll(/^ {2}(\w+) /gm)].map(([, name]) => name);
      const documented = [...(rows[index]?.[1] ?? "").matchAll(/`(\w+)`/g)].map(([, name]) => name);
      expect(documented).toEqual(names);
    }
  });
});

interface ByteRow {
  readonly offset: string;
  readonly size: string;
  readonly field: string;
  readonly rest: string;
}

/** What the bytes of each field must be, in their order, worked out by hand and not by the codec. */
function fieldsOf(record: JournalRecord, bytes: Buffer): Readonly<Record<string, Buffer>> {
  const { header: own, kind } = record;
  const payload = payloadOf(record);
  return {
    magic: Buffer.from("HSPR", "ascii"),
    version: number(own.version, 2),
    kind: number(kinds.indexOf(kind) + 1, 1),
    reserved: number(0, 1),
    length: number(bytes.length, 4),
    commits: number(own.commits, 4),
    slot: number(own.slot, 8),
    epoch: number(own.epoch, 8),
    firstLsn: number(own.firstLsn, 8),
    logTime: number(own.logTimeMs, 8),
    id: Buffer.from(own.id, "hex"),
    origin: Buffer.from(own.origin, "hex"),
    bootId: Buffer.from(own.bootId, "hex"),
    previousHash: Buffer.from(own.previousHash, "hex"),
    ownerLength: number(own.owner.length, 1),
    owner: Buffer.from(own.owner.padEnd(63, "\0"), "ascii"),
    payload,
    checksum: number(crc32(bytes.subarray(0, -4)), 4),
  };
}

function payloadOf(record: JournalRecord): Buffer {
  switch (record.kind) {
    case "batch":
      return encodeOperations(record.operations);
    case "fence":
      return encodeJson(record.fence);
    case "release":
      return encodeJson(record.release);
    case "format":
      return encodeJson(record.format);
  }
}

const number = (value: number, size: number): Buffer => Buffer.from(value.toString(16).padStart(2 * size, "0"), "hex");

/** The bytes of one value: what is left of an operation without its prefix and the statement. */
const valueBytes = (value: SqlValue): Buffer =>
  encodeOperations([{ type: "sql", sql: "", parameters: [value] }]).subarray(5 + 4);

/** Where the table ends, if each row begins where the one before it ended. */
function coverage(rows: readonly ByteRow[], length: number): number {
  let end = 0;
  for (const { offset, size, field } of rows) {
    expect(`${field} at ${sum(offset, length)}`).toBe(`${field} at ${end}`);
    end += sum(size, length);
  }
  return end;
}

/** `192 + n`, with n the length of the payload. */
const sum = (text: string, n: number): number =>
  text.split("+").reduce((total, part) => total + (part.trim() === "n" ? n : Number(part)), 0);

function byteTable(heading: string): readonly ByteRow[] {
  const rows = tableAfter(`# ${heading}\n`);
  return rows.map(([offset = "", size = "", field = "", rest = ""]) => ({ offset, size, field, rest }));
}

/** The cells of the first table at or after `text`, without its head. */
function tableAfter(text: string): readonly (readonly string[])[] {
  const at = page.indexOf(text);
  expect(at, `docs/formats.md has no ${JSON.stringify(text)}`).toBeGreaterThan(-1);
  const lines = page.slice(at).split("\n");
  const first = lines.findIndex((line) => line.startsWith("|"));
  const length = lines.slice(first).findIndex((line) => !line.startsWith("|"));
  return lines.slice(first + 2, first + length).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const unquoted = (cell: string): string => cell.replace(/^`(.*)`$/, "$1");

/** A documented path as a pattern: `<…>` stands for one part of a name. */
const patternOf = (path: string): string =>
  path
    .replaceAll(/[.-]/g, "\\$&")
    .replaceAll("<slot>", "\\d{16}")
    .replaceAll("<number>", "\\d{16}")
    .replaceAll("<epoch>", "\\d{16}")
    .replaceAll("<shard>", "\\d{16}")
    .replaceAll("<state hash>", "[0-9a-f]{64}")
    .replaceAll("<32 hex digits>", "[0-9a-f]{32}")
    .replaceAll(/<(?:host|pool)>/g, "[a-z0-9-]+");
