/**
 * What an error of a handler, of a hook or of Fastify itself becomes for the client: a problem document with a stable
 * code. What nobody foresaw is HS_INTERNAL: told without its text, logged with it.
 */
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { HotspareError, isHotspareError } from "../../shared/errors.ts";
import { makeProblem, problemOf, PROBLEM_TYPE, type Problem } from "../../shared/wire/problem.ts";

/** Seconds after which a refused request may be tried again. */
const RETRY_AFTER = "1";

/** Fastify's error handler. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problem = problemFor(error, request);
  if (problem.status >= 500 && !isHotspareError(error)) request.log.error({ err: error }, "a request failed");
  sendProblem(reply, problem);
}

export function answerAbsent(request: FastifyRequest, reply: FastifyReply): void {
  sendProblem(reply, problemOf(absent(request)));
}

export function sendProblem(reply: FastifyReply, problem: Problem): void {
  if (problem.status === 503) reply.header("retry-after", RETRY_AFTER);
  void reply.code(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem));
}

function problemFor(error: unknown, request: FastifyRequest): Problem {
  if (isHotspareError(error)) return problemOf(error);
  const known = fromFastify(error, request);
  if (known) return problemOf(known);
  const status = statusOf(error);
  if (status === null)
    return problemOf(new HotspareError("HS_INTERNAL", { what: "the application failed; see its log" }));
  const { code, message } = error as FastifyError;
  return makeProblem({ status, code: typeof code === "string" ? code : `HTTP_${status}`, detail: message });
}

function fromFastify(error: unknown, request: FastifyRequest): HotspareError | null {
  if (!(error instanceof Error)) return null;
  const { code, validation } = error as Partial<FastifyError>;
  if (validation) return new HotspareError("HS_REQUEST_INVALID", { reason: error.message });
  switch (code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return new HotspareError("HS_BODY_TOO_LARGE", { accepted: request.routeOptions.bodyLimit ?? 0 });
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return new HotspareError("HS_MEDIA_TYPE", { found: request.headers["content-type"] ?? "(none)" });
    case "FST_ERR_CTP_INVALID_JSON_BODY":
    case "FST_ERR_CTP_EMPTY_JSON_BODY":
    case "FST_ERR_CTP_INVALID_CONTENT_LENGTH":
      return new HotspareError("HS_BODY_INVALID", { reason: error.message });
    case "FST_ERR_BAD_URL":
    case "FST_ERR_MAX_LIMIT":
      return new HotspareError("HS_REQUEST_INVALID", { reason: error.message });
    case "FST_ERR_NOT_FOUND":
      return absent(request);
    default:
      return null;
  }
}

/** The status of an error that an application threw for the client; `null` if it did not mean one. */
function statusOf(error: unknown): number | null {
  const status = (error as Partial<FastifyError> | null)?.statusCode;
  return error instanceof Error && status !== undefined && status >= 400 && status < 500 ? status : null;
}

const absent = (request: FastifyRequest): HotspareError =>
  new HotspareError("HS_ROUTE_ABSENT", { method: request.method, target: request.url });
