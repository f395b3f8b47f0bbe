/**
 * Thousands of clients with a connection and a request each, as cheap as sockets are: what is measured is the proxy. An
 * answer is read to its end, as its `Content-Length` says.
 */
import { connect, type Socket } from "node:net";

export interface CrowdAnswer {
  /** 0: the connection ended without a whole answer. */
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** So many are connecting at once: fewer than a listener lets wait. */
const BATCH = 200;

export class Crowd {
  readonly answers: CrowdAnswer[] = [];
  readonly #port: number;
  readonly #sockets = new Set<Socket>();

  constructor(port: number) {
    this.#port = port;
  }

  /** Those that have no answer yet. */
  get waiting(): number {
    return this.#sockets.size;
  }

  /** Connects and sends each of these requests; resolves when all of them have left. */
  async send(requests: readonly string[]): Promise<void> {
    for (let at = 0; at < requests.length; at += BATCH)
      await Promise.all(requests.slice(at, at + BATCH).map((request) => this.#send(request)));
  }

  /** So many of those who wait go away. */
  leave(count: number): void {
    for (const socket of [...this.#sockets].slice(0, count)) {
      this.#sockets.delete(socket);
      socket.removeAllListeners("close").destroy();
    }
  }

  end(): void {
    this.leave(this.waiting);
  }

  #send(request: string): Promise<void> {
    const socket = connect(this.#port, "127.0.0.1");
    this.#sockets.add(socket);
    let text = "";
    socket.setEncoding("latin1").on("data", (chunk) => {
      text += String(chunk);
      if (isWhole(text)) socket.destroy();
    });
    socket.on("error", () => undefined);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.answers.push(answerOf(text));
    });
    return new Promise((resolve) => {
      socket.once("close", () => resolve());
      socket.once("connect", () => socket.write(request, () => resolve()));
    });
  }
}

const headEnd = (text: string): number => text.indexOf("\r\n\r\n");

function isWhole(text: string): boolean {
  const length = /^content-length: *(\d+)/im.exec(text)?.[1];
  return headEnd(text) >= 0 && length !== undefined && text.length >= headEnd(text) + 4 + Number(length);
}

function answerOf(text: string): CrowdAnswer {
  if (!isWhole(text)) return { status: 0, head: text, body: "" };
  const [head, body] = [text.slice(0, headEnd(text)), text.slice(headEnd(text) + 4)];
  return { status: Number(head.split(" ")[1]), head, body };
}
