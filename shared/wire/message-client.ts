/**
 * Sends signed messages to other nodes. How a message fared is a result, never a throw: the caller decides from it
 * whether a node is dead, and the kinds are told apart at once.
 *
 * Heartbeats have connections of their own, so that nothing waits behind anything else: a request takes a free connection
 * or opens another one, also while an earlier heartbeat is unanswered. When an idle heartbeat connection is closed by the
 * other side, `onLost` hears of it at once, before any heartbeat is due.
 *
 * A kept connection may be closed by the other side just as a request is sent on it. That says nothing about the node, so
 * such a reset is followed by one more try on a new connection, with a new nonce, in the time that is left. So is a refusal
 * from which this node learns that it should have spoken another version of the protocol.
 */
import type { Agent } from "node:http";
import type { Clock } from "../clock.ts";
import { formatAddress, type Address } from "../config/config.ts";
import { HotspareError, reasonOf, type ErrorCode, type ErrorDetails } from "../errors.ts";
import { DialingAgent } from "../dialing-agent.ts";
import type { NodeId } from "../ids.ts";
import type { Random } from "../random.ts";
import { KeyRing, type Secret } from "../signature/key-ring.ts";
import type { MessageKey } from "../signature/message-key.ts";
import type { Sockets } from "../sockets.ts";
import { signRequest, verifyAnswer } from "../signature/message-signature.ts";
import { makeNonce, makeSeries } from "../signature/nonce.ts";
import { ConnectionWatch } from "./connection-watch.ts";
import { ANSWER_LIMITS, decodeAnswer, decodeEnvelope, encodeEnvelope, requireEqual } from "./envelope.ts";
import { exchange, type Exchange, type ExchangeRequest } from "./http-exchange.ts";
import { MESSAGE_PATH } from "./message-path.ts";
import type { Answer, MessageName, Request } from "./messages.ts";
import { PeerVersions } from "./peer-versions.ts";
import { PROTOCOL, type ProtocolRange } from "./protocol-range.ts";
import { decodeRefusal } from "./refusal.ts";
import type { ConnectionFailureKind } from "./send-failure.ts";

export interface MessageClientOptions {
  readonly self: NodeId;
  readonly cluster: string;
  readonly secret: Secret;
  readonly clock: Clock;
  readonly random: Random;
  /** The versions that are spoken; those of this program if absent. */
  readonly protocol?: ProtocolRange;
  readonly sockets: Sockets;
  /** A heartbeat connection to this node was closed by the other side. A hint: send a heartbeat now. */
  readonly onLost?: (to: NodeId) => void;
}

export interface Sending<Name extends MessageName> {
  readonly to: NodeId;
  /** Where the node's control listener is reached. */
  readonly address: Address;
  readonly body: Request<Name>;
  /** For everything, from connecting to the whole answer. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export type SendResult<Name extends MessageName> =
  | {
      readonly type: "answer";
      readonly answer: Answer<Name>;
      readonly roundTripMs: number;
      /** What the node speaks. */
      readonly protocol: ProtocolRange;
    }
  | SendFailure;

export type SendFailure =
  | { readonly type: "failed"; readonly kind: ConnectionFailureKind; readonly reason: string }
  | {
      readonly type: "failed";
      readonly kind: "rejected";
      readonly reason: string;
      readonly code: ErrorCode;
      readonly details: ErrorDetails;
      /** `unsigned`: anybody on the way may have said it; so it is where secrets differ. Never a sign of death. */
      readonly proof: "signed" | "unsigned";
    };

/** Connections to one node at once; more are opened only while earlier messages are unanswered. */
const MAX_SOCKETS = 16;
const KEPT = { keepAlive: true, maxSockets: MAX_SOCKETS } as const;

export class MessageClient {
  readonly #options: MessageClientOptions;
  readonly #keys: KeyRing;
  readonly #heartbeats: Agent;
  readonly #others: Agent;
  /** A connection for each request alone. */
  readonly #fresh: Agent;
  readonly #series: string;
  /** Messages sent to each node in this series; as many entries as the cluster ever had nodes. */
  readonly #counters = new Map<NodeId, number>();
  readonly #watch: ConnectionWatch;
  readonly #protocol: ProtocolRange;
  readonly #versions: PeerVersions;

  constructor(options: MessageClientOptions) {
    this.#options = options;
    this.#keys = KeyRing.of(options.secret, options.clock);
    const { sockets } = options;
    this.#heartbeats = new DialingAgent(sockets, { ...KEPT, maxFreeSockets: MAX_SOCKETS });
    this.#others = new DialingAgent(sockets, { ...KEPT, maxFreeSockets: 2 });
    this.#fresh = new DialingAgent(sockets, { keepAlive: false });
    this.#series = makeSeries(options.random);
    this.#watch = new ConnectionWatch((to) => options.onLost?.(to));
    this.#protocol = options.protocol ?? PROTOCOL;
    this.#versions = new PeerVersions(this.#protocol);
  }

  async send<Name extends MessageName>(name: Name, sending: Sending<Name>): Promise<SendResult<Name>> {
    const { clock } = this.#options;
    const endMs = clock.monotonicMs() + sending.timeoutMs;
    const spoken = this.#versions.versionFor(sending.to);
    const result = await this.#sendOnce(name, sending, endMs);
    const version = this.#versions.versionFor(sending.to);
    const refused = result.type === "failed" && result.kind === "rejected" && result.code === "HS_MESSAGE_VERSION";
    if (!refused || version === spoken || endMs <= clock.monotonicMs()) return result;
    return this.#sendOnce(name, sending, endMs);
  }

  /** Closes all connections; unanswered messages end as `reset`. */
  close(): void {
    this.#watch.stop();
    this.#heartbeats.destroy();
    this.#others.destroy();
    this.#fresh.destroy();
  }

