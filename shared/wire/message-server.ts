/**
 * Takes messages of other nodes: mounts `POST /hotspare/v1/<message>` for each handler on a Fastify instance. A message
 * reaches its handler only after, in this order: bytes within bounds, signature and digest over the raw bytes, JSON, protocol version,
 * envelope, cluster and receiver, time window, nonce not seen before, body, boot id. What fails is refused with its
 * code, counted, and told to `onRefused`; the secret is in none of it.
 *
 * `heartbeat`, `promote`, `vote` and `gossip` have no time window, so that a wrong clock cannot make a node deaf: the receiver's
 * boot id in their body keeps those of an earlier boot out. Heartbeat and gossip may come without it (`null`): they change
 * nothing then, and are how a sender learns the boot id.
 *
 * Every answer to a message whose signature is valid, also a refusal, is signed and bound to its nonce. Any other gets an
 * unsigned refusal: a stranger must not obtain a signed one for somebody else's nonce.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "../clock.ts";
import { HotspareError, reasonOf, type ErrorCode } from "../errors.ts";
import { parseNodeId, type BootId, type NodeId } from "../ids.ts";
import { messageKey, type Secret } from "../signature/message-key.ts";
import { signAnswer, verifyRequest } from "../signature/message-signature.ts";
import type { Nonce } from "../signature/nonce.ts";
import { ReplayGuard } from "../signature/replay-guard.ts";
import { decodeEnvelope, decodeRequest, encodeEnvelope, limitsOf, REQUEST_LIMITS, type Envelope } from "./envelope.ts";
import type { Answer, MessageName, Request } from "./messages.ts";
import { MESSAGE_PATH } from "./message-path.ts";
import { encodeRefusal } from "./refusal.ts";

/** How far `created` may be from this node's wall clock, either way, where a message has a time window. */
export const TIME_WINDOW_MS = 30_000;

/** `receivedMs` is the wall time at which the message was there in full. What a handler throws becomes a refusal. */
export type MessageHandlers = {
  readonly [Name in MessageName]?: (request: Request<Name>, from: NodeId, receivedMs: number) => Promise<Answer<Name>>;
};

export interface MessageServerOptions {
  readonly self: NodeId;
  readonly cluster: string;
  readonly secret: Secret;
  readonly bootId: BootId;
  readonly clock: Clock;
  readonly handlers: MessageHandlers;
  /** Told of each refusal. `from` is what the sender says of itself; `null` before a valid signature. */
  readonly onRefused?: (refusal: MessageRefused) => void;
}

/** Also a connection that was refused before any message came: `from` is its other end then. */
export interface MessageRefused {
  readonly code: ErrorCode;
  readonly reason: string;
  readonly from: string | null;
}

const TIMELESS: ReadonlySet<MessageName> = new Set(["heartbeat", "promote", "vote", "gossip"]);

/** Mounts the messages. Give it a Fastify instance that parses bodies in no way of its own: it is registered as a scope. */
export async function mountMessages(fastify: FastifyInstance, options: MessageServerOptions): Promise<void> {
  await fastify.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("application/json", { parseAs: "buffer" }, (_, body, done) => done(null, body));
    const receiver = new Receiver(options);
    scope.setErrorHandler((error, request, reply) => receiver.refuse(error, request, reply));
    for (const name of Object.keys(options.handlers) as MessageName[])
      scope.post(MESSAGE_PATH + name, { bodyLimit: limitsOf(name).bytes }, (request, reply) =>
        receiver.receive(name, request, reply),
      );
  });
}

class Receiver {
  readonly #options: MessageServerOptions;
  readonly #key;
  readonly #replays: ReplayGuard;
  /** Requests whose signature is valid. */
  readonly #verified = new WeakMap<FastifyRequest, { readonly nonce: string; from: string | null }>();

  constructor(options: MessageServerOptions) {
    this.#options = options;
    this.#key = messageKey(options.secret);
    this.#replays = new ReplayGuard({ clock: options.clock, windowMs: 2 * TIME_WINDOW_MS });
  }

