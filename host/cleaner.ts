/** Has a pool's part of the vault cleaned now and then, while this host serves it; `retention.ts` decides what may go. */
import type { Clock } from "../shared/clock.ts";
import { isUndurable, reasonOf } from "../shared/errors.ts";
import type { NodeId } from "../shared/ids.ts";
import type { Log } from "../shared/log.ts";
import type { Vault } from "../shared/vault/vault.ts";
import type { Attest } from "./host-parts.ts";
import type { HostedPool } from "./pool.ts";
import { Repeated } from "./repeated.ts";
import { Retention, type RetentionOutcome } from "./retention.ts";

export interface CleanerOptions {
  readonly pool: HostedPool;
  readonly vault: Vault;
  readonly vaultDirectory: string;
  /** Local folder of this cleaner alone. */
  readonly temporary: string;
  readonly hosts: () => readonly NodeId[];
  readonly keep: () => number;
  readonly cleanDelayMs: () => number;
  readonly attest: Attest;
  readonly clock: Clock;
  readonly log: Log;
}

const LONGEST_GAP_MS = 30_000;
const SHORTEST_GAP_MS = 500;
const ATTEST_TIMEOUT_MS = 60 * 60_000;

export class Cleaner {
  readonly #options: CleanerOptions;
  readonly #repeated: Repeated;
  readonly #retention: Retention;
  #said = "";

  constructor(options: CleanerOptions) {
    const { vault, clock, pool, hosts, keep, cleanDelayMs, vaultDirectory, temporary } = options;
    this.#options = options;
    this.#retention = new Retention({
      vault,
      clock,
      pool: pool.id,
      hosts,
      keep,
      cleanDelayMs,
      standing: () => pool.servedHead,
      attest: (id, signal) =>
        options.attest({ vaultDirectory, pool: pool.id, id, temporary, timeoutMs: ATTEST_TIMEOUT_MS, signal }),
    });
    const gapMs = Math.max(SHORTEST_GAP_MS, Math.min(LONGEST_GAP_MS, cleanDelayMs() / 4));
    this.#repeated = new Repeated({ clock, gapMs, work: (signal) => this.#pass(signal) });
  }

  stop(): void {
    this.#repeated.stop();
  }

  async #pass(signal: AbortSignal): Promise<void> {
    if (!this.#options.pool.serving) return;
    try {
      this.#note(await this.#retention.pass(signal));
    } catch (error) {
      if (isUndurable(error)) this.#options.pool.distrust(error);
      if (!signal.aborted)
        this.#say("failed", () => this.#options.log.warn({ reason: reasonOf(error) }, "cleaning failed"));
    }
  }

  #note(outcome: RetentionOutcome): void {
    const { log } = this.#options;
    switch (outcome.type) {
      case "not-primary":
        return;
      case "kept":
        return this.#say(outcome.reason, () => log.debug({ reason: outcome.reason }, "nothing is cleaned"));
      case "unsafe": {
        const { code, message } = outcome.error;
        return this.#say(message, () =>
          log.error({ code, reason: message }, "nothing is cleaned: the vault is not as it must be"),
        );
      }
      case "cleaned":
        this.#said = "";
        if (outcome.records + outcome.checkpoints > 0) log.info({ ...outcome }, "cleaned");
    }
  }

  /** The same thing again and again is told once. */
  #say(what: string, tell: () => void): void {
    if (this.#said !== what) tell();
    this.#said = what;
  }
}
