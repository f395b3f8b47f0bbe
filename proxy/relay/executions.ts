/**
 * How often a request may have been executed, and whether it may be given to a host once more. There are two executions at
 * most, over all epochs. No clock, no effects.
 */
import type { ReplayConfig } from "../../shared/config/config.ts";
import type { ErrorCode } from "../../shared/errors.ts";
import type { OpenRoute } from "./gate.ts";

/** Of an attempt that brought no answer. `doubted`: it was taken away from its host, though the connection held. */
export type Executed = "yes" | "no" | "doubted";

const MOST_EXECUTIONS = 2;
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

export class Executions {
  readonly #method: string;
  readonly #config: ReplayConfig;
  #count = 0;
  /** Attempts that reached a host, whatever they count as. */
  #earlier = 0;
  #doubted: OpenRoute | null = null;
  /** Where the last of them was. */
  #last: OpenRoute | null = null;

  constructor(method: string, config: ReplayConfig) {
    this.#method = method;
    this.#config = config;
  }

  /** Of the next attempt; from 2 on the host looks whether it has settled the request already. */
  get nextAttempt(): number {
    return this.#earlier + 1;
  }

  /** Whether it may have ended the host where it was last. One that serves on in the same epoch was not ended by it. */
  areSuspectAt(route: OpenRoute | null): boolean {
    return this.#earlier > 0 && !(route !== null && isSame(this.#last, route));
  }

  /** Whether it may have changed something. */
  get mayHaveHappened(): boolean {
    return this.#earlier > 0 && !SAFE_METHODS.has(this.#method);
  }

  /**
   * An attempt at `route` ended without an answer. `replayable`: all of the body that was read is kept. `null`: it may be
   * sent again; else what its client is told.
   */
  ended(executed: Executed, route: OpenRoute | null, replayable: boolean): ErrorCode | null {
    this.#doubted = executed === "doubted" ? route : null;
    if (executed === "no") return replayable ? null : this.mayHaveHappened ? "HS_OUTCOME_UNKNOWN" : "HS_NOT_APPLIED";
    this.#earlier += 1;
    this.#last = route;
    if (executed === "yes") return this.#executed(replayable);
    const code = this.#judge(this.#count + 1, replayable);
    // It may go where it was, and then that was none.
    return code === "HS_REQUEST_POISON" ? null : code;
  }

  /**
   * It goes to `route` next. A host that it was taken away from, and that it goes to again in the same epoch, was held for dead
   * by mistake: it has had the request all along, and settles it once. Any other place makes that an execution.
   */
  goesTo(route: OpenRoute, replayable: boolean): ErrorCode | null {
    const doubted = this.#doubted;
    this.#doubted = null;
    if (doubted === null || isSame(doubted, route)) return null;
    return this.#executed(replayable);
  }

  #executed(replayable: boolean): ErrorCode | null {
    this.#count += 1;
    return this.#judge(this.#count, replayable);
  }

  #judge(executions: number, replayable: boolean): ErrorCode | null {
    if (executions >= MOST_EXECUTIONS) return "HS_REQUEST_POISON";
    const { attempts, policy } = this.#config;
    const allowed = policy === "keyed" || (policy === "safe" && SAFE_METHODS.has(this.#method));
    return allowed && executions < attempts && replayable ? null : "HS_OUTCOME_UNKNOWN";
  }
}

const isSame = (one: OpenRoute | null, other: OpenRoute): boolean =>
  one?.host === other.host && one.epoch === other.epoch;
