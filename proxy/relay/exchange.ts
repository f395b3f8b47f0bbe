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
import { unreachable, type ErrorCode } from "../../shared/errors.ts";
import type { NodeId } from "../../shared/ids.ts";
import type { AnswerHead } from "../http1/answer-head.ts";
import type { Framing } from "../http1/framing.ts";
import { passingTrailers } from "../http1/trailers.ts";
import { BodyKeeper } from "./body-keeper.ts";
import type { Client, OutgoingHead } from "./client.ts";
import { Executions, type Executed } from "./executions.ts";
import type { OpenRoute, Waiter } from "./gate.ts";
import { HELD_MS, HeldAnswer } from "./held-answer.ts";
import { namingLines, outgoingHead, parkedLine, requestHead } from "./message-lines.ts";
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
  #state: "waiting" | "sent" | "held" | "streaming" | "ended" = "waiting";
  #attempt: UpstreamConnection | null = null;
  #attempts = 0;
  #route: OpenRoute | null = null;
  #lastHost: NodeId | null = null;
  #settled: () => void = nothing;
  #held: HeldAnswer | null = null;
  #timer: Cancel = nothing;
  #logTimeMs: number | null = null;
  #entering = false;

  constructor(client: Client, requestId: string, relay: PoolRelay) {
    this.#client = client;
    this.#requestId = requestId;
    this.#relay = relay;
    this.#executions = new Executions(client.head.method, relay.config.replay);
    this.#waiting = new WaitingTime(relay.context.clock);
    this.body = new BodyKeeper({ source: client, boundBytes: relay.config.replay.bodyBytes, budget: relay.kept });
    relay.add(this);
  }

  get isSuspect(): boolean {
    return this.#executions.areSuspect;
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
    this.#noteWait();
    this.#state = "sent";
    this.#route = route;
    this.#settled = settled;
    const code = this.#executions.goesTo(route, this.body.replayable);
    if (code !== null) return this.#fail(code);
    this.#logTimeMs ??= context.logTimeMs(config);
    this.#client.proceed();
    this.#send(route);
  }

  turnedAway(why: "full" | "late"): void {
    this.#noteWait();
    if (this.#executions.mayHaveHappened) return this.#fail("HS_OUTCOME_UNKNOWN");
    this.#fail(why === "full" ? "HS_PARK_FULL" : "HS_PARKED_TOO_LONG");
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
    const { config, kept } = this.#relay;
    this.#held = new HeldAnswer(head, { boundBytes: config.replay.answerBytes, budget: kept });
    this.#state = "held";
    if (!this.#held.isSmall) this.#stream(this.#held);
    else if (head.framing.type === "chunked") this.#timer = this.#after(HELD_MS, () => this.#streamHeld());
  }

  payload(bytes: Buffer): void {
    if (this.#state === "streaming") {
      if (!this.#client.write(bytes)) this.#attempt?.pause();
    } else if (this.#held?.take(bytes) === false) this.#stream(this.#held);
  }

  finished(trailers: string): void {
    const held = this.#held;
    this.#attempt = null;
    if (held === null) return;
    const passing = this.#client.head.takesTrailers ? passingTrailers(trailers) : "";
    if (this.#state === "held" && passing !== "") this.#stream(held);
    const streams = this.#state === "streaming";
    const chunks = held.release();
    this.#end(held.head.status);
    if (streams) return this.#client.end(passing);
    const { framing } = held.head;
    const whole: Framing = framing.type === "none" ? framing : { type: "length", bytes: held.bytes };
    this.#client.answer(this.#outgoing(held.head, whole), chunks);
  }

  failed(sent: boolean): void {
    this.#attempt = null;
    if (sent && this.#route !== null) this.#relay.gate.broke(this.#route);
    this.#endTurn();
    if (this.#state === "streaming") return this.#breakOff();
    this.#comeBack({ executed: sent ? "yes" : "no" });
  }

  /** Asking another host would not help: this one is well, as far as anybody knows. */
  invalid(): void {
    this.#attempt = null;
    if (this.#state === "streaming") this.#breakOff();
    else this.#fail("HS_OUTCOME_UNKNOWN");
  }

  abandoned(): void {
    switch (this.#state) {
      case "streaming":
        return this.#leaveStream();
      case "sent":
      case "held": {
        const sent = this.#attempt?.isOpen ?? false;
        this.#attempt?.abort();
        this.#endTurn();
        return this.#again({ executed: sent ? "doubted" : "no", way: "enter" });
      }
      case "waiting":
      case "ended":
        return;
      default:
        return unreachable(this.#state);
    }
  }

  /** The client takes more of the answer. */
  clientDrained(): void {
    this.#attempt?.resume();
  }

  clientGone(): void {
    if (this.#state === "ended") return;
    this.#relay.gate.leave(this);
    this.#relay.context.metrics.failed(this.#relay.config.id, "client-gone");
    this.#end(null);
  }

  #send(route: OpenRoute): void {
    const { context } = this.#relay;
    const { head, forwarding } = this.#client;
    const framing = this.#framingNow(head.framing);
    // A kept connection to the host that just failed may be as dead as the last one.
    const connection = this.#lastHost === route.host ? "fresh" : "kept";
    this.#attempts += 1;
    this.#attempt = context.upstreams.take(context.addressOf(route.host), connection);
    const naming = this.#naming(route);
    const text = requestHead({ head, forwarding, naming, framing, pseudonym: context.pseudonym });
    this.#attempt.send({ method: head.method, head: text, framing, body: this.body }, this);
  }

  /** A body that is all here has a length. */
  #framingNow(framing: Framing): Framing {
    if (framing.type !== "chunked" || this.body.whole === null) return framing;
    return { type: "length", bytes: this.body.keptBytes };
  }

  #naming({ epoch }: OpenRoute): string {
    return namingLines({
      pool: this.#relay.config.id,
      epoch,
      requestId: this.#requestId,
      attempt: this.#executions.nextAttempt,
      logTimeMs: this.#logTimeMs ?? 0,
    });
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
    this.#endTimer();
    this.#state = "waiting";
    this.#lastHost = this.#route?.host ?? null;
    this.#attempt = null;
    this.#held?.release();
    this.#held = null;
    const code = this.#executions.ended(executed, this.#route, this.body.replayable);
    this.#route = null;
    if (code !== null) return this.#fail(code);
    context.metrics.replayed(config.id);
    this.#wait(way);
  }

  #wait(way: "enter" | "rest"): void {
    const { config, gate } = this.#relay;
    this.#waiting.begins();
    const waitMs = config.park.waitMs - this.#waiting.sumMs;
    this.#entering = true;
    const bytes = PARKED_BYTES + this.body.keptBytes;
    if (way === "rest" && this.#lastHost !== null) gate.rest(this, this.#lastHost, { bytes, waitMs });
    else gate.enter(this, bytes, waitMs);
    this.#entering = false;
  }

  /** Nothing to note if the gate was open. */
  #noteWait(): void {
    if (!this.#entering) this.#waiting.ends();
  }

  #streamHeld(): void {
    if (this.#state === "held" && this.#held !== null) this.#stream(this.#held);
  }

  /** From here on the client sees it: it cannot be sent again. */
  #stream(held: HeldAnswer): void {
    this.#endTimer();
    this.#state = "streaming";
    this.body.release();
    this.#client.begin(this.#outgoing(held.head, held.head.framing));
    let hasRoom = true;
    for (const chunk of held.release()) hasRoom = this.#client.write(chunk);
    if (!hasRoom) this.#attempt?.pause();
  }

  #outgoing(head: AnswerHead, framing: Framing): OutgoingHead {
    const { context, config } = this.#relay;
    context.metrics.answered(config.id, head.status, this.#waiting.parkedMs);
    return outgoingHead({ head, framing, pseudonym: context.pseudonym, timing: this.#timing() });
  }

  /** Tells how long it waited, if it did. */
  #timing(): string {
    const { parkedMs } = this.#waiting;
    return parkedMs === null ? "" : parkedLine(parkedMs);
  }

  /** An answer that began at a host that is gone may end, but not hang for ever. A stream of events begins anew. */
  #leaveStream(): void {
    const head = this.#held?.head;
    if (head?.isEventStream === true) {
      this.#end(head.status);
      return this.#client.end("");
    }
    this.#endTimer();
    this.#timer = this.#after(this.#relay.context.lingerMs, () => this.#breakOff());
  }

  #breakOff(): void {
    this.#end(this.#held?.head.status ?? null);
    this.#client.breakOff();
  }

  #fail(code: ErrorCode): void {
    const { config, context } = this.#relay;
    const answer = errorAnswer(code, { pool: config.id, waitMs: config.park.waitMs }, this.#requestId);
    this.#end(answer.status);
    context.metrics.failed(config.id, code);
    this.#client.answerSelf(answer, this.#timing());
  }

  /** `status`: what the client got, `null` if nothing. */
  #end(status: number | null): void {
    this.#state = "ended";
    this.#report(status);
    this.#endTimer();
    this.#endTurn();
    this.#attempt?.abort();
    this.#attempt = null;
    this.#relay.remove(this);
    this.body.release();
    this.#held?.release();
  }

  #report(status: number | null): void {
    const { context, config } = this.#relay;
    if (context.accessLog === null) return;
    context.accessLog({
      requestId: this.#requestId,
      client: this.#client.address,
      method: this.#client.head.method,
      path: this.#client.head.target.path,
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

  #after(delayMs: number, run: () => void): Cancel {
    return this.#relay.context.clock.after(delayMs, run);
  }

  #endTimer(): void {
    this.#timer();
    this.#timer = nothing;
  }
}

function nothing(): void {}
