/**
 * One WebSocket: parked like any request while there is no primary, then two connections joined. It is not sent again, and
 * it ends when its host is abandoned or gone, with a close frame that says so (1012): the client connects anew and comes to
 * the new primary.
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { ErrorCode } from "../../shared/errors.ts";
import { parseAnswerHead, type AnswerHead } from "../http1/answer-head.ts";
import { HttpRefusal } from "../http1/http-refusal.ts";
import { accessOf } from "./access-entry.ts";
import type { UpgradingClient } from "./client-home.ts";
import type { Connection } from "./client-listener.ts";
import { fieldRecord } from "./field-record.ts";
import { FrameBoundary, RESTART_FRAME } from "./frame-boundary.ts";
import { TURNED_AWAY, type OpenRoute, type TurnedAway, type Waiter } from "./gate.ts";
import { namingLines, parkedLine } from "./message-lines.ts";
import type { OnTheWay, PoolRelay } from "./pool-relay.ts";
import { errorAnswer, formatOwnAnswer } from "./problem-answer.ts";
import type { Fields, UpgradeListener } from "./upgrade-upstream.ts";
import { WaitingTime } from "./waiting-time.ts";

const PARKED_BYTES = 1024;
/** How long a frame that has begun may take to end before a close frame follows it. */
const FRAME_MS = 500;
/** Of what a client sends before it has an answer. */
const MOST_AHEAD_BYTES = 64 * 1024;
const SWITCHING = 101;

export class UpgradeExchange implements Connection, Waiter, OnTheWay, UpgradeListener {
  readonly isIdle = false;
  readonly #client: UpgradingClient;
  readonly #requestId: string;
  readonly #relay: PoolRelay;
  readonly #boundary = new FrameBoundary();
  readonly #waiting: WaitingTime;
  /** Of what the client sends ahead. */
  #rest: Buffer;
  #route: OpenRoute | null = null;
  #settled: () => void = nothing;
  #upstream: Socket | null = null;
  #answered = false;
  #leaves = false;
  /** What the client got. */
  #status: number | null = null;

