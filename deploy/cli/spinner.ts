/** Shows on a terminal that something takes its time, and how much of it is done. Elsewhere it shows nothing. */
import type { Cancel } from "../../shared/clock.ts";
import type { CommandContext } from "./command.ts";
import { LiveLine } from "./live-line.ts";

const FRAMES = "|/-\\";
const FRAME_MS = 100;
const BAR_WIDTH = 24;

export class Spinner {
  readonly #context: CommandContext;
  readonly #live: LiveLine;
  readonly #beganMs: number;
  #text: string;
  #done: number | null = null;
  #frame = 0;
  #cancel: Cancel = () => undefined;

  constructor(context: CommandContext, text: string) {
    this.#context = context;
    this.#live = new LiveLine(context);
    this.#beganMs = context.clock.monotonicMs();
    this.#text = text;
    if (context.screen) this.#turn();
  }

  /** `done` of `total` of what `text` says. */
  progress(text: string, done: number, total: number): void {
    this.#text = text;
    this.#done = total === 0 ? 1 : Math.min(1, done / total);
  }

  /** Something else is under way now, and nobody knows how much of it is done. */
  say(text: string): void {
    this.#text = text;
    this.#done = null;
  }

  end(): void {
    this.#cancel();
    this.#live.end();
  }

  #turn(): void {
    const { clock } = this.#context;
    const seconds = Math.floor((clock.monotonicMs() - this.#beganMs) / 1000);
    const frame = FRAMES[this.#frame++ % FRAMES.length] ?? "";
    this.#live.show(`${frame} ${this.#bar()}${this.#text}, ${seconds} s`);
    this.#cancel = clock.after(FRAME_MS, () => this.#turn());
  }

  #bar(): string {
    if (this.#done === null) return "";
    const filled = Math.floor(this.#done * BAR_WIDTH);
    return `[${"#".repeat(filled)}${"-".repeat(BAR_WIDTH - filled)}] ${Math.floor(this.#done * 100)} %  `;
  }
}
