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
      return passing(outcome.error);
  }
}

/** A share that is unmounted under a running host comes back: a client need not give up, as a host that starts must. */
function passing(error: HotspareError): HotspareError {
  if (error.code !== "HS_VAULT_MISSING") return error;
  return new HotspareError("HS_VAULT_UNWRITABLE", { ...error.details, reason: "it is not mounted" }, { cause: error });
}
