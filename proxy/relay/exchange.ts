/**
 * One client's request, from its acceptance to its end: parked, sent, perhaps sent again, answered. It ends in exactly
 * one of answer, definite error, client gone.
 *
 * It is sent again when its client has seen nothing of an answer: the connection was refused or reset, the host was
 * abandoned or died while its answer was held, or the host itself said that nothing was applied. That is safe because every
 * attempt carries the same `Hotspare-Request`, which a host settles once. What may have been executed counts as an
 * execution, and there are at most two: a request that kills its host must not be carried through every host.
 */
import type { Cancel } from "../../shared/clock.ts";
import type { ErrorCode } from "../../shared/errors.ts";
import type { NodeId } from "../../shared/ids.ts";
import type { AnswerHead } from "../http1/answer-head.ts";
import { accessOf } from "./access-entry.ts";
import { AnswerDelivery } from "./answer-delivery.ts";
import { BodyKeeper } from "./body-keeper.ts";
import type { Client } from "./client.ts";
import { Executions, type Executed } from "./executions.ts";
import { TURNED_AWAY, type OpenRoute, type TurnedAway, type Waiter } from "./gate.ts";
import { parkedLine } from "./message-lines.ts";
import { outgoingRequest } from "./outgoing-request.ts";
import type { OnTheWay, PoolRelay } from "./pool-relay.ts";
import { errorAnswer } from "./problem-answer.ts";
import type { AttemptListener, UpstreamConnection } from "./upstream-connection.ts";
import { WaitingTime } from "./waiting-time.ts";

/** A request's place in the parking: its head, roughly. Kept bytes have a budget of their own, of the same size. */
const PARKED_BYTES = 1024;

export class Exchange implements Waiter, OnTheWay, AttemptListener {
  readonly body: BodyKeeper;
  readonly #client: Client;
  readonly #requestId: string;
  readonly #relay: PoolRelay;
  readonly #executions: Executions;
  readonly #waiting: WaitingTime;
  #state: "waiting" | "sent" | "answered" | "ended" = "waiting";
  #attempt: UpstreamConnection | null = null;
  #attempts = 0;
  #route: OpenRoute | null = null;
  #lastHost: NodeId | null = null;
  #settled: () => void = nothing;
  #delivery: AnswerDelivery | null = null;
  #linger: Cancel = nothing;
  #logTimeMs: number | null = null;

  constructor(client: Client, requestId: string, relay: PoolRelay) {
    this.#client = client;
    this.#requestId = requestId;
    this.#relay = relay;
    this.#executions = new Executions(client.head.method, relay.config.replay);
    this.#waiting = new WaitingTime(relay.context.clock);
    this.body = new BodyKeeper({ source: client, boundBytes: relay.config.replay.bodyBytes, budget: relay.kept });
    relay.add(this);
  }

  isSuspectAt(route: OpenRoute | null): boolean {
    return this.#executions.areSuspectAt(route);
  }

  /** The host that it was sent to, if it was. */
  get route(): OpenRoute | null {
    return this.#route;
  }

  get waits(): boolean {
    return this.#state === "waiting";
  }

  start(): void {
    this.#wait("enter");
  }

  go(route: OpenRoute, settled: () => void): void {
    const { context, config } = this.#relay;
    this.#waiting.ends();
    this.#state = "sent";
    this.#route = route;
    this.#settled = settled;
    const code = this.#executions.goesTo(route, this.body.replayable);
    if (code !== null) return this.#fail(code);
    this.#logTimeMs ??= context.logTimeMs(config);
    this.#client.proceed();
    this.#send(route);
  }

  turnedAway(why: TurnedAway): void {
    this.#waiting.ends();
    if (this.#executions.mayHaveHappened) return this.#fail("HS_OUTCOME_UNKNOWN");
    this.#fail(TURNED_AWAY[why]);
  }

  /** The client's body does not fit beside those of others, and no host takes it. */
  overflowed(): void {
    this.#relay.gate.leave(this);
    this.turnedAway("full");
  }

  interim(head: AnswerHead): void {
    if (this.#state === "sent") this.#client.interim(head.status, head.lines);
  }

  answered(head: AnswerHead): void {
    this.#endTurn();
    if (head.outcome !== null) {
      this.#attempt?.forget();
      return this.#comeBack({ executed: "no" });
    }
    this.#relay.gate.ease();
    this.#state = "answered";
    this.#delivery = new AnswerDelivery(head, {
      client: this.#client,
      relay: this.#relay,
      parkedMs: this.#waiting.parkedMs,
      // From here on it cannot be sent again.
      begun: () => this.body.release(),
      full: () => this.#attempt?.pause(),
    });
    this.#delivery.start();
  }

  payload(bytes: Buffer): void {
    this.#delivery?.payload(bytes);
  }

  finished(trailers: string): void {
    const delivery = this.#delivery;
    this.#attempt = null;
    if (delivery === null) return;
    // With the end of the answer the client may ask for something else.
    this.#delivery = null;
    this.#end(delivery.head.status);
    delivery.finish(trailers);
  }

