/** Work that is done again and again beside everything else, with a rest after each time, until it is stopped. */
import { sleep, type Clock } from "../shared/clock.ts";
import { HotspareError } from "../shared/errors.ts";

export interface RepeatedOptions {
  readonly clock: Clock;
  /** Rest before each time. */
  readonly gapMs: number;
  /** What it rejects with is a broken invariant, unless it was stopped meanwhile. */
  readonly work: (signal: AbortSignal) => Promise<void>;
}

export class Repeated {
  readonly #options: RepeatedOptions;
  readonly #abort = new AbortController();

  constructor(options: RepeatedOptions) {
    this.#options = options;
    void this.#run();
  }

  stop(): void {
    this.#abort.abort(new HotspareError("HS_USAGE", { reason: "it was stopped" }));
  }

  async #run(): Promise<void> {
    const { clock, gapMs, work } = this.#options;
    const { signal } = this.#abort;
    for (;;) {
      await sleep(clock, gapMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      await work(signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
  }
}
