/** The proxy's own errors, as `application/problem+json` with the request's number, so that a log can be searched for it. */
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

/** Its field lines, each with its CRLF. */
export const ownLines = ({ fields }: OwnAnswer): string =>
  Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("");

/** The same as bytes, for a connection that is no HTTP any more once it was answered (upgrades). */
export const formatOwnAnswer = (answer: OwnAnswer, lines: string): string =>
  `HTTP/1.1 ${answer.status} \r\n${ownLines(answer)}${lines}connection: close\r\n\r\n${answer.body}`;

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
