/**
 * Takes messages of other nodes: mounts `POST /hotspare/v1/<message>` for each handler on a Fastify instance. A message
 * reaches its handler only after, in this order: form of the signature, bytes within bounds, key, digest and signature over
 * the raw bytes, JSON, protocol version, envelope, cluster and receiver, time window, nonce not seen before, body, boot id.
 * What fails is refused with its code, counted, and told to `onRefused`; the secret is in none of it.
 *
 * `heartbeat`, `promote`, `vote` and `gossip` have no time window, so that a wrong clock cannot make a node deaf: the
 * receiver's boot id in their body keeps those of an earlier boot out. Heartbeat and gossip may come without it (`null`): they
 * change nothing then, and are how a sender learns the boot id.
 *
 * Every answer to a message whose signature is valid, also a refusal, is signed with the message's key and bound to its nonce.
 * Any other gets an unsigned refusal: a stranger must not obtain a signed one for somebody else's nonce. Its connection ends
 * with that answer, so that each further try costs a stranger a connection, and nodes, which are never refused so, are heard
 * in between.
 */
import type { Server } from "node:http";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "../clock.ts";
import { HotspareError, reasonOf, type ErrorCode } from "../errors.ts";
import { parseNodeId, type BootId, type NodeId } from "../ids.ts";
import { KeyRing, type Secret } from "../signature/key-ring.ts";
import type { MessageKey } from "../signature/message-key.ts";
import { refusedForm, signAnswer, verifyRequest, type AcceptedKeys } from "../signature/message-signature.ts";
import type { Nonce } from "../signature/nonce.ts";
import { ReplayGuard } from "../signature/replay-guard.ts";
import { parseBoundedJson } from "./bounded-json.ts";
import {
  claimedSender,
  decodeRequest,
  encodeEnvelope,
  limitsOf,
  readEnvelope,
  REQUEST_LIMITS,
  type Envelope,
} from "./envelope.ts";
import type { Answer, MessageName, Request } from "./messages.ts";
import { MESSAGE_PATH } from "./message-path.ts";
import { PROTOCOL, type ProtocolRange } from "./protocol-range.ts";
import { encodeRefusal } from "./refusal.ts";
import { UnprovenConnections } from "./unproven-connections.ts";

/** How far `created` may be from this node's wall clock, either way, where a message has a time window. */
export const TIME_WINDOW_MS = 30_000;

/**
 * `receivedMs` is the wall time at which the message was there in full, `keyId` that of what it was signed with. What a
 * handler throws becomes a refusal.
 */
export type MessageHandlers = {
  readonly [Name in MessageName]?: (
    request: Request<Name>,
    from: NodeId,
    receivedMs: number,
    keyId: string,
  ) => Promise<Answer<Name>>;
};

export interface MessageServerOptions {
  readonly self: NodeId;
  readonly cluster: string;
  readonly secret: Secret;
  /** The keys of those who are not part of the cluster yet: they sign `join`, and nothing else. */
  readonly invitations?: AcceptedKeys;
  readonly bootId: BootId;
  readonly clock: Clock;
  readonly handlers: MessageHandlers;
  /** The versions that are spoken; those of this program if absent. */
  readonly protocol?: ProtocolRange;
  /** Told of each refusal. `from` is what the sender says of itself; `null` before a valid signature. */
  readonly onRefused?: (refusal: MessageRefused) => void;
}

/** Also a connection that was refused before any message came: `from` is its other end then. */
export interface MessageRefused {
  readonly code: ErrorCode;
  readonly reason: string;
  readonly from: string | null;
}

/** Where nobody was invited. */
const NOBODY: AcceptedKeys = { accepted: () => null };
const TIMELESS: ReadonlySet<MessageName> = new Set(["heartbeat", "promote", "vote", "gossip"]);

