/** The payloads of fence, release and format records: JSON, so that people can read them; unknown fields are ignored. */
import { Type, type Static, type TSchema } from "typebox";
import { Compile } from "typebox/compile";
import type { FencePayload, FormatPayload, ReleasePayload } from "./record.ts";

const MAX_PAYLOAD_BYTES = 1024 * 1024;

const Hex128 = Type.String({ pattern: "^[0-9a-f]{32}$" });
const Hex256 = Type.String({ pattern: "^[0-9a-f]{64}$" });
const Node = Type.String({ minLength: 1, maxLength: 63 });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

const fence = Compile(
  Type.Object({
    previous: orNull(Type.Object({ slot: Count, id: Hex128, hash: Hex256 })),
    schema: Type.Array(Type.String()),
    reason: Type.Union([
      Type.Literal("start"),
      Type.Literal("cold"),
      Type.Literal("order"),
      Type.Literal("switchover"),
    ]),
    orderedBy: orNull(Node),
    cause: Type.String(),
    votes: Type.Array(
      Type.Object({
        by: Node,
        verdict: Type.String(),
        standsFor: Type.Optional(Node),
        seenAtMs: Type.Optional(Type.Number()),
      }),
    ),
    phases: Type.Optional(Type.Record(Type.String(), Type.Number())),
    wallMs: Type.Number(),
  }),
);
const release = Compile(Type.Object({ successor: orNull(Node), cause: Type.String() }));
const format = Compile(Type.Object({ writeVersion: Type.Integer({ minimum: 1 }) }));

interface Checked<T extends TSchema> {
  Check(value: unknown): value is Static<T>;
}

export const decodeFence = (bytes: Buffer): FencePayload => decodeJson(bytes, fence, "fence") as FencePayload;
export const decodeRelease = (bytes: Buffer): ReleasePayload => decodeJson(bytes, release, "release") as ReleasePayload;
export const decodeFormat = (bytes: Buffer): FormatPayload => decodeJson(bytes, format, "format") as FormatPayload;

export function encodeJson(payload: FencePayload | ReleasePayload | FormatPayload): Buffer {
  return Buffer.from(JSON.stringify(payload), "utf8");
}

function decodeJson<T extends TSchema>(bytes: Buffer, schema: Checked<T>, what: string): Static<T> {
  if (bytes.length > MAX_PAYLOAD_BYTES) throw new RangeError(`a ${what} of ${bytes.length} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch {
    throw new RangeError(`the ${what} is not JSON`);
  }
  if (!schema.Check(value)) throw new RangeError(`the ${what} has not the fields that it must have`);
  return value;
}
