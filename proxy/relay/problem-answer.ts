/** The proxy's own errors, as `application/problem+json` with the request's number, so that a log can be searched for it. */
import type { ServerResponse } from "node:http";
import { HotspareError, type ErrorCode, type ErrorDetails } from "../../shared/errors.ts";
import { makeProblem, problemOf, PROBLEM_TYPE, type Problem } from "../../shared/wire/problem.ts";

const RETRY_AFTER_S = 1;

/** What fits into an answer before its head is sent: status, fields, body. */
export interface OwnAnswer {
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The answer for a code of the table. */
export const errorAnswer = (code: ErrorCode, details: ErrorDetails, requestId: string): OwnAnswer =>
  answerOf(problemOf(new HotspareError(code, details)), requestId);

/** A request that was refused before it reached anybody. */
export const refusalAnswer = (status: number, reason: string, requestId: string): OwnAnswer =>
  answerOf(
    makeProblem({
      status,
      code: "HS_REQUEST_INVALID",
      detail: `The request was refused: ${reason}`,
      details: { reason },
    }),
    requestId,
  );

/** Sends it, if the answer has not begun. The connection ends: the body of the request may be unread. */
export function sendOwnAnswer(
  response: ServerResponse,
  answer: OwnAnswer,
  more: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent || response.destroyed) return;
  const close: Record<string, string> = response.req.complete ? {} : { connection: "close" };
  response.writeHead(answer.status, { ...answer.fields, ...close, ...more });
  response.end(answer.body);
}

/** The same as bytes, for a connection that is no `ServerResponse` (upgrades). */
export function formatOwnAnswer({ status, fields, body }: OwnAnswer): string {
  const lines = Object.entries({ ...fields, connection: "close" }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} \r\n${lines.join("")}\r\n${body}`;
}

function answerOf(problem: Problem, requestId: string): OwnAnswer {
  const body = JSON.stringify({ ...problem, requestId });
  const fields: Record<string, string> = {
    "content-type": PROBLEM_TYPE,
    "content-length": String(Buffer.byteLength(body)),
    "cache-control": "no-store",
  };
  if (problem.status === 503) fields["retry-after"] = String(RETRY_AFTER_S);
  return { status: problem.status, fields, body };
}
