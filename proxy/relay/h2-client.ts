/**
 * One request of an HTTP/2 connection: a stream. Read as strictly as a request of HTTP/1.1, and by the same parser. What ends
 * before its time is reset with an error: no answer looks complete that is not.
 */
import { constants, type ServerHttp2Stream } from "node:http2";
import { assert } from "../../shared/errors.ts";
import { NO_BODY } from "../http1/framing.ts";
import { HttpRefusal } from "../http1/http-refusal.ts";
import { parseRequestHead, type RequestHead } from "../http1/request-head.ts";
import { answerFields, answerRecord } from "../http2/answer-fields.ts";
import { requestText, trailerText } from "../http2/request-text.ts";
import type { ClientHome } from "./client-home.ts";
import type { Client, OutgoingHead } from "./client.ts";
import type { Exchange } from "./exchange.ts";
import type { ForwardedClient, ForwardingLines } from "./forwarding-lines.ts";
import { Patience, type Phase } from "./patience.ts";
import { ownLines, refusalAnswer, type OwnAnswer } from "./problem-answer.ts";

export interface H2ClientOptions {
  /** Its errors are its connection's. */
  readonly stream: ServerHttp2Stream;
  readonly client: ForwardedClient;
  /** For all requests of the connection. */
  readonly forwardingLines: ForwardingLines;
  readonly home: ClientHome;
}

const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR } = constants;

export class H2Client implements Client {
  readonly #options: H2ClientOptions;
  readonly #stream: ServerHttp2Stream;
  readonly #patience = new Patience();
  #head: RequestHead | null = null;
  #exchange: Exchange | null = null;
  /** The exchange waits for what came together with its head: a small body leaves with it. */
  #begins = false;
  #proceeds = true;
  #bodyEnded = false;
  #paused = false;
  #received = "";
  /** Trailers of the answer. */
  #owed = "";
  #waitsForTrailers = false;
  /** Nothing more is said here: the answer was handed over, or broken off. */
  #done = false;
  #readBytes = 0;
  #writtenBytes = 0;