  failed(sent: boolean): void {
    this.#attempt = null;
    if (sent && this.#route !== null) this.#relay.gate.broke(this.#route);
    this.#endTurn();
    if (this.#delivery?.streams === true) return this.#breakOff();
    this.#comeBack({ executed: sent ? "yes" : "no" });
  }

  /** Asking another host would not help: this one is well, as far as anybody knows. */
  invalid(): void {
    this.#attempt = null;
    this.#executions.ended("yes", this.#route, false);
    if (this.#delivery?.streams === true) this.#breakOff();
    else this.#fail("HS_OUTCOME_UNKNOWN");
  }

  abandoned(): void {
    if (this.#delivery?.streams === true) return this.#leaveStream(this.#delivery.head);
    if (this.#state !== "sent" && this.#state !== "answered") return;
    const sent = this.#attempt?.isOpen ?? false;
    this.#attempt?.abort();
    this.#endTurn();
    this.#again({ executed: sent ? "doubted" : "no", way: "enter" });
  }

  /** The client takes more of the answer. */
  clientDrained(): void {
    this.#attempt?.resume();
  }

  /** `status`: what it was told, if its request was refused in the middle. */
  clientGone(status: number | null = null): void {
    if (this.#state === "ended") return;
    this.#relay.gate.leave(this);
    this.#relay.context.metrics.failed(this.#relay.config.id, "client-gone");
    this.#end(status);
  }

  #send(route: OpenRoute): void {
    const { context, config } = this.#relay;
    // A kept connection to the host that just failed may be as dead as the last one.
    const connection = this.#lastHost === route.host ? "fresh" : "kept";
    this.#attempts += 1;
    const naming = {
      pool: config.id,
      epoch: route.epoch,
      requestId: this.#requestId,
      attempt: this.#executions.nextAttempt,
      logTimeMs: this.#logTimeMs ?? 0,
    };
    const request = { client: this.#client, body: this.body, naming, pseudonym: context.pseudonym };
    this.#attempt = context.upstreams.take(context.addressOf(route.host), connection);
    this.#attempt.send(outgoingRequest(request), this);
  }

  /** No answer, or one that says "not here": ask about the host at once, and decide on the request. */
  #comeBack({ executed }: { readonly executed: "yes" | "no" }): void {
    const route = this.#route;
    if (route !== null) {
      if (executed === "no") this.#relay.gate.hold(route);
      this.#relay.context.trafficFailed(route.host);
    }
    this.#again({ executed, way: executed === "yes" ? "rest" : "enter" });
  }

  #again({ executed, way }: { readonly executed: Executed; readonly way: "enter" | "rest" }): void {
    const { config, context } = this.#relay;
    this.#state = "waiting";
    this.#lastHost = this.#route?.host ?? null;
    this.#attempt = null;
    this.#delivery?.drop();
    this.#delivery = null;
    const code = this.#executions.ended(executed, this.#route, this.body.replayable);
    this.#route = null;
    if (code !== null) return this.#fail(code);
    context.metrics.replayed(config.id);
    this.#wait(way);
  }

  #wait(way: "enter" | "rest"): void {
    const { config, gate } = this.#relay;
    const waitMs = config.park.waitMs - this.#waiting.sumMs;
    const bytes = PARKED_BYTES + this.body.keptBytes;
    const host = way === "rest" ? this.#lastHost : null;
    this.#waiting.during(() =>
      host === null ? gate.enter(this, bytes, waitMs) : gate.rest(this, host, { bytes, waitMs }),
    );
  }

  /** An answer that began at a host that is gone may end, but not hang for ever. A stream of events begins anew. */
  #leaveStream(head: AnswerHead): void {
    if (head.isEventStream) {
      this.#end(head.status);
      return this.#client.end("");
    }
    const { clock, lingerMs } = this.#relay.context;
    this.#linger();
    this.#linger = clock.after(lingerMs, () => this.#breakOff());
  }

  #breakOff(): void {
    this.#end(this.#delivery?.head.status ?? null);
    this.#client.breakOff();
  }

  #fail(code: ErrorCode): void {
    const { config, context } = this.#relay;
    const effect = this.#executions.mayHaveHappened ? "possible" : "none";
    const details = { pool: config.id, waitMs: config.park.waitMs, effect };
    const answer = errorAnswer(code, details, this.#requestId);
    this.#end(answer.status);
    context.metrics.failed(config.id, code);
    const { parkedMs } = this.#waiting;
    this.#client.answerSelf(answer, parkedMs === null ? "" : parkedLine(parkedMs));
  }

  /** `status`: what the client got, `null` if nothing. */
  #end(status: number | null): void {
    this.#state = "ended";
    this.#report(status);
    this.#linger();
    this.#endTurn();
    this.#attempt?.abort();
    this.#attempt = null;
    this.#relay.remove(this);
    this.body.release();
    this.#delivery?.drop();
  }

  #report(status: number | null): void {
    const { context, config } = this.#relay;
    if (context.accessLog === null) return;
    context.accessLog({
      ...accessOf(this.#client, this.#requestId),
      pool: config.id,
      epoch: this.#route?.epoch ?? null,
      host: this.#route?.host ?? this.#lastHost,
      parkedMs: Math.round(this.#waiting.sumMs),
      attempts: this.#attempts,
      status,
    });
  }

  #endTurn(): void {
    this.#settled();
    this.#settled = nothing;
  }
}

function nothing(): void {}
