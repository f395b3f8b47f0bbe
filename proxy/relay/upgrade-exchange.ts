/**
 * One upgrade (WebSocket): parked like any request while there is no primary, then two connections joined. It is not sent
 * again, and it ends when its host is abandoned: the client connects anew and comes to the new primary.
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { ErrorCode } from "../../shared/errors.ts";
import * as FIELDS from "../../shared/wire/fields.ts";
import { answerFields, upgradeFields } from "./forward-fields.ts";
import type { OpenRoute, Waiter } from "./gate.ts";
import type { OnTheWay, PoolRelay } from "./pool-relay.ts";
import { errorAnswer, formatOwnAnswer } from "./problem-answer.ts";
import type { RequestTarget } from "./request-check.ts";
import type { UpgradeListener } from "./upstream.ts";

export interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  readonly head: Buffer;
  readonly target: RequestTarget;
  readonly requestId: string;
}

const PARKED_BYTES = 1024;

export class UpgradeExchange implements Waiter, OnTheWay, UpgradeListener {
  readonly #parts: UpgradeRequest;
  readonly #relay: PoolRelay;
  #route: OpenRoute | null = null;
  #settled: () => void = nothing;
  #answered = false;

  constructor(parts: UpgradeRequest, relay: PoolRelay) {
    this.#parts = parts;
    this.#relay = relay;
    parts.socket.on("error", nothing);
    parts.socket.once("close", () => this.#end());
    relay.add(this);
  }

  get route(): OpenRoute | null {
    return this.#route;
  }

  start(): void {
    this.#relay.gate.enter(this, PARKED_BYTES + this.#parts.head.length, this.#relay.config.park.waitMs);
  }

  go(route: OpenRoute, settled: () => void): void {
    const { request, socket, head, target, requestId } = this.#parts;
    const { context, config } = this.#relay;
    this.#route = route;
    this.#settled = settled;
    const fields = {
      ...upgradeFields(request, target, context.pseudonym),
      [FIELDS.POOL_FIELD]: config.id,
      [FIELDS.EPOCH_FIELD]: String(route.epoch),
      [FIELDS.REQUEST_FIELD]: requestId,
      [FIELDS.ATTEMPT_FIELD]: "1",
      [FIELDS.LOG_TIME_FIELD]: String(Math.floor(context.logTimeMs(config))),
    };
    context.upstream.upgrade({ address: context.addressOf(route.host), path: target.path, fields, socket, head }, this);
  }

  turnedAway(why: "full" | "late"): void {
    this.#refuse(why === "full" ? "HS_PARK_FULL" : "HS_PARKED_TOO_LONG");
  }

  answered(answer: IncomingMessage): void {
    this.#settled();
    this.#answered = true;
    const outcome = FIELDS.readOutcome(answer.headers[FIELDS.OUTCOME_FIELD]);
    if (outcome !== null) {
      this.#hostFailed();
      return this.#refuse("HS_NOT_PRIMARY");
    }
    const upgrades = answer.statusCode === 101;
    const { upgrade } = answer.headers;
    // The library writes what it finds here: only what may pass is left.
    const fields = answerFields(answer, this.#relay.context.pseudonym);
    answer.headers = upgrades
      ? { ...fields, connection: "Upgrade", ...(upgrade ? { upgrade } : {}) }
      : { ...fields, connection: "close" };
  }

  failed(): void {
    this.#settled();
    if (this.#answered) return;
    this.#hostFailed();
    this.#refuse("HS_NOT_PRIMARY");
  }

  abandoned(): void {
    this.#parts.socket.destroy();
  }

  #hostFailed(): void {
    if (this.#route !== null) this.#relay.context.trafficFailed(this.#route.host);
  }

  #refuse(code: ErrorCode): void {
    const { socket, requestId } = this.#parts;
    const { config, context } = this.#relay;
    context.metrics.failures.inc({ pool: config.id, code });
    if (!socket.writable) return;
    socket.end(formatOwnAnswer(errorAnswer(code, { pool: config.id, waitMs: config.park.waitMs }, requestId)));
  }

  #end(): void {
    this.#settled();
    this.#relay.gate.leave(this);
    this.#relay.remove(this);
  }
}

const nothing = (): void => undefined;
