/**
 * Asks a person at a terminal, one question after the other, with one reader for all: what was typed ahead is the answer to the
 * next question. Who leaves without an answer (Ctrl-C, Ctrl-D) has not agreed: the answer is empty.
 */
import { createInterface, type Interface } from "node:readline";

export class Questions {
  readonly #input: NodeJS.ReadableStream;
  readonly #output: NodeJS.WritableStream;
  readonly #lines: string[] = [];
  #reader: Interface | null = null;
  #waiting: ((line: string) => void) | null = null;
  #closed = false;

  constructor(input: NodeJS.ReadableStream, output: NodeJS.WritableStream) {
    this.#input = input;
    this.#output = output;
  }

  readonly ask = async (question: string): Promise<string> => {
    const reader = (this.#reader ??= this.#open());
    if (this.#closed) return this.#lines.shift() ?? "";
    reader.setPrompt(question);
    reader.prompt();
    const typed = this.#lines.shift();
    const answer = typed ?? (await new Promise<string>((resolve) => (this.#waiting = resolve)));
    // What nobody waits for must not keep the process.
    if (!this.#closed) reader.pause();
    return answer;
  };

  close(): void {
    this.#reader?.close();
  }

  #open(): Interface {
    const reader = createInterface({ input: this.#input, output: this.#output });
    reader.on("line", (line) => this.#hear(line));
    reader.once("close", () => {
      this.#closed = true;
      this.#answer("");
    });
    return reader;
  }

  #hear(line: string): void {
    if (this.#waiting === null) this.#lines.push(line);
    else this.#answer(line);
  }

  #answer(line: string): void {
    this.#waiting?.(line);
    this.#waiting = null;
  }
}
