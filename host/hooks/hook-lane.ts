/**
 * Tells one hook of one pool's changes, one after the other. A hook that is slow or away holds up neither the pool nor
 * other hooks. When too many wait for it, the oldest is skipped: the newest role is what matters.
 */
import { sleep, type Clock } from "../../shared/clock.ts";
import type { HookConfig } from "../../shared/config/config.ts";
import type { Log } from "../../shared/log.ts";
import { failureText, type HookOutcome } from "./hook-call.ts";
import type { HookEvent } from "./hook-event.ts";

export interface HookLaneOptions {
  readonly hook: HookConfig;
  /** Calls it once; the id is of the event, the same in each try. */
  readonly call: (event: HookEvent, id: string) => Promise<HookOutcome>;
  readonly newId: () => string;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export const MOST_WAITING = 16;
/** Before each try to reach a receiver. A command is not tried again: what it did of its work nobody knows. */
const WEBHOOK_WAITS_MS = [0, 1000, 5000, 25_000];
const COMMAND_WAITS_MS = [0];

export class HookLane {
  readonly #options: HookLaneOptions;
  readonly #waiting: HookEvent[] = [];
  #working: Promise<void> | null = null;

  constructor(options: HookLaneOptions) {
    this.#options = options;
  }

  add(event: HookEvent): void {
    if (this.#options.signal.aborted) return this.#skip(event, "the host stops");
    if (this.#waiting.length >= MOST_WAITING) this.#skip(this.#waiting.shift(), "too many changes wait for it");
    this.#waiting.push(event);
    this.#working ??= this.#work();
  }

  /** Resolves when nothing waits any more, because it was told or because it was aborted. */
  async rest(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    const { signal } = this.#options;
    for (let event = this.#waiting.shift(); event; event = this.#waiting.shift()) {
      if (signal.aborted) this.#skip(event, "the host stops");
      else await this.#tell(event);
    }
    this.#working = null;
  }

  /** The first try too comes after whatever the pool does at this moment: requests wait for that. */
  async #tell(event: HookEvent): Promise<void> {
    const { hook, call, newId, clock, log, signal } = this.#options;
    const id = newId();
    let failure = "the host stops";
    for (const waitMs of hook.action.type === "webhook" ? WEBHOOK_WAITS_MS : COMMAND_WAITS_MS) {
      await sleep(clock, waitMs, signal).catch(() => undefined);
      if (signal.aborted) break;
      const outcome = await call(event, id);
      const { output } = outcome;
      if (outcome.type === "done")
        return log.info({ hook: hook.name, event: event.event, output }, "a hook was called");
      failure = failureText(outcome);
    }
    log.warn({ hook: hook.name, event: event.event, reason: failure }, "a hook failed");
  }

  #skip(event: HookEvent | undefined, reason: string): void {
    const { hook, log } = this.#options;
    log.warn({ hook: hook.name, event: event?.event, reason }, "a hook was not called");
  }
}
