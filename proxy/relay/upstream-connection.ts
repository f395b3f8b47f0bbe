/**
 * A connection to a host, and one request at a time on it. Strict in what it takes for an answer: an octet that comes
 * unasked, or a head that could be read in two ways, ends it.
 */
import type { Socket } from "node:net";
import { assert, unreachable } from "../../shared/errors.ts";
import { onceOpen } from "../../shared/sockets.ts";
import { parseAnswerHead, type AnswerHead } from "../http1/answer-head.ts";
import { ChunkedReader } from "../http1/chunked-reader.ts";
import type { Framing } from "../http1/framing.ts";
import { HttpRefusal } from "../http1/http-refusal.ts";
import { passingTrailers } from "../http1/trailers.ts";
import type { BodyKeeper, BodySink } from "./body-keeper.ts";
import { writeChunk, writeLastChunk, writeWhole } from "./socket-writing.ts";

/** What becomes of a request at a host. Nothing is called after `finished`, `failed` or `invalid`. */
export interface AttemptListener {
  /** An interim answer, other than `100 Continue`. */
  interim(head: AnswerHead): void;
  answered(head: AnswerHead): void;
  payload(bytes: Buffer): void;
  /** The answer is complete. `trailers`: field lines that may pass on. */
  finished(trailers: string): void;
  /** The connection is gone before that. `sent`: it had stood, so that the host may have executed the request. */
  failed(sent: boolean): void;
  /** What came is no answer, or none that can be read for certain. */
  invalid(reason: string): void;
}

export interface UpstreamRequest {
  readonly method: string;
  /** Request line and field lines, with the empty line that ends them. */
  readonly head: string;
  readonly framing: Framing;
  readonly body: BodyKeeper;
}

/** The pool that it belongs to. */
export interface ConnectionHome {
  /** It can take another request. */
  idle(connection: UpstreamConnection): void;
  gone(connection: UpstreamConnection): void;
}

const HEAD_END = "\r\n\r\n";
const MOST_HEAD_BYTES = 64 * 1024;
const CONTINUE = 100;
const SWITCHING = 101;

export class UpstreamConnection implements BodySink {
  readonly #socket: Socket;
  readonly #home: ConnectionHome;
  #request: UpstreamRequest | null = null;
  #listener: AttemptListener | null = null;
  #state: "idle" | "head" | "length" | "chunked" | "close" | "ended" = "idle";
  /** The beginning of a head that is not complete. */
  #partial: Buffer | null = null;
  #left = 0;
  #chunked: ChunkedReader | null = null;
  #keepsAlive = true;
  #bodySent = true;
  #isOpen = false;
  #endedInOrder = false;
  #paused = false;

