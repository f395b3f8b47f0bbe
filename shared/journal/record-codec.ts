/**
 * A record as bytes. `docs/formats.md` has the table; reader and writer are here, side by side, and nowhere else.
 * Whatever the bytes are, decoding ends in a record or in a reason: it never throws, never guesses, never allocates
 * more than it was given.
 */
import { crc32 } from "node:zlib";
import { sha256 } from "../hash.ts";
import { isHotspareError, assert, reasonOf } from "../errors.ts";
import { parseBootId, parseNodeId, parseOriginId, parseRecordId, parseSha256, type NodeId } from "../ids.ts";
import { epoch, lsn, slot } from "../position.ts";
import { decodeOperations, encodeOperations } from "./operation-codec.ts";
import { decodeFence, decodeFormat, decodeRelease, encodeJson } from "./payload.ts";
import { RECORD_FORMATS } from "./record-formats.ts";
import type { JournalRecord, RecordHeader, SealedRecord } from "./record.ts";

/** No record is larger; a length beyond it is not believed. */
export const MAX_RECORD_BYTES = 64 * 1024 * 1024;

const MAGIC = 0x48535052; // "HSPR"
const HEADER_BYTES = 192;
const CHECKSUM_BYTES = 4;
const OWNER_BYTES = 63;
const KINDS = { batch: 1, fence: 2, release: 3, format: 4 } as const;
const KIND_NAMES = ["batch", "fence", "release", "format"] as const;

const AT = {
  magic: 0,
  version: 4,
  kind: 6,
  reserved: 7,
  length: 8,
  commits: 12,
  slot: 16,
  epoch: 24,
  firstLsn: 32,
  logTime: 40,
  id: 48,
  origin: 64,
  bootId: 80,
  previousHash: 96,
  ownerLength: 128,
  owner: 129,
} as const;

/** What some bytes turned out to be. `newer`: intact, but of a format that this program does not read. */
export type Decoded =
  | { readonly type: "record"; readonly sealed: SealedRecord }
  | { readonly type: "newer"; readonly version: number }
  | { readonly type: "invalid"; readonly reason: string };

export function encodeRecord(record: JournalRecord): SealedRecord {
  const payload = encodePayload(record);
  const length = HEADER_BYTES + payload.byteLength + CHECKSUM_BYTES;
  assert(length <= MAX_RECORD_BYTES, `a record of ${length} bytes, more than ${MAX_RECORD_BYTES}`);
  assert(isKnown(record.header.version), `a record of version ${record.header.version}, which nobody here writes`);
  const bytes = Buffer.alloc(length);
  writeHeader(bytes, record);
  bytes.set(payload, HEADER_BYTES);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, length - CHECKSUM_BYTES)), length - CHECKSUM_BYTES);
  return { record, bytes, hash: sha256(bytes) };
}

export function decodeRecord(bytes: Buffer): Decoded {
  const damage = findDamage(bytes);
  if (damage) return { type: "invalid", reason: damage };
  const version = bytes.readUInt16BE(AT.version);
  if (version > RECORD_FORMATS.max) return { type: "newer", version };
  if (!isKnown(version)) return { type: "invalid", reason: `version ${version} is not known` };
  try {
    return { type: "record", sealed: { record: readRecord(bytes), bytes, hash: sha256(bytes) } };
  } catch (error) {
    if (isHotspareError(error) || error instanceof RangeError || error instanceof TypeError) {
      return { type: "invalid", reason: reasonOf(error) };
    }
    throw error;
  }
}

/** How many of a record's first bytes `peekKind` needs. */
export const PEEK_BYTES = 8;

/** The kind that a record says it has, for summaries: only decoding finds out whether it is one. `null`: it says none. */
export function peekKind(bytes: Buffer): JournalRecord["kind"] | null {
  if (bytes.length < PEEK_BYTES || bytes.readUInt32BE(AT.magic) !== MAGIC) return null;
  const kind = bytes.readUInt8(AT.kind);
  return KIND_NAMES.find((name) => KINDS[name] === kind) ?? null;
}