  constructor(client: UpgradingClient, requestId: string, relay: PoolRelay) {
    this.#client = client;
    this.#requestId = requestId;
    this.#relay = relay;
    this.#waiting = new WaitingTime(relay.context.clock);
    this.#rest = client.rest;
    client.socket.on("error", nothing);
    client.socket.once("close", () => this.#end());
    // Read while it waits, or nobody would notice that the client is gone.
    client.socket.on("data", this.#ahead).on("end", this.#gone).resume();
    relay.add(this);
  }

  get route(): OpenRoute | null {
    return this.#route;
  }

  start(): void {
    const { gate, config } = this.#relay;
    this.#waiting.during(() => gate.enter(this, PARKED_BYTES + this.#rest.length, config.park.waitMs));
  }

  /** It is never sent twice. */
  isSuspectAt(): boolean {
    return false;
  }

  go(route: OpenRoute, settled: () => void): void {
    const { socket, head } = this.#client;
    const { context } = this.#relay;
    this.#waiting.ends();
    socket.off("data", this.#ahead).off("end", this.#gone).pause();
    this.#route = route;
    this.#settled = settled;
    const address = context.addressOf(route.host);
    context.upgrades.send(
      { address, path: head.target.path, fields: this.#fields(route), socket, rest: this.#rest },
      this,
    );
  }

  turnedAway(why: TurnedAway): void {
    this.#waiting.ends();
    this.#refuse(TURNED_AWAY[why]);
  }

  answered(answer: IncomingMessage, upstream: Socket | null): void {
    this.#settled();
    this.#answered = true;
    const head = readAnswer(answer);
    if (head === null) return this.#refuse("HS_OUTCOME_UNKNOWN");
    if (head.outcome !== null) {
      this.#hostFailed();
      return this.#refuse("HS_NOT_PRIMARY");
    }
    this.#status = head.status;
    // The library writes what it finds here: only what may pass is left.
    answer.headers = this.#passingFields(head);
    if (upstream !== null) this.#join(upstream);
  }

  failed(): void {
    this.#settled();
    if (this.#answered) return;
    this.#hostFailed();
    this.#refuse("HS_NOT_PRIMARY");
  }

  abandoned(): void {
    const upstream = this.#upstream;
    if (upstream === null) return void this.#client.socket.destroy();
    this.#leaves = true;
    if (this.#boundary.isHere) return this.#leave(upstream);
    const cancel = this.#relay.context.clock.after(FRAME_MS, () => this.#client.socket.destroy());
    this.#client.socket.once("close", cancel);
  }

  /** Joined connections look after themselves, and what waits is bounded by the parking. */
  sweep(): void {}

  /** The proxy stops: as if its host did. What waits may still get there. */
  leave(): void {
    if (this.#upstream !== null) this.abandoned();
  }

  destroy(): void {
    this.#client.socket.destroy();
  }

  /** Listens to ends before the library does: what it does with them, it does after this. */
  #join(upstream: Socket): void {
    this.#upstream = upstream;
    // After the library has joined the two, and before anything flows: what flows earlier would reach nobody but this.
    process.nextTick(() => upstream.on("data", (bytes: Buffer) => this.#passed(upstream, bytes)));
    const lost = (): void => this.#leave(upstream);
    upstream.prependListener("end", lost).prependListener("error", lost).prependListener("close", lost);
  }

  #passed(upstream: Socket, bytes: Buffer): void {
    this.#boundary.pass(bytes);
    if (this.#leaves && this.#boundary.isHere) this.#leave(upstream);
  }

  #leave(upstream: Socket): void {
    if (this.#upstream === null) return;
    this.#upstream = null;
    const { socket } = this.#client;
    upstream.unpipe(socket);
    if (socket.writable && this.#boundary.isHere && !this.#boundary.isClosed) socket.end(RESTART_FRAME);
    else socket.end();
    const cancel = this.#relay.context.clock.after(FRAME_MS, () => socket.destroy());
    socket.once("close", cancel);
    upstream.destroy();
  }

  #fields({ epoch }: OpenRoute): Fields {
    const { head, forwarding } = this.#client;
    const { context, config } = this.#relay;
    const naming = namingLines({
      pool: config.id,
      epoch,
      requestId: this.#requestId,
      attempt: 1,
      logTimeMs: context.logTimeMs(config),
    });
    const via = `via: ${head.version} ${context.pseudonym}\r\n`;
    const fields = fieldRecord(`${head.lines}${forwarding}${via}${naming}`);
    return { ...fields, connection: "Upgrade", upgrade: "websocket" };
  }

  #passingFields({ status, lines, version, framing }: AnswerHead): Fields {
    const via = `via: ${version} ${this.#relay.context.pseudonym}\r\n`;
    const fields = fieldRecord(`${lines}${via}${this.#timing()}`);
    if (status === SWITCHING) return { ...fields, connection: "Upgrade", upgrade: "websocket" };
    const length: Fields = framing.type === "length" ? { "content-length": String(framing.bytes) } : {};
    return { ...fields, ...length, connection: "close" };
  }

  #hostFailed(): void {
    if (this.#route !== null) this.#relay.context.trafficFailed(this.#route.host);
  }

  #refuse(code: ErrorCode): void {
    const { socket } = this.#client;
    const { config, context } = this.#relay;
    context.metrics.failed(config.id, code);
    if (!socket.writable) return;
    const details = { pool: config.id, waitMs: config.park.waitMs, effect: "none" };
    const answer = errorAnswer(code, details, this.#requestId);
    this.#status = answer.status;
    socket.end(formatOwnAnswer(answer, this.#timing()));
  }

  #timing(): string {
    const { parkedMs } = this.#waiting;
    return parkedMs === null ? "" : parkedLine(parkedMs);
  }

  readonly #ahead = (bytes: Buffer): void => {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    if (this.#rest.length > MOST_AHEAD_BYTES) this.#client.socket.pause();
  };

  readonly #gone = (): void => void this.#client.socket.destroy();

  #end(): void {
    this.#report();
    this.#settled();
    this.#upstream = null;
    this.#relay.gate.leave(this);
    this.#relay.remove(this);
  }

  #report(): void {
    const { context, config } = this.#relay;
    context.accessLog?.({
      ...accessOf(this.#client, this.#requestId),
      pool: config.id,
      epoch: this.#route?.epoch ?? null,
      host: this.#route?.host ?? null,
      parkedMs: Math.round(this.#waiting.sumMs),
      attempts: this.#route === null ? 0 : 1,
      status: this.#status,
    });
  }
}

/** `null`: it cannot be read for certain. */
function readAnswer({ statusCode, statusMessage, rawHeaders }: IncomingMessage): AnswerHead | null {
  let text = `HTTP/1.1 ${statusCode} ${statusMessage}\r\n`;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    text += `${rawHeaders[index]}: ${rawHeaders[index + 1]}\r\n`;
  }
  try {
    return parseAnswerHead(text, "GET");
  } catch (error) {
    if (error instanceof HttpRefusal) return null;
    throw error;
  }
}

function nothing(): void {}