  async receive(name: MessageName, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const receivedMs = this.#options.clock.wallMs();
    const { self, cluster, clock } = this.#options;
    const { nonce, createdMs, bytes } = await this.#authenticate(request);
    const verified = { nonce: nonce.text, from: null as string | null };
    this.#verified.set(request, verified);
    const message = decodeEnvelope(bytes, { cluster, to: self }, limitsOf(name));
    verified.from = message.from;
    const from = parseNodeId(message.from);
    this.#admit(name, { from, nonce, createdMs });
    const answer = await this.#handle(name, message, from, receivedMs);
    const heading = { cluster, from: self, to: from, sentAt: clock.wallMs(), id: message.id };
    return this.#reply(reply, { status: 200, body: encodeEnvelope(heading, answer), requestNonce: nonce.text });
  }

  async refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const known = asHotspareError(error);
    const { status, code, body } = encodeRefusal(known, this.#options.self);
    const verified = this.#verified.get(request);
    this.#options.onRefused?.({ code, reason: reasonOf(error), from: verified?.from ?? null });
    return this.#reply(reply, { status: statusOf(error) ?? status, body, requestNonce: verified?.nonce ?? null });
  }

  async #authenticate(request: FastifyRequest): Promise<Authenticated> {
    const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const { method, url: target, headers: fields } = request.raw;
    const verdict = await verifyRequest(this.#key, {
      method: method ?? "",
      target: target ?? "",
      authority: fields.host ?? "",
      body: bytes,
      fields,
    });
    if (verdict.type === "refused") throw invalidSignature(verdict.reason);
    return { bytes, nonce: verdict.nonce, createdMs: verdict.createdMs };
  }

  #admit(name: MessageName, message: { from: NodeId; nonce: Nonce; createdMs: number }): void {
    const { from, nonce, createdMs } = message;
    const nowMs = Math.floor(this.#options.clock.wallMs() / 1000) * 1000;
    const time = Math.abs(nowMs - createdMs) <= TIME_WINDOW_MS ? "inside" : "outside";
    if (time === "outside" && !TIMELESS.has(name))
      throw invalidSignature(`created ${createdMs} is out of the time window; the receiver's clock says ${nowMs}`);
    const reason = this.#replays.admit({ from, nonce, time });
    if (reason !== null) throw invalidSignature(reason);
  }

  /** One handler for one name: the compiler cannot see that the two belong together. */
  #handle<Name extends MessageName>(
    name: Name,
    message: Envelope,
    from: NodeId,
    receivedMs: number,
  ): Promise<Answer<Name>> {
    const body = decodeRequest(name, message);
    if ("bootId" in body && body.bootId !== null) this.#requireOwnBoot(body.bootId);
    const handler: MessageHandlers[Name] = this.#options.handlers[name];
    if (handler === undefined) throw new HotspareError("HS_INTERNAL", { what: `no handler for ${name}` });
    return handler(body, from, receivedMs);
  }

  #requireOwnBoot(found: string): void {
    const { bootId, self } = this.#options;
    if (found !== bootId) throw new HotspareError("HS_MESSAGE_BOOT", { found, accepted: bootId, host: self });
  }

  async #reply(
    reply: FastifyReply,
    answer: { readonly status: number; readonly body: Buffer; readonly requestNonce: string | null },
  ): Promise<FastifyReply> {
    const { status, body, requestNonce } = answer;
    if (requestNonce !== null)
      reply.headers(await signAnswer(this.#key, { status, body, requestNonce }, this.#options.clock.wallMs()));
    return reply.code(status).header("content-type", "application/json").header("cache-control", "no-store").send(body);
  }
}

interface Authenticated {
  readonly bytes: Buffer;
  readonly nonce: Nonce;
  readonly createdMs: number;
}

const invalidSignature = (reason: string): HotspareError => new HotspareError("HS_SIGNATURE_INVALID", { reason });

/** Fastify's own refusals (too large, another content type) are the sender's fault. */
function asHotspareError(error: unknown): unknown {
  if (statusOf(error) === null) return error;
  const accepted = `application/json of at most ${REQUEST_LIMITS.bytes} bytes`;
  return new HotspareError("HS_MESSAGE_INVALID", { field: "request", found: reasonOf(error), accepted });
}

/** The status that Fastify gave to a refusal of its own; `null` for any other error. */
function statusOf(error: unknown): number | null {
  if (error instanceof HotspareError) return null;
  const { statusCode } = error as { readonly statusCode?: unknown };
  return typeof statusCode === "number" && statusCode < 500 ? statusCode : null;
}
