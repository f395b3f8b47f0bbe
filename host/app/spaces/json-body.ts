/** How a body is read: exact numbers, bounded nesting, and no members that would reach an object's prototype. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { HotspareError, isHotspareError, reasonOf } from "../../../shared/errors.ts";
import { parseExact, type Json } from "./exact-json.ts";

const TYPES = ["application/json", "application/merge-patch+json"];

/** Only JSON is accepted in this context. */
export function acceptJson(app: FastifyInstance): void {
  const refusePrototypes = app.getDefaultJsonParser("error", "error");
  app.removeContentTypeParser("text/plain");
  app.addContentTypeParser(TYPES, { parseAs: "string" }, (request, text: string, done) => {
    if (text === "") return done(null, undefined);
    void refusePrototypes(request, text, (error) => {
      try {
        if (error) throw error;
        done(null, parseExact(text));
      } catch (cause) {
        done(isHotspareError(cause) ? cause : invalid(reasonOf(cause)), undefined);
      }
    });
  });
}

/** @throws {HotspareError} HS_BODY_INVALID if there is none. */
export function requireBody(request: FastifyRequest): Json {
  if (request.body === undefined) throw invalid("it is empty");
  return request.body as Json;
}

const invalid = (reason: string): HotspareError => new HotspareError("HS_BODY_INVALID", { reason });
