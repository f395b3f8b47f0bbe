/**
 * One client's request, from its acceptance to its end: parked, sent, perhaps sent again, answered. It ends in exactly
 * one of answer, definite error, client gone.
 *
 * It is sent again when no answer began: the connection was refused or reset, the host was abandoned, or the host itself
 * said that nothing was applied. That is safe because every attempt carries the same `Hotspare-Request`, which a host
 * settles once. What may have been executed counts as an execution, and there are at most two: a request that kills its
 * host must not be carried through every host.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { reasonOf, type ErrorCode, type ErrorDetails } from "../../shared/errors.ts";
import type { NodeId } from "../../shared/ids.ts";
import * as FIELDS from "../../shared/wire/fields.ts";
import { BodyKeeper } from "./body-keeper.ts";
import { answerFields, requestFields, type Fields } from "./forward-fields.ts";
import type { OpenRoute, Waiter } from "./gate.ts";
import type { OnTheWay, PoolRelay } from "./pool-relay.ts";
import { errorAnswer, sendOwnAnswer } from "./problem-answer.ts";
import type { RequestTarget } from "./request-check.ts";
import type { Attempt, AttemptListener, UpstreamRequest } from "./upstream.ts";

export interface ExchangeRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly target: RequestTarget;
  readonly requestId: string;
  /** The client waits for `100 Continue` before it sends its body. */
  readonly expectsContinue: boolean;
}

/** A request's place in the parking: its head, roughly. Kept bytes have a budget of their own, of the same size. */
const PARKED_BYTES = 1024;
const MOST_EXECUTIONS = 2;
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

export class Exchange implements Waiter, OnTheWay, AttemptListener {
  readonly #parts: ExchangeRequest;
  readonly #relay: PoolRelay;
  readonly #body: BodyKeeper;
  readonly #fields: Fields;
  readonly #method: string;
  #state: "waiting" | "sent" | "answering" | "ended" = "waiting";
  #executions = 0;
  #attempt: Attempt | null = null;
  #route: OpenRoute | null = null;
  #lastHost: NodeId | null = null;
  #settled: () => void = nothing;
  #logTimeMs: number | null = null;
  #enteredMs = 0;
  #waitedMs = 0;
  #parked = false;
  #entering = false;
  #lingers = false;
  #continued: boolean;