  constructor(socket: Socket, home: ConnectionHome) {
    this.#socket = socket;
    this.#home = home;
    onceOpen(socket, () => (this.#isOpen = true));
    socket.on("data", (bytes: Buffer) => this.#received(bytes));
    socket.on("drain", () => this.#request?.body.more());
    socket.on("end", () => (this.#endedInOrder = true));
    socket.on("error", () => (this.#endedInOrder = false));
    socket.on("close", () => this.#closed());
  }

  /** Whether a host may have begun to execute what was sent here. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  send(request: UpstreamRequest, listener: AttemptListener): void {
    const { head, body } = request;
    this.#request = request;
    this.#listener = listener;
    this.#state = "head";
    const { whole } = body;
    this.#bodySent = whole !== null;
    if (whole !== null) return void writeWhole(this.#socket, head, whole);
    this.#socket.write(head, "latin1");
    body.attach(this);
  }

  /** Of the request's body. */
  take(chunk: Buffer): boolean {
    if (this.#request?.framing.type === "chunked") return writeChunk(this.#socket, chunk);
    return this.#socket.write(chunk);
  }

  finish(trailers: string): void {
    if (this.#request?.framing.type === "chunked") writeLastChunk(this.#socket, trailers);
    this.#bodySent = true;
  }

  /** No more of the answer for now: its client is slow. */
  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  /** Reads the rest of the answer for nobody, so that the connection can be used again. */
  forget(): void {
    this.#detach();
    this.#listener = NOBODY;
  }

  /** Ends it without a word to the listener. */
  abort(): void {
    this.#detach();
    this.#state = "ended";
    this.#socket.destroy();
  }

  #detach(): void {
    this.#request?.body.detach();
    this.#request = null;
    this.#listener = null;
  }

  #received(bytes: Buffer): void {
    try {
      let at = 0;
      while (at < bytes.length) at = this.#read(bytes, at);
    } catch (error) {
      if (!(error instanceof HttpRefusal)) throw error;
      const listener = this.#listener;
      this.abort();
      listener?.invalid(error.message);
    }
  }

  /** Returns how far it read. @throws {HttpRefusal} */
  #read(bytes: Buffer, at: number): number {
    const state = this.#state;
    switch (state) {
      case "head":
        return this.#readHead(bytes, at);
      case "length":
        return this.#readLength(bytes, at);
      case "chunked":
        return this.#readChunked(bytes, at);
      case "close":
        this.#listener?.payload(at === 0 ? bytes : bytes.subarray(at));
        return bytes.length;
      case "idle":
        // Nothing was asked: what comes here could be taken for the answer to the next request.
        this.abort();
        return bytes.length;
      case "ended":
        return bytes.length;
      default:
        return unreachable(state);
    }
  }

  #readHead(bytes: Buffer, at: number): number {
    const before = this.#partial?.length ?? 0;
    const all = this.#partial === null ? bytes : Buffer.concat([this.#partial, bytes.subarray(at)]);
    const start = this.#partial === null ? at : 0;
    const end = all.indexOf(HEAD_END, start);
    if (end < 0 ? all.length - start > MOST_HEAD_BYTES : end - start > MOST_HEAD_BYTES) {
      throw new HttpRefusal(502, "a head that is too large");
    }
    if (end < 0) {
      this.#partial = all.subarray(start);
      return bytes.length;
    }
    this.#partial = null;
    this.#headCame(parseAnswerHead(all.toString("latin1", start, end + 2), this.#request?.method ?? "GET"));
    const next = end + HEAD_END.length;
    return all === bytes ? next : next - before + at;
  }

  #headCame(head: AnswerHead): void {
    if (head.status === SWITCHING) throw new HttpRefusal(502, "a protocol that was not asked for");
    if (head.status < 200) {
      if (head.status !== CONTINUE) this.#listener?.interim(head);
      return;
    }
    this.#keepsAlive = head.keepsAlive;
    this.#listener?.answered(head);
    this.#expect(head.framing);
  }

  #expect(framing: Framing): void {
    // The listener may have ended it.
    if (this.#state !== "head") return;
    switch (framing.type) {
      case "none":
        return this.#complete("");
      case "length":
        this.#left = framing.bytes;
        this.#state = "length";
        return framing.bytes === 0 ? this.#complete("") : undefined;
      case "chunked":
        this.#chunked = new ChunkedReader((payload) => this.#listener?.payload(payload));
        this.#state = "chunked";
        return;
      case "close":
        this.#keepsAlive = false;
        this.#state = "close";
        return;
      default:
        return unreachable(framing);
    }
  }

  #readLength(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    this.#listener?.payload(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
    if (this.#left === 0 && this.#state === "length") this.#complete("");
    return end;
  }

  #readChunked(bytes: Buffer, at: number): number {
    const reader = this.#chunked;
    assert(reader !== null, "a chunked body has a reader");
    const next = reader.read(bytes, at);
    if (reader.done && this.#state === "chunked") this.#complete(passingTrailers(reader.trailers));
    return next;
  }

  /** Free for the next request before the listener hears of it: that may be what sends it. */
  #complete(trailers: string): void {
    const listener = this.#listener;
    const reusable = this.#keepsAlive && this.#bodySent;
    this.#detach();
    this.#chunked = null;
    this.#state = reusable ? "idle" : "ended";
    // Its last bytes may have been more than the client had room for: that is no matter of the next request.
    this.resume();
    if (reusable) this.#home.idle(this);
    else this.#socket.destroy();
    listener?.finished(trailers);
  }

  #closed(): void {
    const listener = this.#listener;
    const isComplete = this.#state === "close" && this.#endedInOrder;
    this.#detach();
    this.#state = "ended";
    this.#home.gone(this);
    if (isComplete) listener?.finished("");
    else listener?.failed(this.#isOpen);
  }
}

const NOBODY: AttemptListener = {
  interim: ignore,
  answered: ignore,
  payload: ignore,
  finished: ignore,
  failed: ignore,
  invalid: ignore,
};

function ignore(): void {}
