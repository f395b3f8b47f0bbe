/**
 * The envelope of every message and of every answer: who speaks to whom in which cluster and in which protocol versions. An
 * answer carries the id of its request. Nothing is decoded by guess: what is not as it should be is an error that names it.
 */
import { Type, type Static } from "typebox";
import { HotspareError } from "../errors.ts";
import type { NodeId } from "../ids.ts";
import { parseBoundedJson, type JsonLimits } from "./bounded-json.ts";
import { MessageSchema } from "./message-schema.ts";
import { MESSAGES, type Answer, type MessageName, type Request } from "./messages.ts";

/** The protocol versions that this program speaks. */
export const PROTOCOL = { min: 1, max: 1 } as const;
export const REQUEST_LIMITS: JsonLimits = { bytes: 64 * 1024, depth: 16 };
/** What proxies tell one another grows with the cluster. */
export const GOSSIP_LIMITS: JsonLimits = { bytes: 512 * 1024, depth: 16 };
/** A host may report on a thousand pools. */
export const ANSWER_LIMITS: JsonLimits = { bytes: 1024 * 1024, depth: 16 };

const Version = Type.Integer({ minimum: 1, maximum: 65_535 });
const Name = Type.String({ minLength: 1, maxLength: 64 });
const Versions = Type.Object({ protocol: Type.Object({ min: Version, max: Version }) });
const Envelope = Type.Object({
  v: Type.Literal(1),
  cluster: Name,
  from: Name,
  to: Name,
  /** Wall time of the sender, for people and logs. */
  sentAt: Type.Number(),
  id: Type.String({ pattern: "^[0-9a-f]{32}$" }),
  body: Type.Unknown(),
});

const versions = new MessageSchema(Versions);
const envelope = new MessageSchema(Envelope);
const bodies = Object.fromEntries(
  Object.entries(MESSAGES).map(([name, { request, answer }]) => [
    name,
    { request: new MessageSchema(request), answer: new MessageSchema(answer) },
  ]),
) as unknown as { readonly [Name in MessageName]: { readonly request: BodySchema; readonly answer: BodySchema } };

type BodySchema = { check(value: unknown, at: string): unknown };

export interface Heading {
  readonly cluster: string;
  readonly from: NodeId;
  readonly to: NodeId;
  /** Wall time of the sender, in milliseconds. */
  readonly sentAt: number;
  /** 32 hex digits; an answer repeats its request's. */
  readonly id: string;
}

export const limitsOf = (name: MessageName): JsonLimits => (name === "gossip" ? GOSSIP_LIMITS : REQUEST_LIMITS);

export type Envelope = Static<typeof Envelope>;

export function encodeEnvelope(heading: Heading, body: unknown): Buffer {
  const { cluster, from, to, sentAt, id } = heading;
  return Buffer.from(JSON.stringify({ v: 1, protocol: PROTOCOL, cluster, from, to, sentAt, id, body }));
}

/**
 * The envelope in `bytes`, its body not looked at yet.
 * @throws {HotspareError} HS_MESSAGE_VERSION without a common protocol version; HS_MESSAGE_INVALID for all else, also if
 * it is of another cluster or for another node.
 */
export function decodeEnvelope(
  bytes: Uint8Array,
  expected: { readonly cluster: string; readonly to: NodeId },
  limits: JsonLimits,
): Envelope {
  const value = parseBoundedJson(bytes, limits);
  requireCommonVersion(versions.check(value, "").protocol);
  const message = envelope.check(value, "");
  requireEqual("/cluster", message.cluster, expected.cluster);
  requireEqual("/to", message.to, expected.to);
  return message;
}

export const decodeRequest = <Name extends MessageName>(name: Name, { body }: Envelope): Request<Name> =>
  bodies[name].request.check(body, "/body") as Request<Name>;

export const decodeAnswer = <Name extends MessageName>(name: Name, { body }: Envelope): Answer<Name> =>
  bodies[name].answer.check(body, "/body") as Answer<Name>;

/** The one place that compares a field of a message with what it must be. */
export function requireEqual(field: string, found: string, accepted: string): void {
  if (found !== accepted) throw new HotspareError("HS_MESSAGE_INVALID", { field, found, accepted });
}

function requireCommonVersion(theirs: { readonly min: number; readonly max: number }): void {
  if (Math.max(theirs.min, PROTOCOL.min) <= Math.min(theirs.max, PROTOCOL.max)) return;
  throw new HotspareError("HS_MESSAGE_VERSION", {
    found: `${theirs.min} to ${theirs.max}`,
    accepted: `${PROTOCOL.min} to ${PROTOCOL.max}`,
  });
}
