/**
 * What is answered, in HTTP and before any of its own was read, to a connection that is refused for the sake of TLS: a
 * problem document that also is a refused message, so that a node that asks learns the reason and does not take silence
 * for death. It says that nothing was executed.
 */
import { HotspareError } from "../errors.ts";
import { OUTCOME_FIELD, type Outcome } from "../wire/fields.ts";
import { problemOf, PROBLEM_TYPE } from "../wire/problem.ts";

const NOT_HERE: Outcome = "not-primary";

/** Whoever answers has not said who it is: what a stranger learns here is the reason alone. */
const NOBODY = "";

export function tlsRefusal(reason: string): string {
  const error = new HotspareError("HS_TLS_REFUSED", { reason });
  const { code, message, details, status } = error;
  const body = JSON.stringify({ ...problemOf(error), from: NOBODY, error: { code, message, details } });
  return [
    `HTTP/1.1 ${status} Forbidden`,
    "connection: close",
    "cache-control: no-store",
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    `${OUTCOME_FIELD}: ${NOT_HERE}`,
    "",
    body,
  ].join("\r\n");
}
