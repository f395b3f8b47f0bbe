/**
 * Octets of one connection as requests: one at a time, the next only when it is asked for. It takes no octet for more than
 * one thing: after a refusal it reads nothing more.
 */
import { ChunkedReader } from "./chunked-reader.ts";
import { hasBody, type Framing } from "./framing.ts";
import { HttpRefusal } from "./http-refusal.ts";
import { CR, LF } from "./octets.ts";
import { parseRequestHead, type RequestHead, type RequestHeadOptions } from "./request-head.ts";
import { passingTrailers } from "./trailers.ts";

export interface RequestListener {
  headCame(head: RequestHead): void;
  bodyCame(chunk: Buffer): void;
  /** `trailers`: field lines that may pass on. */
  bodyEnded(trailers: string): void;
}

/** Request line and field lines together. */
const MOST_HEAD_BYTES = 16 * 1024;
const HEAD_END = "\r\n\r\n";
const NOTHING = Buffer.alloc(0);

export class RequestReader {
  readonly #options: RequestHeadOptions;
  readonly #listener: RequestListener;
  #state: "idle" | "head" | "body" | "done" | "refused" = "idle";
  /** What has come and was not read: the beginning of a head, or what is behind a request. */
  #ahead: Buffer = NOTHING;
  #left = 0;
  #chunked: ChunkedReader | null = null;

  constructor(options: RequestHeadOptions, listener: RequestListener) {
    this.#options = options;
    this.#listener = listener;
  }

  /** `idle`: between two requests; `head`, `body`: within one; `done`: behind one, until `next`. */
  get state(): "idle" | "head" | "body" | "done" | "refused" {
    return this.#state;
  }

  get aheadBytes(): number {
    return this.#ahead.length;
  }

  /** @throws {HttpRefusal} with the status for the client; then nothing more is read. */
  read(bytes: Buffer): void {
    try {
      this.#read(bytes);
    } catch (error) {
      if (error instanceof HttpRefusal) this.#state = "refused";
      throw error;
    }
  }

  /** The request before has been answered. @throws {HttpRefusal} as `read` */
  next(): void {
    if (this.#state !== "done") return;
    this.#state = "idle";
    const ahead = this.takeAhead();
    if (ahead.length > 0) this.read(ahead);
  }

  /** What is behind the request: of another protocol, from here on. */
  takeAhead(): Buffer {
    const ahead = this.#ahead;
    this.#ahead = NOTHING;
    return ahead;
  }

  #read(bytes: Buffer): void {
    switch (this.#state) {
      case "body":
        return this.#readBody(bytes, 0);
      case "idle":
      case "head":
        return this.#readHead(bytes);
      default:
        this.#putAhead(bytes);
    }
  }

  #putAhead(bytes: Buffer): void {
    if (bytes.length > 0) this.#ahead = this.#ahead.length === 0 ? bytes : Buffer.concat([this.#ahead, bytes]);
  }

  #readHead(bytes: Buffer): void {
    const before = this.#ahead.length;
    const all = before === 0 ? bytes : Buffer.concat([this.takeAhead(), bytes]);
    const start = startOfRequest(all);
    const end = all.indexOf(HEAD_END, start);
    if ((end < 0 ? all.length : end) - start > MOST_HEAD_BYTES) {
      throw new HttpRefusal(431, `a head of more than ${MOST_HEAD_BYTES} bytes`);
    }
    if (end < 0) {
      refuseBareLineFeed(all, Math.max(0, before - 1));
      this.#state = start < all.length ? "head" : "idle";
      this.#ahead = all;
      return;
    }
    const head = parseRequestHead(all.toString("latin1", start, end + 2), this.#options);
    this.#state = "body";
    this.#expect(head.framing);
    this.#listener.headCame(head);
    if (hasBody(head.framing)) this.#readBody(all, end + HEAD_END.length);
    else this.#complete("", all, end + HEAD_END.length);
  }

  #expect(framing: Framing): void {
    this.#left = framing.type === "length" ? framing.bytes : 0;
    this.#chunked =
      framing.type === "chunked" ? new ChunkedReader((payload) => this.#listener.bodyCame(payload)) : null;
  }

  #readBody(bytes: Buffer, at: number): void {
    if (this.#chunked !== null) {
      const next = this.#chunked.read(bytes, at);
      if (this.#chunked.done) this.#complete(passingTrailers(this.#chunked.trailers), bytes, next);
      return;
    }
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    if (end > at) this.#listener.bodyCame(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
    if (this.#left === 0) this.#complete("", bytes, end);
  }

  #complete(trailers: string, bytes: Buffer, end: number): void {
    this.#state = "done";
    this.#chunked = null;
    if (end < bytes.length) this.#putAhead(bytes.subarray(end));
    this.#listener.bodyEnded(trailers);
  }
}

/** Some clients end a body with an empty line that belongs to nothing (RFC 9112, 2.2). */
function startOfRequest(bytes: Buffer): number {
  return bytes[0] === CR && bytes[1] === LF ? 2 : 0;
}

/** Whoever ends lines without CR would wait for an answer, and others may read a whole request there. */
function refuseBareLineFeed(bytes: Buffer, from: number): void {
  for (let at = bytes.indexOf(LF, from); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if (at === 0 || bytes[at - 1] !== CR) throw new HttpRefusal(400, "a line that does not end in CR and LF");
  }
}
