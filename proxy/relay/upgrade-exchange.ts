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
import type { UpgradingClient } from "./client-home.ts";
import { fieldRecord } from "./field-record.ts";
import { FrameBoundary, RESTART_FRAME } from "./frame-boundary.ts";
import type { OpenRoute, Waiter } from "./gate.ts";
import { namingLines } from "./message-lines.ts";
import type { OnTheWay, PoolRelay } from "./pool-relay.ts";
import { errorAnswer, formatOwnAnswer } from "./problem-answer.ts";
import type { Fields, UpgradeListener } from "./upgrade-upstream.ts";

const PARKED_BYTES = 1024;
/** How long a frame that has begun may take to end before a close frame follows it. */
const FRAME_MS = 500;
const SWITCHING = 101;

export class UpgradeExchange implements Waiter, OnTheWay, UpgradeListener {
  readonly #client: UpgradingClient;
  readonly #requestId: string;
  readonly #relay: PoolRelay;
  readonly #boundary = new FrameBoundary();
  #route: OpenRoute | null = null;
  #settled: () => void = nothing;
  #upstream: Socket | null = null;
  #answered = false;
  #leaves = false;

  constructor(client: UpgradingClient, requestId: string, relay: PoolRelay) {
    this.#client = client;
    this.#requestId = requestId;
    this.#relay = relay;
    client.socket.on("error", nothing);
    client.socket.once("close", () => this.#end());
    relay.add(this);
  }

  get route(): OpenRoute | null {
    return this.#route;
  }

  start(): void {
    this.#relay.gate.enter(this, PARKED_BYTES + this.#client.rest.length, this.#relay.config.park.waitMs);
  }

  /** It is never sent twice. */
  isSuspectAt(): boolean {
    return false;
  }

  go(route: OpenRoute, settled: () => void): void {
    const { socket, head, rest } = this.#client;
    const { context } = this.#relay;
    this.#route = route;
    this.#settled = settled;
    const address = context.addressOf(route.host);
    context.upgrades.send({ address, path: head.target.path, fields: this.#fields(route), socket, rest }, this);
  }

  turnedAway(why: "full" | "late"): void {
    this.#refuse(why === "full" ? "HS_PARK_FULL" : "HS_PARKED_TOO_LONG");
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
    const fields = fieldRecord(`${lines}via: ${version} ${this.#relay.context.pseudonym}\r\n`);
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
    socket.end(formatOwnAnswer(errorAnswer(code, { pool: config.id, waitMs: config.park.waitMs }, this.#requestId)));
  }

  #end(): void {
    this.#settled();
    this.#upstream = null;
    this.#relay.gate.leave(this);
    this.#relay.remove(this);
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
