/** Whether a request may be given to a host once more. Pure. */
import type { ReplayConfig } from "../../shared/config/config.ts";
import type { ErrorCode } from "../../shared/errors.ts";

export interface ReplayQuestion {
  readonly method: string;
  /** What just ended may have been executed. */
  readonly executed: boolean;
  /** How many attempts may have been executed, this one included. */
  readonly executions: number;
  /** All of its body that was read is kept. */
  readonly replayable: boolean;
  readonly config: ReplayConfig;
}

const MOST_EXECUTIONS = 2;
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** Whether executing it may have changed something. */
export const mayHaveHappened = (method: string, executions: number): boolean =>
  executions > 0 && !SAFE_METHODS.has(method);

/** `null`: it may be sent again; else what its client is told. */
export function whyNotAgain(question: ReplayQuestion): ErrorCode | null {
  const { method, executed, executions, replayable, config } = question;
  if (!executed && !replayable) return mayHaveHappened(method, executions) ? "HS_OUTCOME_UNKNOWN" : "HS_NOT_APPLIED";
  if (!executed) return null;
  if (executions >= MOST_EXECUTIONS) return "HS_REQUEST_POISON";
  const { attempts, policy } = config;
  const allowed = policy === "keyed" || (policy === "safe" && SAFE_METHODS.has(method));
  return allowed && executions < attempts && replayable ? null : "HS_OUTCOME_UNKNOWN";
}
