/**
 * A host's own look at whether it can still write to the vault: a small hint, written again and again. One that hangs
 * counts as failed as soon as it is late, and no second one is sent after it.
 */
import { sleep, type Clock } from "../clock.ts";
import { isUndurable, reasonOf } from "../errors.ts";
import type { NodeId } from "../ids.ts";
import { probeName } from "./layout.ts";
import type { Vault } from "./vault.ts";

export interface WriteProbeOptions {
  readonly vault: Vault;
  readonly host: NodeId;
  readonly clock: Clock;
  readonly intervalMs: number;
  /** A write that takes longer is a failure. */
  readonly timeoutMs: number;
}

export interface ProbeReport {
  /** Whether the newest write was good, and none is late now. */
  readonly ok: boolean;
  /** Since the last good one; since the start if there was none. */
  readonly ageMs: number;
  /** Of the last good one. */
  readonly latencyMs: number;
  /** Why the newest one failed; `null` if it did not. */
  readonly reason: string | null;
  /** It failed because this process trusts a folder no more: another process might well write there. */
  readonly distrusted: boolean;
}

export class WriteProbe {
  readonly #options: WriteProbeOptions;
  #goodMs: number;
  #latencyMs = 0;
  #failure: string | null = "nothing was written yet";
  #distrusted = false;
  #sinceMs: number | null = null;

  constructor(options: WriteProbeOptions) {
    this.#options = options;
    this.#goodMs = options.clock.monotonicMs();
  }

  /** Writes every `intervalMs` until the signal is aborted; resolves then, though a write may still hang. */
  async run(signal: AbortSignal): Promise<void> {
    const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    while (!signal.aborted) {
      await Promise.race([this.#writeOnce(), aborted]);
      await sleep(this.#options.clock, this.#options.intervalMs, signal).catch(() => undefined);
    }
  }

  report(): ProbeReport {
    const { clock, timeoutMs } = this.#options;
    const nowMs = clock.monotonicMs();
    const late = this.#sinceMs !== null && nowMs - this.#sinceMs > timeoutMs;
    const reason = late ? `a write has not returned for more than ${timeoutMs} ms` : this.#failure;
    return {
      ok: reason === null,
      ageMs: nowMs - this.#goodMs,
      latencyMs: this.#latencyMs,
      reason,
      distrusted: this.#distrusted,
    };
  }

  async #writeOnce(): Promise<void> {
    const { vault, host, clock, timeoutMs } = this.#options;
    const sinceMs = clock.monotonicMs();
    this.#sinceMs = sinceMs;
    try {
      await vault.hint(probeName(host), Buffer.from(JSON.stringify({ host, wallMs: clock.wallMs() })));
      this.#latencyMs = clock.monotonicMs() - sinceMs;
      this.#goodMs = clock.monotonicMs();
      this.#failure = this.#latencyMs > timeoutMs ? `a write took ${Math.round(this.#latencyMs)} ms` : null;
      this.#distrusted = false;
    } catch (error) {
      this.#distrusted = isUndurable(error);
      this.#failure = reasonOf(error);
    } finally {
      this.#sinceMs = null;
    }
  }
}
