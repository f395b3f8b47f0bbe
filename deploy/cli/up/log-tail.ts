/**
 * Gives the lines that a node appends to its log. Nodes write to their files themselves, so that logs are whole whatever
 * becomes of `up`, and a terminal that stands still never holds up a node.
 */
import { closeSync, openSync, readSync } from "node:fs";
import type { Cancel, Clock } from "../../../shared/clock.ts";

export interface LogTailOptions {
  readonly file: string;
  /** Where to begin: lines before are old. */
  readonly fromBytes: number;
  readonly clock: Clock;
  readonly line: (text: string) => void;
}

const LOOK_MS = 100;
const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 10;
/** A line longer than this is dropped. */
const LONGEST_BYTES = 1024 * 1024;

export class LogTail {
  readonly #options: LogTailOptions;
  readonly #fd: number;
  readonly #chunk = Buffer.alloc(CHUNK_BYTES);
  #atBytes: number;
  #rest: Buffer = Buffer.alloc(0);
  #cancel: Cancel;

  /** @throws a system error if the file is not there. */
  constructor(options: LogTailOptions) {
    this.#options = options;
    this.#atBytes = options.fromBytes;
    this.#fd = openSync(options.file, "r");
    this.#cancel = this.#schedule();
  }

  /** Gives what was written until now. */
  read(): void {
    for (;;) {
      const count = readSync(this.#fd, this.#chunk, 0, CHUNK_BYTES, this.#atBytes);
      if (count === 0) return;
      this.#atBytes += count;
      this.#take(this.#chunk.subarray(0, count));
    }
  }

  /** Gives what was written until now, and no more. */
  stop(): void {
    this.#cancel();
    this.read();
    closeSync(this.#fd);
  }

  #schedule(): Cancel {
    return this.#options.clock.after(LOOK_MS, () => {
      this.read();
      this.#cancel = this.#schedule();
    });
  }

  #take(bytes: Buffer): void {
    let rest = Buffer.concat([this.#rest, bytes]);
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
      this.#options.line(rest.toString("utf8", 0, end));
      rest = rest.subarray(end + 1);
    }
    this.#rest = rest.length > LONGEST_BYTES ? Buffer.alloc(0) : rest;
  }
}
