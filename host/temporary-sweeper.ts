/** Removes what crashed writers left under `tmp/` in the vault, once it is so old that nobody can still be writing it. */
import { sleep, type Clock } from "../shared/clock.ts";
import { reasonOf } from "../shared/errors.ts";
import type { Log } from "../shared/log.ts";
import type { HostVault } from "./host-parts.ts";

export interface TemporarySweeperOptions {
  readonly vault: Pick<HostVault, "sweepTemporary">;
  readonly clock: Clock;
  readonly log: Log;
}

const OLD_MS = 60 * 60_000;
const GAP_MS = 10 * 60_000;

export class TemporarySweeper {
  readonly #options: TemporarySweeperOptions;
  readonly #abort = new AbortController();

  constructor(options: TemporarySweeperOptions) {
    this.#options = options;
    void this.#run();
  }

  stop(): void {
    this.#abort.abort(new Error("the host stops"));
  }

  async #run(): Promise<void> {
    const { vault, clock, log } = this.#options;
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        const files = await vault.sweepTemporary(OLD_MS);
        if (files > 0) log.info({ files }, "old temporary files were removed from the vault");
      } catch (error) {
        log.warn({ reason: reasonOf(error) }, "the vault's temporary files cannot be swept");
      }
      await sleep(clock, GAP_MS, signal).catch(() => undefined);
    }
  }
}
