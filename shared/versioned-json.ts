/**
 * JSON with a format version, as files of a shared folder have it: nothing in one is believed before its size, its version and
 * its schema have been checked.
 */

export type VersionedJson<T> =
  | { readonly type: "value"; readonly value: T }
  /** Of a format that this program does not read. */
  | { readonly type: "newer"; readonly version: number }
  | { readonly type: "invalid"; readonly reason: string };

/** A compiled schema. */
export interface JsonSchema<T> {
  Check(value: unknown): value is T;
  Errors(value: unknown): readonly { readonly instancePath: string; readonly message: string }[];
}

export interface JsonBounds {
  readonly maxBytes: number;
  /** The newest format that this program reads. */
  readonly newest: number;
}

export function readVersionedJson<T>(
  bytes: Buffer,
  schema: JsonSchema<T>,
  { maxBytes, newest }: JsonBounds,
): VersionedJson<T> {
  if (bytes.length > maxBytes) return { type: "invalid", reason: `it has more than ${maxBytes} bytes` };
  const value = parse(bytes);
  const version = formatOf(value);
  if (version === null) return { type: "invalid", reason: "it is not JSON with a format version" };
  if (version > newest) return { type: "newer", version };
  return schema.Check(value) ? { type: "value", value } : { type: "invalid", reason: describe(schema, value) };
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

function describe(schema: JsonSchema<unknown>, value: unknown): string {
  const [first] = schema.Errors(value);
  return first ? `${first.instancePath || "/"} ${first.message}` : "it does not fit its schema";
}