/** Mounts the messages. Give it a Fastify instance that parses bodies in no way of its own: it is registered as a scope. */
export async function mountMessages(fastify: FastifyInstance, options: MessageServerOptions): Promise<void> {
  await fastify.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("application/json", { parseAs: "buffer" }, (_, body, done) => done(null, body));
    const receiver = new Receiver(options);
    receiver.watch(fastify.server);
    scope.addHook("onRequest", (request, reply, done) => receiver.greet(request, reply, done));
    scope.setErrorHandler((error, request, reply) => receiver.refuse(error, request, reply));
    for (const name of Object.keys(options.handlers) as MessageName[])
      scope.post(MESSAGE_PATH + name, { bodyLimit: limitsOf(name).bytes }, (request, reply) =>
        receiver.receive(name, request, reply),
      );
    scope.post(`${MESSAGE_PATH}*`, { bodyLimit: REQUEST_LIMITS.bytes }, (request) => receiver.refuseUnknown(request));
  });
}

class Receiver {
  readonly #options: MessageServerOptions;
  readonly #keys: KeyRing;
  readonly #replays: ReplayGuard;
  /** Of its own: who has no more than a token, even a used one, must not use up the nonces of nodes. */
  readonly #joinReplays: ReplayGuard;
  readonly #connections = new UnprovenConnections();
  /** Requests whose signature is valid. */
  readonly #verified = new WeakMap<FastifyRequest, Verified>();

  constructor(options: MessageServerOptions) {
    this.#options = options;
    this.#keys = KeyRing.of(options.secret, options.clock);
    const guard = { clock: options.clock, windowMs: 2 * TIME_WINDOW_MS };
    this.#replays = new ReplayGuard(guard);
    this.#joinReplays = new ReplayGuard(guard);
  }

  watch(server: Server): void {
    this.#connections.watch(server);
    server.on("clientError", (error: Error & { readonly code?: string }) => {
      // What is no HTTP is answered by the server itself. A connection that breaks is no message.
      if (error.code?.startsWith("HPE_") || error.code === "ERR_HTTP_REQUEST_TIMEOUT")
        this.#options.onRefused?.({ code: "HS_MESSAGE_INVALID", reason: error.message, from: null });
    });
  }

  /** Before the body is read. What comes behind a refused message is neither read nor answered. */
  greet(request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void {
    const { socket, headers } = request.raw;
    if (!this.#connections.admit(socket)) return void reply.hijack();
    const reason = refusedForm(headers);
    done(reason === null ? undefined : invalidSignature(reason));
  }

  async refuseUnknown(request: FastifyRequest): Promise<never> {
    const { key, nonce } = await this.#authenticate(request, this.#keys);
    this.#verified.set(request, { key, nonce: nonce.text, from: null });
    const found = request.url.slice(MESSAGE_PATH.length);
    const accepted = Object.keys(this.#options.handlers).join(", ");
    throw new HotspareError("HS_MESSAGE_INVALID", { field: "message", found, accepted });
  }

  async receive(name: MessageName, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const receivedMs = this.#options.clock.wallMs();
    const { self, cluster, clock, protocol = PROTOCOL } = this.#options;
    const { nonce, createdMs, key, bytes } = await this.#authenticate(request, this.#keysFor(name));
    const verified: Verified = { key, nonce: nonce.text, from: null };
    this.#verified.set(request, verified);
    const parsed = parseBoundedJson(bytes, limitsOf(name));
    verified.from = claimedSender(parsed);
    const message = readEnvelope(parsed, { cluster, to: self, protocol });
    const from = parseNodeId(message.from);
    this.#admit(name, { from, nonce, createdMs });
    const answer = await this.#handle(name, message, { from, receivedMs, keyId: key.id });
    const { id, speaks } = message;
    const heading = { cluster, from: self, to: from, sentAt: clock.wallMs(), id, protocol, speaks };
    return this.#reply(reply, { status: 200, body: encodeEnvelope(heading, answer) }, verified);
  }

  async refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const known = asHotspareError(error, request.url);
    const { status, code, body } = encodeRefusal(known, this.#options.self);
    const verified = this.#verified.get(request);
    if (verified === undefined) this.#connections.condemn(request.raw.socket);
    if (!brokeOff(request)) this.#options.onRefused?.({ code, reason: reasonOf(error), from: verified?.from ?? null });
    return this.#reply(reply, { status: statusOf(error) ?? status, body }, verified ?? null);
  }

  /** Neither kind of key is good for what the other one signs. */
  #keysFor(name: MessageName): AcceptedKeys {
    return name === "join" ? (this.#options.invitations ?? NOBODY) : this.#keys;
  }

  async #authenticate(request: FastifyRequest, keys: AcceptedKeys): Promise<Authenticated> {
    const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const { method, url: target, headers: fields } = request.raw;
    const verdict = await verifyRequest(keys, {
      method: method ?? "",
      target: target ?? "",
      authority: fields.host ?? "",
      body: bytes,
      fields,
    });
    if (verdict.type === "refused") throw invalidSignature(verdict.reason);
    this.#connections.prove(request.raw.socket);
    return { ...verdict, bytes };
  }

  #admit(name: MessageName, message: { from: NodeId; nonce: Nonce; createdMs: number }): void {
    const { from, nonce, createdMs } = message;
    const nowMs = Math.floor(this.#options.clock.wallMs() / 1000) * 1000;
    const time = Math.abs(nowMs - createdMs) <= TIME_WINDOW_MS ? "inside" : "outside";
    if (time === "outside" && !TIMELESS.has(name))
      throw invalidSignature(`created ${createdMs} is out of the time window; the receiver's clock says ${nowMs}`);
    const replays = name === "join" ? this.#joinReplays : this.#replays;
    const reason = replays.admit({ from, nonce, time });
    if (reason !== null) throw invalidSignature(reason);
  }

  /** One handler for one name: the compiler cannot see that the two belong together. */
  #handle<Name extends MessageName>(
    name: Name,
    message: Envelope,
    { from, receivedMs, keyId }: { readonly from: NodeId; readonly receivedMs: number; readonly keyId: string },
  ): Promise<Answer<Name>> {
    const body = decodeRequest(name, message);
    if ("bootId" in body && body.bootId !== null) this.#requireOwnBoot(body.bootId);
    const handler: MessageHandlers[Name] = this.#options.handlers[name];
    if (handler === undefined) throw new HotspareError("HS_INTERNAL", { what: `no handler for ${name}` });
    return handler(body, from, receivedMs, keyId);
  }

  #requireOwnBoot(found: string): void {
    const { bootId, self } = this.#options;
    if (found !== bootId) throw new HotspareError("HS_MESSAGE_BOOT", { found, accepted: bootId, host: self });
  }

