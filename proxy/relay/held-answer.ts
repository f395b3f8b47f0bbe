/**
 * An answer whose client has seen nothing of it yet. While it is held, a host that dies in the middle of it costs nothing:
 * the request is sent again. Held is what is small, and what does not come in time with its client's patience.
 */
import type { AnswerHead } from "../http1/answer-head.ts";

/** The largest answer that waits until it is complete. */
export const HELD_BYTES = 32 * 1024;
/** How long the end of one without a stated length is waited for: it may be a stream that has none. */
export const HELD_MS = 50;

export class HeldAnswer {
  readonly head: AnswerHead;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(head: AnswerHead) {
    this.head = head;
  }

  /** Whether it can be held at all. */
  get isSmall(): boolean {
    const { framing, isEventStream } = this.head;
    if (framing.type === "length") return framing.bytes <= HELD_BYTES;
    return framing.type === "none" || (framing.type === "chunked" && !isEventStream);
  }

  get chunks(): readonly Buffer[] {
    return this.#chunks;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** False: it has become too large to be held. */
  take(bytes: Buffer): boolean {
    this.#chunks.push(bytes);
    this.#bytes += bytes.length;
    return this.#bytes <= HELD_BYTES;
  }
}
