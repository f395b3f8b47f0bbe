/** Answers as HTTP/1 on a client's socket. Framed anew: how a host framed its answer is between it and the proxy. */
import type { Socket } from "node:net";
import type { Framing } from "../http1/framing.ts";
import type { RequestHead } from "../http1/request-head.ts";
import type { OutgoingHead } from "./client.ts";
import { framingLine } from "./message-lines.ts";
import { writeChunk, writeLastChunk, writeWhole } from "./socket-writing.ts";

/**
 * Of one answer, for a client that takes it slowly. More than a socket's own mark, behind which it tells when it is empty: at
 * that mark a single large chunk would stop the host, though the kernel has taken all of it at once.
 */
const MOST_WAITING_BYTES = 256 * 1024;

export interface AnswerTo {
  readonly version: RequestHead["version"];
  /** The connection ends behind the answer. */
  readonly closes: boolean;
}

export class AnswerWriter {
  readonly #socket: Socket;
  #framing: Framing = { type: "none" };

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Whether the answer that has begun ends where the connection does. */
  get endsByClosing(): boolean {
    return this.#framing.type === "close";
  }

  interim(status: number, lines: string): void {
    this.#socket.write(`HTTP/1.1 ${status} \r\n${lines}\r\n`, "latin1");
  }

  /** An answer in one piece. */
  whole(head: OutgoingHead, body: readonly Buffer[], to: AnswerTo): void {
    writeWhole(this.#socket, headText(head, head.framing, to), body);
  }

  begin(head: OutgoingHead, to: AnswerTo): void {
    const { framing } = head;
    // A body without a length: HTTP/1.0 knows no chunks.
    const hasNoLength = framing.type === "close" || framing.type === "chunked";
    this.#framing = hasNoLength ? { type: to.version === "1.0" ? "close" : "chunked" } : framing;
    // What follows in this turn leaves together with it.
    this.#socket.cork();
    process.nextTick(() => this.#socket.uncork());
    this.#socket.write(headText(head, this.#framing, to), "latin1");
  }

  /** False: more waits for the client than it should, until the socket's `drain`. */
  write(chunk: Buffer): boolean {
    if (this.#framing.type === "chunked") writeChunk(this.#socket, chunk);
    else this.#socket.write(chunk);
    return this.#socket.writableLength < MOST_WAITING_BYTES;
  }

  end(trailers: string): void {
    if (this.#framing.type === "chunked") writeLastChunk(this.#socket, trailers);
  }
}

function headText({ status, reason, lines, toldBytes }: OutgoingHead, framing: Framing, to: AnswerTo): string {
  const told = toldBytes === null ? "" : `content-length: ${toldBytes}\r\n`;
  const last = to.closes ? "connection: close\r\n" : "";
  return `HTTP/1.1 ${status} ${reason}\r\n${lines}${framingLine(framing)}${told}${last}\r\n`;
}
