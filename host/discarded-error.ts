/** What those hear whose batch is void, or of whose batch nobody knows. */
import { HotspareError } from "../shared/errors.ts";
import type { Discarded } from "./core/pool-state.ts";

export function discardedError(outcome: Discarded): HotspareError {
  switch (outcome.type) {
    case "deposed":
      return new HotspareError("HS_NOT_APPLIED");
    case "unknown":
      return new HotspareError("HS_OUTCOME_UNKNOWN");
    case "refused":
      return outcome.error;
  }
}
