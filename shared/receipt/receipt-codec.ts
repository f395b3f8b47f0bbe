/** Receipts as bytes. */
import { Compile } from "typebox/compile";
import { readVersionedJson, type JsonSchema } from "../versioned-json.ts";
import { MAX_RECEIPT_BYTES, Receipt, RECEIPT_FORMAT, TenureEnd } from "./receipt.ts";

/** What some bytes turned out to be; `damaged` also if they are of a format that this program does not read. */
export type Decoded<T> =
  | { readonly type: "receipt"; readonly receipt: T }
  | { readonly type: "damaged"; readonly reason: string };

const receipt = Compile(Receipt);
const tenureEnd = Compile(TenureEnd);

/** @throws RangeError if it is larger than any reader would believe. */
export function encodeReceipt(value: Receipt | TenureEnd): Buffer {
  const bytes = Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
  if (bytes.length > MAX_RECEIPT_BYTES) throw new RangeError(`a receipt of ${bytes.length} bytes`);
  return bytes;
}

export const decodeReceipt = (bytes: Buffer): Decoded<Receipt> => decode(bytes, receipt);
export const decodeTenureEnd = (bytes: Buffer): Decoded<TenureEnd> => decode(bytes, tenureEnd);

function decode<T>(bytes: Buffer, schema: JsonSchema<T>): Decoded<T> {
  const read = readVersionedJson(bytes, schema, { maxBytes: MAX_RECEIPT_BYTES, newest: RECEIPT_FORMAT });
  switch (read.type) {
    case "value":
      return { type: "receipt", receipt: read.value };
    case "newer":
      return damaged(`it has format version ${read.version}; this program reads ${RECEIPT_FORMAT}`);
    case "invalid":
      return damaged(read.reason);
  }
}

const damaged = (reason: string): { readonly type: "damaged"; readonly reason: string } => ({
  type: "damaged",
  reason,
});
