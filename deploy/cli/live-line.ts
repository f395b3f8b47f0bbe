/**
 * One line at the bottom of a terminal that is written over again and again, while other lines appear above it. Where
 * there is no terminal it shows nothing, and the other lines appear all the same.
 */
import type { CommandContext } from "./command.ts";

const CLEAR = "\r\u001B[2K";

export class LiveLine {
  readonly #context: Pick<CommandContext, "screen" | "print">;
  #text = "";

  constructor(context: Pick<CommandContext, "screen" | "print">) {
    this.#context = context;
  }

  /** Replaces the line; a text that is wider than the screen is cut. */
  show(text: string): void {
    const { screen } = this.#context;
    if (!screen) return;
    this.#text = text.slice(0, Math.max(0, screen.columns - 1));
    screen.write(`${CLEAR}${this.#text}`);
  }

  /** Prints a line above it. */
  print(text: string): void {
    const { screen, print } = this.#context;
    if (screen && this.#text !== "") screen.write(CLEAR);
    print(text);
    if (screen && this.#text !== "") screen.write(this.#text);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#text !== "") this.#context.screen?.write(CLEAR);
    this.#text = "";
  }
}
