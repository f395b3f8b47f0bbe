/**
 * Receipts as bytes. Read from a shared folder, so nothing in one is believed before its size, its format version and its
 * schema have been checked.
 */
import { Compile } from "typebox/compile";
import { MAX_RECEIPT_BYTES, Receipt, RECEIPT_FORMAT, TenureEnd } from "./receipt.ts";

/** What some bytes turned out to be; `damaged` also if they are of a format that this program does not read. */
export type Decoded<T> =
  | { readonly type: "receipt"; readonly receipt: T }
  | { readonly type: "damaged"; readonly reason: string };

interface Checked<T> {
  Check(value: unknown): value is T;
  Errors(value: unknown): readonly { readonly instancePath: string; readonly message: string }[];
}

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

function decode<T>(bytes: Buffer, schema: Checked<T>): Decoded<T> {
  if (bytes.length > MAX_RECEIPT_BYTES) return damaged(`it has more than ${MAX_RECEIPT_BYTES} bytes`);
  const value = parse(bytes);
  const version = formatOf(value);
  if (version === null) return damaged("it is not JSON with a format version");
  if (version > RECEIPT_FORMAT)
    return damaged(`it has format version ${version}; this program reads ${RECEIPT_FORMAT}`);
  if (schema.Check(value)) return { type: "receipt", receipt: value };
  const [first] = schema.Errors(value);
  return damaged(first ? `${first.instancePath || "/"} ${first.message}` : "it does not fit its schema");
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return null;
  }
}

function formatOf(value: unknown): number | null {
  if (typeof value !== "object" || value === null || !("format" in value)) return null;
  const { format } = value;
  return typeof format === "number" && Number.isSafeInteger(format) && format >= 1 ? format : null;
}

const damaged = (reason: string): { readonly type: "damaged"; readonly reason: string } => ({
  type: "damaged",
  reason,
});
