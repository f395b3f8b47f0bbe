/**
 * A request's body, streamed to a host and kept on the way, so that it can be sent again from its beginning. Nothing is
 * read from the client before a host takes it (what waits, waits in the kernel), and no more than the bound is kept:
 * past it the body goes on streaming but cannot be sent again.
 */
import { Readable } from "node:stream";
import type { IncomingMessage } from "node:http";
import type { KeptBytes } from "./kept-bytes.ts";

export class BodyKeeper {
  readonly #source: IncomingMessage;
  readonly #boundBytes: number;
  readonly #budget: KeptBytes;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #whole = true;
  #ended = false;
  #reader: Reader | null = null;

  constructor(source: IncomingMessage, boundBytes: number, budget: KeptBytes) {
    this.#source = source;
    this.#boundBytes = boundBytes;
    this.#budget = budget;
    if (hasBody(source)) {
      source.on("readable", () => this.#pump());
      source.once("end", () => this.#end());
    } else {
      this.#ended = true;
      source.resume();
    }
  }

  /** Whether all that was read so far is kept. */
  get replayable(): boolean {
    return this.#whole;
  }

  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** The body from its beginning. The reader before is cut off. Only while `replayable`. */
  open(): Readable {
    this.#reader?.destroy();
    this.#reader = new Reader([...this.#kept], () => this.#pump());
    if (this.#ended) this.#reader.finish();
    return this.#reader;
  }

  /** Nobody will send it again: what is kept is let go, what still comes only streams. */
  release(): void {
    this.#whole = false;
    this.#letGo();
  }

  /** Nobody wants the rest either: it is read and thrown away. */
  discard(): void {
    this.release();
    this.#reader?.destroy();
    this.#reader = null;
    this.#source.removeAllListeners("readable");
    this.#source.resume();
  }

  #pump(): void {
    while (this.#reader?.hungry) {
      const chunk = this.#source.read() as Buffer | null;
      if (chunk === null) return;
      this.#keep(chunk);
      this.#reader.feed(chunk);
    }
  }

  #end(): void {
    this.#ended = true;
    this.#reader?.finish();
  }

  #keep(chunk: Buffer): void {
    if (!this.#whole) return;
    const fits = this.#keptBytes + chunk.length <= this.#boundBytes && this.#budget.take(chunk.length);
    if (!fits) return this.release();
    this.#kept.push(chunk);
    this.#keptBytes += chunk.length;
  }

  #letGo(): void {
    this.#budget.give(this.#keptBytes);
    this.#kept = [];
    this.#keptBytes = 0;
  }
}

/** Whether the message has a body by its framing (RFC 9112, 6.3). */
export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;

/** What one attempt reads: first what was kept, then what comes. */
class Reader extends Readable {
  readonly #kept: Buffer[];
  readonly #more: () => void;
  #finished = false;
  hungry = false;

  constructor(kept: Buffer[], more: () => void) {
    super();
    this.#kept = kept;
    this.#more = more;
  }

  override _read(): void {
    this.hungry = true;
    let chunk: Buffer | undefined;
    while (this.hungry && (chunk = this.#kept.shift()) !== undefined) this.feed(chunk);
    if (this.#kept.length > 0) return;
    if (this.#finished) this.push(null);
    else if (this.hungry) this.#more();
  }

  feed(chunk: Buffer): void {
    this.hungry = this.push(chunk);
  }

  finish(): void {
    this.#finished = true;
    if (this.#kept.length === 0 && !this.readableEnded && !this.destroyed) this.push(null);
  }
}
