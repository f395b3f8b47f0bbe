/**
 * Errors as clients see them: RFC 9457 `application/problem+json` with a stable `code`. Never a stack, never the text of
 * an error that is not Hotspare's own.
 */
import { STATUS_CODES } from "node:http";
import type { ErrorDetails, HotspareError } from "../errors.ts";

export const PROBLEM_TYPE = "application/problem+json";

export interface Problem {
  /** Names the code as a URI. */
  readonly type: string;
  /** The HTTP status in words. */
  readonly title: string;
  readonly status: number;
  /** What happened, for people. */
  readonly detail: string;
  /** Stable, for programs. */
  readonly code: string;
  /** What the detail was made of, for programs. */
  readonly details: ErrorDetails;
}

export const problemOf = (error: HotspareError): Problem =>
  makeProblem({ status: error.status, code: error.code, detail: error.message, details: error.details });

export function makeProblem(
  parts: Pick<Problem, "status" | "code" | "detail"> & Partial<Pick<Problem, "details">>,
): Problem {
  const { status, code, detail, details = {} } = parts;
  return { type: `urn:hotspare:error:${code}`, title: STATUS_CODES[status] ?? "Error", status, detail, code, details };
}
