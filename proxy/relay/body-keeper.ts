/**
 * A request's body on its way from a client to a host, kept while it passes, so that it can be sent again from its beginning.
 * While no host takes it, no more is read than may be kept: the rest waits with the client. With a host it streams, and past
 * the bound it cannot be sent again.
 */
import type { KeptBytes } from "./kept-bytes.ts";

/** The client. */
export interface BodySource {
  pause(): void;
  resume(): void;
}

/** A connection to a host. */
export interface BodySink {
  /** False: no more, until it calls `BodyKeeper.more`. */
  take(chunk: Buffer): boolean;
  finish(trailers: string): void;
}

export interface BodyKeeperOptions {
  readonly source: BodySource;
  /** Of one body. */
  readonly boundBytes: number;
  /** Of all bodies of the pool. */
  readonly budget: KeptBytes;
}

export class BodyKeeper {
  readonly #options: BodyKeeperOptions;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #whole = true;
  #ended = false;
  #trailers = "";
  #sink: BodySink | null = null;
  #paused = false;

  constructor(options: BodyKeeperOptions) {
    this.#options = options;
  }

  /** Whether all that was read so far is kept. */
  get replayable(): boolean {
    return this.#whole;
  }

  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** All of it, if it is all here and nothing comes after it: it can leave in one piece. */
  get whole(): readonly Buffer[] | null {
    return this.#ended && this.#whole && this.#trailers === "" ? this.#kept : null;
  }

  /** From the client. False: there is no room for it, and no host that takes it. */
  feed(chunk: Buffer): boolean {
    const sink = this.#sink;
    if (this.#whole && !this.#keep(chunk, sink !== null)) return false;
    if (sink === null ? this.#isFull() : !sink.take(chunk)) this.#pause();
    return true;
  }

  /** The client has sent all. */
  finish(trailers: string): void {
    this.#ended = true;
    this.#trailers = trailers;
    this.#sink?.finish(trailers);
    // What comes now is none of it.
    this.#resume();
  }

  /** Gives all of it to `sink`, from the beginning. Only while `replayable`. */
  attach(sink: BodySink): void {
    this.#sink = sink;
    let hasRoom = true;
    for (const chunk of this.#kept) hasRoom = sink.take(chunk);
    if (this.#ended) sink.finish(this.#trailers);
    else if (hasRoom) this.#resume();
  }

  detach(): void {
    this.#sink = null;
    if (this.#whole && !this.#ended && !this.#isFull()) this.#resume();
  }

  /** The sink has room again. */
  more(): void {
    if (!this.#ended) this.#resume();
  }

  /** Nobody will send it again: what is kept is let go, what still comes only streams. */
  release(): void {
    this.#whole = false;
    this.#options.budget.give(this.#keptBytes);
    this.#kept = [];
    this.#keptBytes = 0;
  }

  #keep(chunk: Buffer, hasSink: boolean): boolean {
    const { boundBytes, budget } = this.#options;
    const fits = !hasSink || this.#keptBytes + chunk.length <= boundBytes;
    if (fits && budget.take(chunk.length)) {
      this.#kept.push(chunk);
      this.#keptBytes += chunk.length;
      return true;
    }
    if (hasSink) this.release();
    return hasSink;
  }

  #isFull(): boolean {
    return this.#keptBytes >= this.#options.boundBytes;
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#options.source.pause();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#options.source.resume();
  }
}
