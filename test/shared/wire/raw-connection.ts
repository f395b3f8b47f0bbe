/** One connection on which requests are written as they are and answers read as they come, several at once if need be. */
import { connect, type Socket } from "node:net";
import type { Address } from "../../../shared/config/config.ts";

export interface PlainAnswer {
  readonly status: number;
  readonly body: Buffer;
  /** Whether the other side closes the connection after it. */
  readonly last: boolean;
}

const HEAD_END = Buffer.from("\r\n\r\n");

export class RawConnection {
  readonly #socket: Socket;
  readonly #closed: Promise<void>;
  readonly #waiting: ((answer: PlainAnswer | null) => void)[] = [];
  #bytes: Buffer = Buffer.alloc(0);
  /** Answers that came without anybody having asked. */
  readonly unasked: PlainAnswer[] = [];

  constructor({ host, port }: Address) {
    // Half-open, so that what the other side does after its answer can be seen.
    this.#socket = connect({ host, port, noDelay: true, allowHalfOpen: true });
    this.#closed = new Promise((resolve) => {
      const end = (): void => {
        for (const settle of this.#waiting.splice(0)) settle(null);
        resolve();
      };
      this.#socket.on("end", end).on("error", end).on("close", end);
    });
    this.#socket.on("data", (chunk: Buffer) => {
      this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
      this.#take();
    });
  }

  /** Writes all at once; one answer for each of `answers` requests, `null` where none came before the end. */
  send(bytes: Buffer, answers: number): Promise<readonly (PlainAnswer | null)[]> {
    const promises = Array.from(
      { length: answers },
      () => new Promise<PlainAnswer | null>((resolve) => this.#waiting.push(resolve)),
    );
    this.#socket.write(bytes);
    return Promise.all(promises);
  }

  /** Says that nothing more comes, and still reads. */
  endWriting(): void {
    this.#socket.end();
  }

  /** Resolves when the other side has closed it. */
  closed(): Promise<void> {
    return this.#closed;
  }

  /** Leaves nothing behind, not even a port that waits. */
  drop(): void {
    this.#socket.resetAndDestroy();
  }

  #take(): void {
    for (;;) {
      const end = this.#bytes.indexOf(HEAD_END);
      if (end === -1) return;
      const head = this.#bytes.toString("latin1", 0, end);
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      const whole = end + HEAD_END.length + length;
      if (this.#bytes.length < whole) return;
      const body = this.#bytes.subarray(whole - length, whole);
      const answer = { status: Number(head.slice(9, 12)), body, last: /^connection: close/im.test(head) };
      this.#bytes = this.#bytes.subarray(whole);
      const settle = this.#waiting.shift();
      if (settle) settle(answer);
      else this.unasked.push(answer);
    }
  }
}