const isKnown = (version: number): boolean => version >= RECORD_FORMATS.min && version <= RECORD_FORMATS.max;

/** What shows before anything inside is believed. The checksum covers every byte before it, the length included. */
function findDamage(bytes: Buffer): string | null {
  if (bytes.length < HEADER_BYTES + CHECKSUM_BYTES) return `${bytes.length} bytes are too few`;
  if (bytes.readUInt32BE(AT.magic) !== MAGIC) return "it does not begin as a record does";
  const length = bytes.readUInt32BE(AT.length);
  if (length !== bytes.length) return `it says ${length} bytes and has ${bytes.length}`;
  const end = length - CHECKSUM_BYTES;
  return crc32(bytes.subarray(0, end)) === bytes.readUInt32BE(end) ? null : "its checksum is wrong";
}

function readRecord(bytes: Buffer): JournalRecord {
  const header = readHeader(bytes);
  const payload = bytes.subarray(HEADER_BYTES, bytes.length - CHECKSUM_BYTES);
  const kind = bytes.readUInt8(AT.kind);
  if (kind === KINDS.batch) return { kind: "batch", header, operations: decodeOperations(payload) };
  if (header.commits !== 0) throw new RangeError(`${header.commits} commits in a record of kind ${kind}`);
  if (kind === KINDS.fence) return { kind: "fence", header, fence: decodeFence(payload) };
  if (kind === KINDS.release) return { kind: "release", header, release: decodeRelease(payload) };
  if (kind === KINDS.format) return { kind: "format", header, format: decodeFormat(payload) };
  throw new RangeError(`kind ${kind} is not known`);
}

function readHeader(bytes: Buffer): RecordHeader {
  const hex = (at: number, length: number): string => bytes.toString("hex", at, at + length);
  const number = (at: number): number => Number(bytes.readBigUInt64BE(at));
  return {
    version: bytes.readUInt16BE(AT.version),
    origin: parseOriginId(hex(AT.origin, 16)),
    slot: slot(number(AT.slot)),
    epoch: epoch(number(AT.epoch)),
    owner: readOwner(bytes),
    bootId: parseBootId(hex(AT.bootId, 16)),
    id: parseRecordId(hex(AT.id, 16)),
    previousHash: parseSha256(hex(AT.previousHash, 32)),
    firstLsn: lsn(number(AT.firstLsn)),
    commits: bytes.readUInt32BE(AT.commits),
    logTimeMs: number(AT.logTime),
  };
}

function readOwner(bytes: Buffer): NodeId {
  const length = bytes.readUInt8(AT.ownerLength);
  if (length > OWNER_BYTES) throw new RangeError(`an owner of ${length} bytes`);
  return parseNodeId(bytes.toString("latin1", AT.owner, AT.owner + length));
}

function writeHeader(bytes: Buffer, { kind, header }: JournalRecord): void {
  bytes.writeUInt32BE(MAGIC, AT.magic);
  bytes.writeUInt16BE(header.version, AT.version);
  bytes.writeUInt8(KINDS[kind], AT.kind);
  bytes.writeUInt32BE(bytes.length, AT.length);
  bytes.writeUInt32BE(header.commits, AT.commits);
  bytes.writeBigUInt64BE(BigInt(header.slot), AT.slot);
  bytes.writeBigUInt64BE(BigInt(header.epoch), AT.epoch);
  bytes.writeBigUInt64BE(BigInt(header.firstLsn), AT.firstLsn);
  bytes.writeBigUInt64BE(BigInt(header.logTimeMs), AT.logTime);
  bytes.write(header.id, AT.id, "hex");
  bytes.write(header.origin, AT.origin, "hex");
  bytes.write(header.bootId, AT.bootId, "hex");
  bytes.write(header.previousHash, AT.previousHash, "hex");
  bytes.writeUInt8(header.owner.length, AT.ownerLength);
  bytes.write(header.owner, AT.owner, "latin1");
}

function encodePayload(record: JournalRecord): Uint8Array {
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
