/** The operations of a batch as bytes: each is a type, a length, a body; `docs/formats.md` has the table. */
import { parseSha256 } from "../ids.ts";
import type { Operation, SqlValue } from "./record.ts";

const OPERATION = { changes: 1, sql: 2, mark: 3 } as const;
const VALUE = { null: 0, integer: 1, real: 2, text: 3, blob: 4 } as const;
const PREFIX_BYTES = 5;
const HASH_BYTES = 32;

export function encodeOperations(operations: readonly Operation[]): Buffer {
  return Buffer.concat(
    operations.flatMap((operation) => {
      const body = encodeBody(operation);
      const prefix = Buffer.alloc(PREFIX_BYTES);
      prefix.writeUInt8(OPERATION[operation.type], 0);
      prefix.writeUInt32BE(body.byteLength, 1);
      return [prefix, body];
    }),
  );
}

/** @throws {RangeError} if the bytes are not exactly a list of operations. */
export function decodeOperations(bytes: Buffer): Operation[] {
  const reader = new Reader(bytes);
  const operations: Operation[] = [];
  while (!reader.done) {
    if (operations.at(-1)?.type === "mark") throw new RangeError("an operation after a mark");
    const type = reader.byte();
    operations.push(decodeBody(type, reader.take(reader.length())));
  }
  return operations;
}

function encodeBody(operation: Operation): Uint8Array {
  switch (operation.type) {
    case "changes":
      return Buffer.concat([Buffer.from(operation.schema, "hex"), operation.changeset]);
    case "sql":
      return Buffer.concat([withLength(Buffer.from(operation.sql, "utf8")), ...operation.parameters.map(encodeValue)]);
    case "mark":
      return Buffer.alloc(0);
  }
}

function decodeBody(type: number, body: Buffer): Operation {
  switch (type) {
    case OPERATION.changes:
      if (body.length < HASH_BYTES) throw new RangeError("a change set without its schema");
      return {
        type: "changes",
        schema: parseSha256(body.toString("hex", 0, HASH_BYTES)),
        changeset: body.subarray(HASH_BYTES),
      };
    case OPERATION.sql:
      return decodeSql(new Reader(body));
    case OPERATION.mark:
      if (body.length > 0) throw new RangeError("a mark with contents");
      return { type: "mark" };
    default:
      throw new RangeError(`an operation of type ${type}, which is not known`);
  }
}

function decodeSql(reader: Reader): Operation {
  const sql = reader.take(reader.length()).toString("utf8");
  const parameters: SqlValue[] = [];
  while (!reader.done) parameters.push(decodeValue(reader));
  return { type: "sql", sql, parameters };
}

/** Numbers are bound as SQLite's REAL and big integers as INTEGER, as the store does: both come back as they were. */
function encodeValue(value: SqlValue): Buffer {
  if (value === null) return Buffer.from([VALUE.null]);
  if (typeof value === "bigint") {
    const bytes = Buffer.alloc(9, VALUE.integer);
    bytes.writeBigInt64BE(value, 1);
    return bytes;
  }
  if (typeof value === "number") {
    const bytes = Buffer.alloc(9, VALUE.real);
    bytes.writeDoubleBE(value, 1);
    return bytes;
  }
  if (typeof value === "string")
    return Buffer.concat([Buffer.from([VALUE.text]), withLength(Buffer.from(value, "utf8"))]);
  return Buffer.concat([Buffer.from([VALUE.blob]), withLength(value)]);
}

function decodeValue(reader: Reader): SqlValue {
  const type = reader.byte();
  switch (type) {
    case VALUE.null:
      return null;
    case VALUE.integer:
      return reader.take(8).readBigInt64BE();
    case VALUE.real:
      return reader.take(8).readDoubleBE();
    case VALUE.text:
      return reader.take(reader.length()).toString("utf8");
    case VALUE.blob:
      return new Uint8Array(reader.take(reader.length()));
    default:
      throw new RangeError(`a value of type ${type}, which is not known`);
  }
}

function withLength(bytes: Uint8Array): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(bytes.byteLength);
  return Buffer.concat([prefix, bytes]);
}

/** Walks over bytes; a length is checked against what is left before anything is taken. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    return this.take(1).readUInt8();
  }

  length(): number {
    return this.take(4).readUInt32BE();
  }

  take(count: number): Buffer {
    if (count > this.#bytes.length - this.#at) throw new RangeError(`${count} bytes where fewer are left`);
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }
}
