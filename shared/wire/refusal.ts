/**
 * What a node answers to a message that it does not accept: `{ "from": its id, "error": { code, message, details } }`,
 * with the code's status. Details never hold the secret. A code that this program does not know is told as HS_MESSAGE_INVALID.
 */
import { Type, type Static } from "typebox";
import { ERRORS, HotspareError, isHotspareError, type ErrorCode } from "../errors.ts";
import type { NodeId } from "../ids.ts";
import { parseBoundedJson, type JsonLimits } from "./bounded-json.ts";
import { MessageSchema } from "./message-schema.ts";

const Refusal = Type.Object({
  from: Type.String({ maxLength: 64 }),
  error: Type.Object({
    code: Type.String({ maxLength: 64 }),
    message: Type.String({ maxLength: 4096 }),
    details: Type.Record(Type.String(), Type.Union([Type.String({ maxLength: 4096 }), Type.Number()])),
  }),
});

const schema = new MessageSchema(Refusal);
const LIMITS: JsonLimits = { bytes: 64 * 1024, depth: 4 };

export interface Refused {
  /** What the answering node calls itself. */
  readonly from: string;
  readonly code: ErrorCode;
  readonly reason: string;
  readonly details: Static<typeof Refusal>["error"]["details"];
}

/** Errors that are not in the table say nothing to the outside but that they happened. */
export function encodeRefusal(
  error: unknown,
  from: NodeId,
): {
  readonly status: number;
  readonly code: ErrorCode;
  readonly body: Buffer;
} {
  const known = isHotspareError(error)
    ? error
    : new HotspareError("HS_INTERNAL", { what: "a message's handler failed" });
  const { code, message, details, status } = known;
  return { status, code, body: Buffer.from(JSON.stringify({ from, error: { code, message, details } })) };
}

/** `null` if the bytes are no refusal. */
export function decodeRefusal(bytes: Uint8Array): Refused | null {
  try {
    const { from, error } = schema.check(parseBoundedJson(bytes, LIMITS), "");
    const code = error.code in ERRORS ? (error.code as ErrorCode) : "HS_MESSAGE_INVALID";
    return { from, code, reason: error.message, details: error.details };
  } catch {
    return null;
  }
}