  constructor(options: H2ClientOptions) {
    const { stream } = options;
    this.#options = options;
    this.#stream = stream;
    stream.on("data", (chunk: Buffer) => this.#bodyCame(chunk));
    stream.on("trailers", (_, __, fields) => this.#trailersCame(fields));
    stream.on("end", () => this.#bodyEnds());
    stream.on("drain", () => this.#exchange?.clientDrained());
    stream.on("wantTrailers", () => this.#sendTrailers());
    stream.on("aborted", () => this.#gone());
    stream.on("close", () => this.#gone());
  }

  get head(): RequestHead {
    assert(this.#head !== null, "a request was read");
    return this.#head;
  }

  get forwarding(): string {
    return this.#options.forwardingLines.for(this.head.target.authority, this.head.lines);
  }

  get address(): string {
    return this.#options.client.address;
  }

  /** `fields`: names and values in turn, as they came; `hasBody`: the stream has not ended with them. */
  start(fields: readonly string[], { hasBody }: { readonly hasBody: boolean }): void {
    try {
      const text = requestText(fields, { hasBody });
      this.#head = { ...parseRequestHead(text, this.#options.client), version: "2.0" };
    } catch (error) {
      return this.#refuse(error);
    }
    this.#proceeds = !this.head.expectsContinue;
    this.#exchange = this.#options.home.exchange(this);
    this.#begins = this.#exchange !== null;
    if (hasBody) setImmediate(() => this.#begin());
    else this.#bodyEnds();
  }

  /** Called once a second. Ends what has stayed as it was for too long. */
  sweep(): void {
    const phase = this.#waitsFor();
    const [bytesRead, bytesWritten] = [this.#readBytes, this.#writtenBytes];
    const { writableLength } = this.#stream;
    if (!this.#patience.isOver(phase, { bytesRead, bytesWritten, writableLength })) return;
    if (phase === "body") this.#refuse(new HttpRefusal(408, "it came too slowly"));
    else if (this.#stream.closed) this.#stream.destroy();
    else this.#stream.close(NGHTTP2_CANCEL);
  }

  pause(): void {
    this.#paused = true;
    this.#stream.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#stream.resume();
  }

  proceed(): void {
    if (!this.#proceeds && !this.#bodyEnded) this.interim(100, "");
    this.#proceeds = true;
  }

  interim(status: number, lines: string): void {
    this.#say(() => this.#stream.additionalHeaders({ ...answerRecord(lines), ":status": status }));
  }

  answer(head: OutgoingHead, body: readonly Buffer[]): void {
    this.#respond(head, { endStream: body.length === 0 });
    this.#stream.cork();
    for (const chunk of body) this.write(chunk);
    this.#end();
  }

  begin(head: OutgoingHead): void {
    this.#waitsForTrailers = head.framing.type === "chunked" && this.head.takesTrailers;
    this.#respond(head, { waitForTrailers: this.#waitsForTrailers });
  }

  write(chunk: Buffer): boolean {
    if (!this.#takes) return true;
    this.#writtenBytes += chunk.length;
    return this.#stream.write(chunk);
  }

  end(trailers: string): void {
    this.#owed = trailers;
    this.#end();
  }

  breakOff(): void {
    this.#exchange = null;
    this.#done = true;
    this.#stream.close(NGHTTP2_INTERNAL_ERROR);
  }

  answerSelf(answer: OwnAnswer, lines: string): void {
    const head: OutgoingHead = {
      status: answer.status,
      reason: "",
      lines: `${ownLines(answer)}${lines}`,
      // Its length is among its fields.
      framing: NO_BODY,
      toldBytes: null,
    };
    this.answer(head, answer.body === "" ? [] : [Buffer.from(answer.body)]);
  }

  /** Whether more of an answer can be said; what has no body (HEAD, 204, 304) Node.js ends by itself. */
  get #takes(): boolean {
    return !this.#done && !this.#stream.closed && !this.#stream.destroyed && !this.#stream.writableEnded;
  }

  #respond(head: OutgoingHead, how: { readonly endStream?: boolean; readonly waitForTrailers?: boolean }): void {
    const fields = [":status", String(head.status), ...answerFields(head.lines)];
    const bytes = head.framing.type === "length" ? head.framing.bytes : head.toldBytes;
    // RFC 9110, 8.6: with 204 none is told.
    if (bytes !== null && head.status !== 204) fields.push("content-length", String(bytes));
    this.#say(() => this.#stream.respond(fields, how));
  }

  #end(): void {
    this.#exchange = null;
    if (this.#takes) this.#stream.end();
    this.#done = true;
    // The rest of the body is of no use to anybody: the client is told so behind the answer.
    if (this.#bodyEnded || this.#waitsForTrailers) return;
    this.resume();
    this.#stream.close(NGHTTP2_NO_ERROR);
  }

  /** Node.js refuses a few things that HTTP/1.1 has, such as a status of 600: to the client the answer breaks off. */
  #say(run: () => void): void {
    if (this.#done || this.#stream.closed || this.#stream.destroyed) return;
    try {
      run();
    } catch {
      const exchange = this.#exchange;
      this.breakOff();
      process.nextTick(() => exchange?.clientGone());
    }
  }

  #sendTrailers(): void {
    try {
      this.#stream.sendTrailers(answerRecord(this.#owed));
    } catch {
      this.#stream.close(NGHTTP2_INTERNAL_ERROR);
    }
  }

  #bodyCame(chunk: Buffer): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    this.#readBytes += chunk.length;
    const bytes = exchange.body.replayable ? ownBytes(chunk) : chunk;
    if (exchange.body.feed(bytes)) return;
    // There is no room to keep it: with a host that takes it, it streams.
    this.#begin();
    if (!exchange.body.feed(bytes)) exchange.overflowed();
  }

  #trailersCame(fields: readonly string[]): void {
    try {
      this.#received = trailerText(fields);
    } catch (error) {
      this.#refuse(error);
    }
  }

  #bodyEnds(): void {
    if (this.#bodyEnded) return;
    this.#bodyEnded = true;
    this.#exchange?.body.finish(this.#received);
    this.#begin();
  }

  #begin(): void {
    if (!this.#begins) return;
    this.#begins = false;
    this.#exchange?.start();
  }

  #refuse(error: unknown): void {
    if (!(error instanceof HttpRefusal)) throw error;
    const { home } = this.#options;
    const requestId = home.nextId();
    home.refused(error.status, this.#exchange === null ? { address: this.address, head: this.#head } : null, requestId);
    this.#begins = false;
    this.#exchange?.clientGone(error.status);
    this.#exchange = null;
    if (this.#stream.headersSent) return this.breakOff();
    this.answerSelf(refusalAnswer(error.status, error.message, requestId), "");
  }

  #gone(): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    this.#done = true;
    exchange?.clientGone();
  }

  #waitsFor(): Phase {
    if (this.#done) return this.#stream.writableLength > 0 ? "answer" : "idle";
    return this.#bodyEnded || this.#paused || !this.#proceeds ? "answer" : "body";
  }
}

/** A part of a large read would keep all of it in memory for as long as it is kept itself. */
const ownBytes = (chunk: Buffer): Buffer => (2 * chunk.length < chunk.buffer.byteLength ? Buffer.from(chunk) : chunk);