  constructor(parts: ExchangeRequest, relay: PoolRelay) {
    this.#parts = parts;
    this.#relay = relay;
    this.#method = parts.request.method ?? "GET";
    this.#fields = requestFields(parts.request, parts.target, relay.context.pseudonym);
    this.#body = new BodyKeeper(parts.request, relay.config.replay.bodyBytes, relay.kept);
    this.#continued = !parts.expectsContinue;
    parts.response.on("close", () => this.#clientClosed());
    relay.add(this);
  }

  /** The host that it was sent to, if it was. */
  get route(): OpenRoute | null {
    return this.#route;
  }

  start(): void {
    this.#wait("enter");
  }

  go(route: OpenRoute, settled: () => void): void {
    this.#noteWait();
    this.#state = "sent";
    this.#route = route;
    this.#settled = settled;
    this.#logTimeMs ??= this.#relay.context.logTimeMs(this.#relay.config);
    if (!this.#continued) this.#parts.response.writeContinue();
    this.#continued = true;
    this.#send(route);
  }

  turnedAway(why: "full" | "late"): void {
    this.#noteWait();
    if (this.#mayHaveHappened()) return this.#fail("HS_OUTCOME_UNKNOWN");
    this.#fail(why === "full" ? "HS_PARK_FULL" : "HS_PARKED_TOO_LONG");
  }

  answered(answer: IncomingMessage): void {
    const { gate, context } = this.#relay;
    this.#endTurn();
    if (FIELDS.readOutcome(answer.headers[FIELDS.OUTCOME_FIELD]) !== null) {
      answer.resume();
      return this.#comeBack({ executed: false });
    }
    gate.ease();
    this.#state = "answering";
    this.#body.release();
    this.#answer(answer, answerFields(answer, context.pseudonym));
  }

  failed(sent: boolean): void {
    this.#endTurn();
    this.#comeBack({ executed: sent });
  }

  abandoned(): void {
    if (this.#state === "answering") return this.#linger();
    if (this.#state !== "sent" || this.#attempt === null) return;
    const executed = this.#attempt.sent;
    this.#attempt.abort();
    this.#endTurn();
    this.#again({ executed, way: "enter" });
  }

  #send(route: OpenRoute): void {
    try {
      this.#attempt = this.#relay.context.upstream.send(this.#upstreamRequest(route), this);
    } catch (error) {
      // Node will not send on what its parser let in: no host has seen it.
      this.#fail("HS_REQUEST_INVALID", { reason: reasonOf(error) });
    }
  }

  #upstreamRequest(route: OpenRoute): UpstreamRequest {
    return {
      address: this.#relay.context.addressOf(route.host),
      method: this.#method,
      path: this.#parts.target.path,
      fields: { ...this.#fields, ...this.#ownFields(route) },
      body: this.#body.open(),
      // A kept connection to the host that just failed may be as dead as the last one.
      connection: this.#lastHost === route.host ? "fresh" : "kept",
    };
  }

  #ownFields(route: OpenRoute): Fields {
    return {
      [FIELDS.POOL_FIELD]: this.#relay.config.id,
      [FIELDS.EPOCH_FIELD]: String(route.epoch),
      [FIELDS.REQUEST_FIELD]: this.#parts.requestId,
      [FIELDS.ATTEMPT_FIELD]: String(this.#executions + 1),
      [FIELDS.LOG_TIME_FIELD]: String(Math.floor(this.#logTimeMs ?? 0)),
    };
  }

  /** No answer, or one that says "not here": ask about the host at once, and decide on the request. */
  #comeBack({ executed }: { readonly executed: boolean }): void {
    const route = this.#route;
    if (route !== null) {
      if (!executed) this.#relay.gate.hold(route);
      this.#relay.context.trafficFailed(route.host);
    }
    this.#again({ executed, way: executed ? "rest" : "enter" });
  }

  #again({ executed, way }: { readonly executed: boolean; readonly way: "enter" | "rest" }): void {
    this.#state = "waiting";
    this.#lastHost = this.#route?.host ?? null;
    this.#attempt = null;
    this.#route = null;
    if (executed) this.#executions += 1;
    const code = this.#whyNotAgain(executed);
    if (code !== null) return this.#fail(code);
    this.#relay.context.metrics.replays.inc({ pool: this.#relay.config.id });
    this.#wait(way);
  }

  #whyNotAgain(executed: boolean): ErrorCode | null {
    const { attempts, policy } = this.#relay.config.replay;
    if (!executed && !this.#body.replayable) return this.#mayHaveHappened() ? "HS_OUTCOME_UNKNOWN" : "HS_NOT_APPLIED";
    if (!executed) return null;
    if (this.#executions >= MOST_EXECUTIONS) return "HS_REQUEST_POISON";
    const allowed = policy === "keyed" || (policy === "safe" && SAFE_METHODS.has(this.#method));
    const again = allowed && this.#executions < attempts && this.#body.replayable;
    return again ? null : "HS_OUTCOME_UNKNOWN";
  }

  #wait(way: "enter" | "rest"): void {
    this.#enteredMs = this.#relay.context.clock.monotonicMs();
    const waitMs = this.#relay.config.park.waitMs - this.#waitedMs;
    this.#entering = true;
    const bytes = PARKED_BYTES + this.#body.keptBytes;
    if (way === "rest" && this.#lastHost !== null) this.#relay.gate.rest(this, this.#lastHost, { bytes, waitMs });
    else this.#relay.gate.enter(this, bytes, waitMs);
    this.#entering = false;
  }

  /** Nothing to note if the gate was open. */
  #noteWait(): void {
    if (this.#entering) return;
    this.#parked = true;
    this.#waitedMs += this.#relay.context.clock.monotonicMs() - this.#enteredMs;
  }

  #answer(answer: IncomingMessage, fields: Fields): void {
    const { response } = this.#parts;
    const { metrics } = this.#relay.context;
    try {
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, this.#withTiming(fields));
    } catch {
      // A field that Node will not send: the answer is no valid HTTP.
      return this.#fail("HS_OUTCOME_UNKNOWN");
    }
    metrics.requests.inc({ pool: this.#relay.config.id, status: String(answer.statusCode) });
    if (this.#parked) metrics.parkSeconds.observe({ pool: this.#relay.config.id }, this.#waitedMs / 1000);
    // Never silently short: a client must see that the end is missing.
    answer.on("close", () => {
      if (!answer.complete) response.destroy();
    });
    answer.pipe(response);
  }

  /** Tells how long it waited, if it did. */
  #withTiming(fields: Fields): Fields {
    if (!this.#parked) return fields;
    const own = `park;dur=${this.#waitedMs.toFixed(1)}`;
    const others = fields["server-timing"] ?? [];
    return { ...fields, "server-timing": [...(Array.isArray(others) ? others : [others]), own] };
  }

  /** An answer that began at a host that is gone may end, but not hang for ever. */
  #linger(): void {
    if (this.#lingers) return;
    this.#lingers = true;
    const { clock, lingerMs } = this.#relay.context;
    const cancel = clock.after(lingerMs, () => this.#parts.response.destroy());
    this.#parts.response.once("close", cancel);
  }

  #fail(code: ErrorCode, more: ErrorDetails = {}): void {
    const { response, requestId } = this.#parts;
    const { config, context } = this.#relay;
    this.#attempt?.abort();
    this.#end();
    context.metrics.failures.inc({ pool: config.id, code });
    const answer = errorAnswer(code, { pool: config.id, waitMs: config.park.waitMs, ...more }, requestId);
    sendOwnAnswer(response, answer, this.#withTiming({}) as Record<string, string>);
  }

  /** Answered to the end, or the client left. */
  #clientClosed(): void {
    const { response } = this.#parts;
    if (this.#state !== "ended" && !response.writableFinished) {
      this.#relay.gate.leave(this);
      this.#relay.context.metrics.failures.inc({ pool: this.#relay.config.id, code: "client-gone" });
      this.#attempt?.abort();
    }
    this.#end();
  }

  #end(): void {
    this.#state = "ended";
    this.#endTurn();
    this.#relay.remove(this);
    this.#body.discard();
    this.#attempt = null;
  }

  #endTurn(): void {
    this.#settled();
    this.#settled = nothing;
  }

  #mayHaveHappened(): boolean {
    return this.#executions > 0 && !SAFE_METHODS.has(this.#method);
  }
}

const nothing = (): void => undefined;