  async #reply(
    reply: FastifyReply,
    { status, body }: { readonly status: number; readonly body: Buffer },
    verified: Verified | null,
  ): Promise<FastifyReply> {
    if (this.#connections.isCondemned(reply.request.raw.socket)) reply.header("connection", "close");
    if (verified !== null) {
      const answer = { status, body, requestNonce: verified.nonce };
      reply.headers(await signAnswer(verified.key, answer, this.#options.clock.wallMs()));
    }
    return reply.code(status).header("content-type", "application/json").header("cache-control", "no-store").send(body);
  }
}

interface Authenticated {
  readonly bytes: Buffer;
  readonly nonce: Nonce;
  readonly createdMs: number;
  readonly key: MessageKey;
}

/** What an answer needs to know of a request whose signature is valid. */
interface Verified {
  readonly key: MessageKey;
  readonly nonce: string;
  from: string | null;
}

/** The sender left in the middle of its message: nobody is refused anything, and nobody reads the answer. */
const brokeOff = ({ raw }: FastifyRequest): boolean => raw.destroyed && !raw.complete;

const invalidSignature = (reason: string): HotspareError => new HotspareError("HS_SIGNATURE_INVALID", { reason });

/** Fastify's own refusals (too large, another content type) are the sender's fault. */
function asHotspareError(error: unknown, url: string): unknown {
  if (statusOf(error) === null) return error;
  const name = url.slice(MESSAGE_PATH.length) as MessageName;
  const accepted = `application/json of at most ${limitsOf(name).bytes} bytes`;
  return new HotspareError("HS_MESSAGE_INVALID", { field: "request", found: reasonOf(error), accepted });
}

/** The status that Fastify gave to a refusal of its own; `null` for any other error. */
function statusOf(error: unknown): number | null {
  if (error instanceof HotspareError) return null;
  const { statusCode } = error as { readonly statusCode?: unknown };
  return typeof statusCode === "number" && statusCode < 500 ? statusCode : null;
}
