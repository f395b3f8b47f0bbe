/**
 * What it means that a connection to another node failed. A refused or reset connection says at once that the process
 * is gone; silence says so only after its time. The speed of detection hangs on telling these apart.
 */

/**
 * - `refused`: nobody listens there. `reset`: the connection broke before the answer was whole.
 * - `timeout`: no whole answer in time. `unreachable`: no way there (network, name).
 * - `invalid`: what came back is not an acceptable answer. `aborted`: the caller's signal.
 */
export type ConnectionFailureKind = "refused" | "reset" | "timeout" | "unreachable" | "invalid" | "aborted";

const KINDS: Readonly<Record<string, ConnectionFailureKind>> = {
  ECONNREFUSED: "refused",
  ECONNRESET: "reset",
  ECONNABORTED: "reset",
  EPIPE: "reset",
  ETIMEDOUT: "timeout",
};

/** The kind of an error of a socket or of `node:http`'s client. */
export function connectionFailure(error: Error & { readonly code?: unknown }): ConnectionFailureKind {
  const code = typeof error.code === "string" ? error.code : "";
  if (code.startsWith("HPE_")) return "invalid";
  return KINDS[code] ?? "unreachable";
}