  async #sendOnce<Name extends MessageName>(
    name: Name,
    sending: Sending<Name>,
    endMs: number,
  ): Promise<SendResult<Name>> {
    const { clock } = this.#options;
    const agent = name === "heartbeat" ? this.#heartbeats : this.#others;
    const first = await this.#try(name, sending, { agent, timeoutMs: endMs - clock.monotonicMs() });
    const { exchanged } = first;
    const stale = exchanged.type === "failed" && exchanged.kind === "reset" && exchanged.connection === "reused";
    const timeoutMs = endMs - clock.monotonicMs();
    if (!stale || timeoutMs <= 0) return this.#judge(name, sending, first);
    return this.#judge(name, sending, await this.#try(name, sending, { agent: this.#fresh, timeoutMs }));
  }

  async #try<Name extends MessageName>(
    name: Name,
    { to, address, body, signal }: Sending<Name>,
    { agent, timeoutMs }: { readonly agent: Agent; readonly timeoutMs: number },
  ): Promise<Tried> {
    const { self, cluster, clock, random } = this.#options;
    const id = random.bytes(16).toString("hex");
    const nonce = makeNonce(this.#series, this.#count(to), random);
    const spoken = { protocol: this.#protocol, speaks: this.#versions.versionFor(to) };
    const bytes = encodeEnvelope({ cluster, from: self, to, sentAt: clock.wallMs(), id, ...spoken }, body);
    const authority = formatAddress(address);
    const path = MESSAGE_PATH + name;
    const key = this.#keys.signing;
    const signed = await signRequest(
      key,
      { method: "POST", authority, target: path, body: bytes },
      { nonce, createdMs: clock.wallMs() },
    );
    const headers = {
      ...signed,
      host: authority,
      "content-type": "application/json",
      "content-length": String(bytes.length),
    };
    const startMs = clock.monotonicMs();
    const exchanged = await exchange({
      method: "POST",
      address,
      path,
      headers,
      body: bytes,
      timeoutMs,
      maxAnswerBytes: ANSWER_LIMITS.bytes,
      signal,
      agent,
      clock,
      connection: agent === this.#heartbeats ? this.#watching(to) : undefined,
    });
    return { exchanged, id, key, requestNonce: nonce.text, roundTripMs: clock.monotonicMs() - startMs };
  }

  async #judge<Name extends MessageName>(
    name: Name,
    { to }: Sending<Name>,
    { exchanged, id, key, requestNonce, roundTripMs }: Tried,
  ): Promise<SendResult<Name>> {
    if (exchanged.type === "failed") return failed(exchanged.kind, exchanged.reason);
    if (exchanged.type === "untrusted") return untrusted(exchanged.reason);
    // The request's own key is good for its answer, however many have been replaced while it was on its way.
    const keys = { accepted: (of: string) => (of === key.id ? key : this.#keys.accepted(of)) };
    const verdict = await verifyAnswer(keys, { ...exchanged, requestNonce });
    if (exchanged.status !== 200) return this.#learn(to, rejection(exchanged, { to, signature: verdict.type }));
    if (verdict.type === "refused") return failed("invalid", `the answer's signature: ${verdict.reason}`);
    try {
      const { cluster, self } = this.#options;
      const expected = { cluster, to: self, protocol: this.#protocol };
      const envelope = decodeEnvelope(exchanged.body, expected, ANSWER_LIMITS);
      requireEqual("/from", envelope.from, to);
      requireEqual("/id", envelope.id, id);
      this.#versions.learn(to, envelope.protocol);
      const { protocol } = envelope;
      return { type: "answer", answer: decodeAnswer(name, envelope), roundTripMs, protocol };
    } catch (error) {
      return failed("invalid", reasonOf(error));
    }
  }

  /** Only from what the node itself has signed: others could make this one speak a version that nobody understands. */
  #learn(to: NodeId, failure: SendFailure): SendFailure {
    if (failure.kind === "rejected" && failure.code === "HS_MESSAGE_VERSION" && failure.proof === "signed")
      this.#versions.learnFromRefusal(to, failure.details);
    return failure;
  }

  #watching(to: NodeId): ExchangeRequest["connection"] {
    return {
      used: (socket) => this.#watch.used(socket, to),
      abandoned: (socket) => this.#watch.abandoned(socket),
    };
  }

  #count(to: NodeId): number {
    const counter = (this.#counters.get(to) ?? 0) + 1;
    this.#counters.set(to, counter);
    return counter;
  }
}

interface Tried {
  readonly exchanged: Exchange;
  readonly id: string;
  /** That it was signed with. */
  readonly key: MessageKey;
  readonly requestNonce: string;
  readonly roundTripMs: number;
}

const failed = (kind: ConnectionFailureKind, reason: string): SendFailure => ({
  type: "failed",
  kind,
  reason,
});

/** It is there, and this side will not talk to it: as if it had refused. */
function untrusted(reason: string): SendFailure {
  const { code, message, details } = new HotspareError("HS_TLS_REFUSED", { reason });
  return { type: "failed", kind: "rejected", reason: message, code, details, proof: "unsigned" };
}

/** Signed by another node than the one asked is no better than unsigned: somebody on the way has passed it there. */
function rejection(
  { status, body }: { readonly status: number; readonly body: Buffer },
  { to, signature }: { readonly to: NodeId; readonly signature: "valid" | "refused" },
): SendFailure {
  const refusal = decodeRefusal(body);
  if (refusal === null) return failed("invalid", `status ${status} without a reason: no node answers there`);
  const { from, ...why } = refusal;
  return {
    type: "failed",
    kind: "rejected",
    ...why,
    proof: signature === "valid" && from === to ? "signed" : "unsigned",
  };
}
