/**
 * A host's answer on its way to the client: held while it is small and its end may come at once, else streamed. As long as it is
 * held, the client has seen nothing, and it can be dropped as if there had been none.
 */
import type { Cancel } from "../../shared/clock.ts";
import type { AnswerHead } from "../http1/answer-head.ts";
import type { Framing } from "../http1/framing.ts";
import type { Client, OutgoingHead } from "./client.ts";
import { HELD_MS, HeldAnswer } from "./held-answer.ts";
import { outgoingHead, parkedLine } from "./message-lines.ts";
import type { PoolRelay } from "./pool-relay.ts";

export interface DeliveryOptions {
  readonly client: Client;
  readonly relay: PoolRelay;
  /** How long its request was parked; `null` if it was not. */
  readonly parkedMs: number | null;
  /** The client begins to see it. */
  readonly begun: () => void;
  /** The client has no room for more. */
  readonly full: () => void;
}

export class AnswerDelivery {
  readonly head: AnswerHead;
  readonly #options: DeliveryOptions;
  readonly #held: HeldAnswer;
  #streams = false;
  #timer: Cancel = nothing;

  constructor(head: AnswerHead, options: DeliveryOptions) {
    const { config, kept } = options.relay;
    this.head = head;
    this.#options = options;
    this.#held = new HeldAnswer(head, { boundBytes: config.replay.answerBytes, budget: kept });
  }

  /** The client has seen its beginning. */
  get streams(): boolean {
    return this.#streams;
  }

  start(): void {
    const { clock } = this.#options.relay.context;
    if (!this.#held.isSmall) this.#stream();
    else if (this.head.framing.type === "chunked") this.#timer = clock.after(HELD_MS, () => this.#stream());
  }

  payload(bytes: Buffer): void {
    if (!this.#streams) {
      if (!this.#held.take(bytes)) this.#stream();
    } else if (!this.#options.client.write(bytes)) this.#options.full();
  }

  /** It is complete. `trailers`: those that may pass. */
  finish(trailers: string): void {
    const { client } = this.#options;
    const passing = client.head.takesTrailers ? trailers : "";
    if (passing !== "" && !this.#streams) this.#stream();
    this.#timer();
    if (this.#streams) return client.end(passing);
    const { framing } = this.head;
    const whole: Framing = framing.type === "none" ? framing : { type: "length", bytes: this.#held.bytes };
    client.answer(this.#outgoing(whole), this.#held.release());
  }

  /** Nothing more of it goes to the client. */
  drop(): void {
    this.#timer();
    this.#held.release();
  }

  #stream(): void {
    const { client, begun, full } = this.#options;
    this.#timer();
    this.#streams = true;
    begun();
    client.begin(this.#outgoing(this.head.framing));
    let hasRoom = true;
    for (const chunk of this.#held.release()) hasRoom = client.write(chunk);
    if (!hasRoom) full();
  }

  #outgoing(framing: Framing): OutgoingHead {
    const { relay, parkedMs } = this.#options;
    const { context, config } = relay;
    const { head } = this;
    context.metrics.answered(config.id, head.status, parkedMs);
    const timing = parkedMs === null ? "" : parkedLine(parkedMs);
    return outgoingHead({ head, framing, pseudonym: context.pseudonym, timing, clock: context.clock });
  }
}

function nothing(): void {}
