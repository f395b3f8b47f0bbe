/**
 * A client's HTTP/1 connection: requests one after the other, each read strictly, answered before the next one is looked at
 * (pipelined ones wait). After anything that cannot be read for certain it answers and ends: what comes behind could be the
 * rest of one request or the beginning of another.
 */
import type { Socket } from "node:net";
import { assert } from "../../shared/errors.ts";
import { hasBody, NO_BODY } from "../http1/framing.ts";
import { HttpRefusal } from "../http1/http-refusal.ts";
import type { RequestHead } from "../http1/request-head.ts";
import { RequestReader, type RequestListener } from "../http1/request-reader.ts";
import { AnswerWriter, type AnswerTo } from "./answer-writer.ts";
import type { Client, OutgoingHead } from "./client.ts";
import type { ClientHome } from "./client-home.ts";
import type { Exchange } from "./exchange.ts";
import { ForwardingLines, type ForwardedClient } from "./forwarding-lines.ts";
import { Patience, type Phase } from "./patience.ts";
import { ownLines, refusalAnswer, type OwnAnswer } from "./problem-answer.ts";

/** Of requests that a client sends ahead. */
const MOST_AHEAD_BYTES = 64 * 1024;
const PROCESSING = 102;

export class ClientConnection implements Client, RequestListener {
  readonly address: string;
  readonly #socket: Socket;
  readonly #home: ClientHome;
  readonly #forwardingLines: ForwardingLines;
  readonly #reader: RequestReader;
  readonly #writer: AnswerWriter;
  readonly #patience = new Patience();
  #head: RequestHead | null = null;
  #exchange: Exchange | null = null;
  #phase: "open" | "closing" | "gone" = "open";
  /** The client has said all that it will. */
  #halfClosed = false;
  #proceeds = true;
  /** The exchange waits for what came together with its head: a small body leaves with it. */
  #begins = false;
  /** The head of an answer has left. */
  #begun = false;
  /** The connection ends behind the answer that has begun. */
  #closes = false;
  /** When it was last looked at by `#suspect`. */
  #writtenBytes = -1;
  /** Not read on: the body has no room, or the client is too far ahead. */
  #paused = false;

