/** An error on its way between two threads: what crosses over is code, details and text, not the object. */
import { HotspareError, isHotspareError, reasonOf, type ErrorCode, type ErrorDetails } from "./errors.ts";

export interface ThreadError {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;
}

/** What is no HotspareError becomes `otherwise`, with its text as `reason`. */
export function packError(error: unknown, otherwise: ThreadError): ThreadError {
  if (isHotspareError(error)) return { code: error.code, details: error.details };
  return { code: otherwise.code, details: { ...otherwise.details, reason: reasonOf(error) } };
}

export const unpackError = ({ code, details }: ThreadError): HotspareError => new HotspareError(code, details);
