/**
 * Brings what operations decided into the configuration of a running node: at once into what it runs with, and then into its
 * copy of the file. A file that cannot be written holds nothing up: the decision is in force, that is told once, and it is
 * tried again. One that somebody is writing just now is left alone until it stands still.
 */
import { sleep, type Clock } from "../clock.ts";
import { reasonOf } from "../errors.ts";
import type { Log } from "../log.ts";
import { newer, NO_DECISIONS, type Decisions } from "../revisions/decisions.ts";
import type { Config } from "./config.ts";
import type { ConfigKeeper } from "./config-keeper.ts";
import { effectiveConfig } from "./effective-config.ts";
import { configOf, readConfigAgain } from "./load-config.ts";
import type { Env } from "./substitute.ts";
import { isBehind, writeMembership } from "./write-membership.ts";

export interface DecidedConfigOptions {
  readonly file: string;
  readonly env: Env;
  readonly clock: Clock;
  readonly log: Log;
}

const SETTLED_MS = 500;
const AGAIN_MS = 30_000;
/** A stop does not wait for a disk that hangs, or for another program's lock. */
const STOP_MS = 1000;

export class DecidedConfig {
  readonly #options: DecidedConfigOptions;
  readonly #stopping = new AbortController();
  #decisions = NO_DECISIONS;
  #keeper: Pick<ConfigKeeper, "refresh"> | null = null;
  #writing: Promise<void> | null = null;
  /** Why it could not be written, as it was told last. */
  #told: string | null = null;

  constructor(options: DecidedConfigOptions) {
    this.#options = options;
  }

  /** What holds where the file says this. */
  readonly effective = (file: Config): Config => effectiveConfig(file, this.#decisions);

  /** Told of everything that is decided, also before anybody follows. */
  readonly decided = (decisions: Decisions): void => {
    this.#decisions = newer(this.#decisions, decisions);
    this.#apply();
  };

  /** From now on `keeper` hears of it. */
  follow(keeper: Pick<ConfigKeeper, "refresh">): void {
    this.#keeper = keeper;
    this.#apply();
  }

  /** What is not in the file by then is brought there after the next start. */
  async stop(): Promise<void> {
    this.#keeper = null;
    this.#stopping.abort(new Error("the node stops"));
    const over = new AbortController();
    const patience = sleep(this.#options.clock, STOP_MS, over.signal).catch(() => undefined);
    await Promise.race([this.#writing, patience]);
    over.abort();
  }

  #apply(): void {
    if (this.#keeper === null || this.#decisions.revision === 0) return;
    // Afterwards: whoever tells of a decision is in the middle of a step.
    void Promise.resolve().then(() => this.#keeper?.refresh());
    this.#writing ??= this.#write();
  }

  /** Until the file says what was decided last. */
  async #write(): Promise<void> {
    const { signal } = this.#stopping;
    for (let written: Decisions | null = null; written !== this.#decisions && !signal.aborted;) {
      const decisions: Decisions = this.#decisions;
      if (await this.#bring(decisions)) written = decisions;
      else await sleep(this.#options.clock, AGAIN_MS, signal).catch(() => undefined);
    }
    this.#writing = null;
  }

  /** Whether the file says it now. */
  async #bring(decisions: Decisions): Promise<boolean> {
    const { file, env, clock, log } = this.#options;
    const { revision } = decisions;
    const { signal } = this.#stopping;
    try {
      const text = await readConfigAgain(file);
      await sleep(clock, SETTLED_MS, signal);
      if ((await readConfigAgain(file)) !== text) return false;
      if (isBehind(configOf(text, file, env), decisions) && (await writeMembership(file, env, decisions)))
        log.info({ file, revision }, "what was decided is in the file now");
      this.#told = null;
      return true;
    } catch (error) {
      if (!signal.aborted) this.#warn(revision, reasonOf(error));
      return false;
    }
  }

  #warn(revision: number, reason: string): void {
    const { file, log } = this.#options;
    if (reason === this.#told) return;
    this.#told = reason;
    log.warn({ file, revision, reason }, "what was decided is in force, and cannot be written to the file");
  }
}
