/**
 * Brings what operations decided into the configuration of a running node: at once into what it runs with, and then into its
 * copy of the file. A file that cannot be written holds nothing up: the decision is in force, and that is told.
 */
import { reasonOf } from "../errors.ts";
import type { Log } from "../log.ts";
import { newer, NO_DECISIONS, type Decisions } from "../revisions/decisions.ts";
import type { Config } from "./config.ts";
import type { ConfigKeeper } from "./config-keeper.ts";
import { effectiveConfig } from "./effective-config.ts";
import type { Env } from "./substitute.ts";
import { writeMembership } from "./write-membership.ts";

export interface DecidedConfigOptions {
  readonly file: string;
  readonly env: Env;
  readonly log: Log;
}

export class DecidedConfig {
  readonly #options: DecidedConfigOptions;
  #decisions = NO_DECISIONS;
  #keeper: Pick<ConfigKeeper, "refresh"> | null = null;
  #working: Promise<void> = Promise.resolve();

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

  /** What was told before still comes to its end. */
  async stop(): Promise<void> {
    await this.#working;
    this.#keeper = null;
  }

  /** Afterwards: whoever tells of a decision is in the middle of a step. */
  #apply(): void {
    if (this.#keeper === null || this.#decisions.revision === 0) return;
    this.#working = this.#working.then(() => {
      this.#keeper?.refresh();
      return this.#write(this.#decisions);
    });
  }

  async #write(decisions: Decisions): Promise<void> {
    const { file, env, log } = this.#options;
    const { revision } = decisions;
    try {
      if (await writeMembership(file, env, decisions))
        log.info({ file, revision }, "what was decided is in the file now");
    } catch (error) {
      log.warn(
        { file, revision, reason: reasonOf(error) },
        "what was decided is in force, and cannot be written to the file",
      );
    }
  }
}