  constructor(socket: Socket, client: ForwardedClient, home: ClientHome) {
    this.address = client.address;
    this.#socket = socket;
    this.#home = home;
    this.#forwardingLines = new ForwardingLines(client);
    this.#reader = new RequestReader(client, this);
    this.#writer = new AnswerWriter(socket);
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("drain", this.#onDrain);
    socket.on("close", this.#onClose);
  }

  get head(): RequestHead {
    assert(this.#head !== null, "a request was read");
    return this.#head;
  }

  get forwarding(): string {
    return this.#forwardingLines.for(this.head.target.authority, this.head.lines);
  }

  /** Between two requests, with nothing said. */
  get isIdle(): boolean {
    return this.#phase === "open" && this.#head === null && this.#reader.state === "idle";
  }

  /** Called once a second. Ends what has stayed as it was for too long. */
  sweep(): void {
    if (this.#halfClosed && this.#exchange !== null) this.#suspect();
    const phase = this.#waitsFor();
    if (!this.#patience.isOver(phase, this.#socket)) return;
    if (phase === "head" || phase === "body") this.#refuse(new HttpRefusal(408, "it came too slowly"));
    else this.#socket.destroy();
  }

  /** Ends a connection that nothing is under way on. */
  leave(): void {
    if (this.isIdle) this.#close();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  headCame(head: RequestHead): void {
    this.#head = head;
    this.#begun = false;
    this.#proceeds = !head.expectsContinue;
    if (!head.upgrades) {
      this.#exchange = this.#home.exchange(this);
      this.#begins = this.#exchange !== null;
    } else if (head.method !== "GET" || hasBody(head.framing)) {
      throw new HttpRefusal(400, "an upgrade with a method or a body");
    }
  }

  bodyCame(chunk: Buffer): void {
    const exchange = this.#exchange;
    if (exchange === null || exchange.body.feed(chunk)) return;
    // There is no room to keep it: with a host that takes it, it streams.
    this.#begin();
    if (!exchange.body.feed(chunk)) exchange.overflowed();
  }

  bodyEnded(trailers: string): void {
    if (this.#head?.upgrades === true) this.#upgrade(this.#head);
    else this.#exchange?.body.finish(trailers);
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#phase !== "gone") this.#socket.resume();
  }

  proceed(): void {
    if (!this.#proceeds && this.#reader.state === "body") this.#socket.write("HTTP/1.1 100 Continue\r\n\r\n", "latin1");
    this.#proceeds = true;
  }

  interim(status: number, lines: string): void {
    if (this.head.version === "1.1") this.#writer.interim(status, lines);
  }

  answer(head: OutgoingHead, body: readonly Buffer[]): void {
    this.#writer.whole(head, body, this.#answerTo());
    this.#answered();
  }

  begin(head: OutgoingHead): void {
    this.#writer.begin(head, this.#answerTo());
  }

  write(chunk: Buffer): boolean {
    return this.#writer.write(chunk);
  }

  end(trailers: string): void {
    this.#writer.end(trailers);
    this.#answered();
  }

  breakOff(): void {
    this.#exchange = null;
    // An answer that ends where its connection does would look complete if that were closed in order.
    if (this.#writer.endsByClosing) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  answerSelf(answer: OwnAnswer, lines: string): void {
    const isBodiless = this.#head?.method === "HEAD" || answer.body === "";
    const head: OutgoingHead = {
      status: answer.status,
      reason: "",
      lines: `${ownLines(answer)}${lines}`,
      // Its length is among its fields.
      framing: NO_BODY,
      toldBytes: null,
    };
    this.answer(head, isBodiless ? [] : [Buffer.from(answer.body)]);
  }

  #answerTo(): AnswerTo {
    const head = this.#head;
    const isLast = this.#halfClosed && this.#reader.aheadBytes === 0;
    const isRead = this.#reader.state === "done" || this.#isWholeHead();
    this.#closes = head === null || !head.keepsAlive || isLast || !isRead || this.#home.stops;
    this.#begun = true;
    return { version: head?.version ?? "1.1", closes: this.#closes };
  }

  /** Answered while its head is being read: nothing comes behind it. */
  #isWholeHead(): boolean {
    return this.#reader.state === "body" && this.#head !== null && !hasBody(this.#head.framing);
  }

  /** A request whose body is not all here ends the connection, too: what comes is of no use to anybody. */
  #answered(): void {
    this.#exchange = null;
    this.#head = null;
    if (this.#closes || this.#writer.endsByClosing) return this.#close();
    // Those that were sent ahead come in a turn of their own: a thousand of them are not a thousand calls deep.
    if (this.#reader.aheadBytes > 0 || this.#reader.state !== "done") return process.nextTick(() => this.#next());
    this.#reader.next();
    this.#closeIfOver();
  }

  #next(): void {
    if (this.#phase !== "open" || this.#head !== null) return;
    this.#read(null);
    if (this.#paused) this.resume();
    this.#closeIfOver();
  }

  /** Nothing is due, and nothing more will be asked. */
  #closeIfOver(): void {
    if (this.#halfClosed && this.isIdle) this.#close();
  }

  /** `null`: what has come before. */
  #read(bytes: Buffer | null): void {
    try {
      if (bytes === null) this.#reader.next();
      else this.#reader.read(bytes);
    } catch (error) {
      if (!(error instanceof HttpRefusal)) throw error;
      return this.#refuse(error);
    }
    this.#begin();
  }

  #begin(): void {
    if (!this.#begins) return;
    this.#begins = false;
    this.#exchange?.start();
  }

  #refuse({ status, message }: HttpRefusal): void {
    const requestId = this.#home.nextId();
    this.#home.refused(status, this.#exchange === null ? { address: this.address, head: this.#head } : null, requestId);
    this.#begins = false;
    this.#exchange?.clientGone(status);
    this.#exchange = null;
    if (this.#begun && this.#head !== null) return this.breakOff();
    this.#head = null;
    this.answerSelf(refusalAnswer(status, message, requestId), "");
  }

  /** Says that nothing more comes, and lets the client read it: closed at once, unread bytes would take the answer from it. */
  #close(): void {
    this.#phase = "closing";
    this.#socket.end();
    this.#socket.resume();
  }

  #upgrade(head: RequestHead): void {
    const socket = this.#socket;
    this.#phase = "gone";
    socket.off("data", this.#onData).off("end", this.#onEnd).off("drain", this.#onDrain).off("close", this.#onClose);
    socket.pause();
    const { address, forwarding } = this;
    this.#home.upgrade({ socket, head, forwarding, address, rest: this.#reader.takeAhead() });
  }

  /**
   * A client that sent its end may wait for its answer, or be gone: only the kernel of the second one objects to what is
   * written. So something is: an interim answer. Of an answer that has begun and stands still nobody can say.
   */
  #suspect(): void {
    const { bytesWritten, writableLength } = this.#socket;
    const standsStill = this.#begun && writableLength === 0 && bytesWritten === this.#writtenBytes;
    this.#writtenBytes = bytesWritten;
    if (!this.#begun && this.head.version === "1.1") this.#writer.interim(PROCESSING, "");
    // To HTTP/1.0 nothing can be said before its answer: it is taken for gone where it would hold a place in the parking.
    else if (standsStill || (!this.#begun && this.#exchange?.waits === true)) this.#socket.destroy();
  }

  #waitsFor(): Phase {
    if (this.#phase === "closing") return "closing";
    const { state } = this.#reader;
    if (state === "head" || (state === "idle" && this.#head === null)) return state;
    return state === "body" && !this.#paused ? "body" : "answer";
  }

  readonly #onData = (bytes: Buffer): void => {
    if (this.#phase !== "open") return;
    this.#read(bytes);
    if (this.#reader.state === "done" && this.#reader.aheadBytes > MOST_AHEAD_BYTES) this.pause();
  };

  readonly #onEnd = (): void => {
    this.#halfClosed = true;
    if (this.#phase !== "open") return;
    if (this.isIdle) return this.#close();
    if (this.#reader.state !== "done") return void this.#socket.destroy();
    if (this.#exchange !== null) this.#suspect();
  };

  readonly #onDrain = (): void => this.#exchange?.clientDrained();

  readonly #onClose = (): void => {
    this.#phase = "gone";
    this.#exchange?.clientGone();
    this.#exchange = null;
  };
}
