/**
 * An answer whose client has seen nothing of it yet. While it is held, a host that dies in the middle of it costs nothing:
 * the request is sent again. Held is what is small, and what does not try its client's patience.
 */
import type { AnswerHead } from "../http1/answer-head.ts";
import type { KeptBytes } from "./kept-bytes.ts";

export interface HeldAnswerOptions {
  /** The largest answer that waits until it is complete. */
  readonly boundBytes: number;
  /** Of all bytes that the pool keeps. */
  readonly budget: KeptBytes;
}

/** How long the end of one without a stated length is waited for: it may be a stream that has none. */
export const HELD_MS = 50;

export class HeldAnswer {
  readonly head: AnswerHead;
  readonly #options: HeldAnswerOptions;
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** Of the budget. */
  #taken = 0;

  constructor(head: AnswerHead, options: HeldAnswerOptions) {
    this.head = head;
    this.#options = options;
  }

  /** Whether it can be held at all. */
  get isSmall(): boolean {
    const { framing, isEventStream } = this.head;
    if (framing.type === "length") return framing.bytes <= this.#options.boundBytes;
    return framing.type === "none" || (framing.type === "chunked" && !isEventStream);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** False: it has become too large to be held, or there is no room for it beside others. It is taken all the same. */
  take(bytes: Buffer): boolean {
    const { boundBytes, budget } = this.#options;
    this.#chunks.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes > boundBytes || !budget.take(bytes.length)) return false;
    this.#taken += bytes.length;
    return true;
  }

  /** What was held; it is held no more. */
  release(): readonly Buffer[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#options.budget.give(this.#taken);
    this.#taken = 0;
    return chunks;
  }
}
