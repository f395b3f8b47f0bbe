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
import { commonVersion, isWithin, rangeText, UNSAID_VERSION, type ProtocolRange } from "./protocol-range.ts";

export const REQUEST_LIMITS: JsonLimits = { bytes: 64 * 1024, depth: 16 };
/** What proxies tell one another grows with the cluster. */
export const GOSSIP_LIMITS: JsonLimits = { bytes: 512 * 1024, depth: 16 };
/** A host may report on a thousand pools. */
export const ANSWER_LIMITS: JsonLimits = { bytes: 1024 * 1024, depth: 16 };

const Version = Type.Integer({ minimum: 1, maximum: 65_535 });
const Name = Type.String({ minLength: 1, maxLength: 64 });
const Versions = Type.Object({
  protocol: Type.Object({ min: Version, max: Version }),
  /** What this message is written in. */
  speaks: Type.Optional(Version),
});
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
  /** What the sender speaks. */
  readonly protocol: ProtocolRange;
  /** What this message is written in; an answer in what its request is. */
  readonly speaks: number;
}

export const limitsOf = (name: MessageName): JsonLimits => (name === "gossip" ? GOSSIP_LIMITS : REQUEST_LIMITS);

export type Envelope = Static<typeof Envelope> & Spoken;

interface Spoken {
  readonly protocol: ProtocolRange;
  readonly speaks: number;
}

export interface Expected {
  readonly cluster: string;
  readonly to: NodeId;
  /** What the receiver speaks. */
  readonly protocol: ProtocolRange;
}

export function encodeEnvelope(heading: Heading, body: unknown): Buffer {
  const { cluster, from, to, sentAt, id, protocol, speaks } = heading;
  return Buffer.from(JSON.stringify({ v: 1, protocol, speaks, cluster, from, to, sentAt, id, body }));
}

/** Who the sender of a message says it is, also of one that is of no version that this node knows; `null`: it does not. */
export function claimedSender(value: unknown): string | null {
  const from: unknown = typeof value === "object" && value !== null && "from" in value ? value.from : null;
  return typeof from === "string" && from.length <= 64 ? from : null;
}

/**
 * The envelope in what was parsed of a message, its body not looked at yet.
 * @throws {HotspareError} HS_MESSAGE_VERSION without a common protocol version; HS_MESSAGE_INVALID for all else, also if
 * it is of another cluster or for another node.
 */
export function readEnvelope(value: unknown, expected: Expected): Envelope {
  const { protocol, speaks = UNSAID_VERSION } = versions.check(value, "");
  requireKnownVersion({ protocol, speaks }, expected.protocol);
  const message = envelope.check(value, "");
  requireEqual("/cluster", message.cluster, expected.cluster);
  requireEqual("/to", message.to, expected.to);
  return { ...message, protocol, speaks };
}

/** The same from its bytes. @throws {HotspareError} as `readEnvelope` does. */
export const decodeEnvelope = (bytes: Uint8Array, expected: Expected, limits: JsonLimits): Envelope =>
  readEnvelope(parseBoundedJson(bytes, limits), expected);

export const decodeRequest = <Name extends MessageName>(name: Name, { body }: Envelope): Request<Name> =>
  bodies[name].request.check(body, "/body") as Request<Name>;

export const decodeAnswer = <Name extends MessageName>(name: Name, { body }: Envelope): Answer<Name> =>
  bodies[name].answer.check(body, "/body") as Answer<Name>;

/** The one place that compares a field of a message with what it must be. */
export function requireEqual(field: string, found: string, accepted: string): void {
  if (found !== accepted) throw new HotspareError("HS_MESSAGE_INVALID", { field, found, accepted });
}

/** The details have the own range as numbers: the other side may have another version in common with it. */
function requireKnownVersion({ protocol, speaks }: Spoken, own: ProtocolRange): void {
  const common = commonVersion(protocol, own);
  if (common !== null && isWithin(speaks, own)) return;
  const found = common === null ? rangeText(protocol) : `${speaks} (of ${rangeText(protocol)})`;
  throw new HotspareError("HS_MESSAGE_VERSION", { found, accepted: rangeText(own), min: own.min, max: own.max });
}
