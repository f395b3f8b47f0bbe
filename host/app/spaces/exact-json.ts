/**
 * JSON that comes back as it went in: a number that JavaScript cannot hold exactly (`12345678901234567890`, `1e400`) keeps
 * its own text. Nesting is bounded, because what walks a value later recurses.
 */
import { HotspareError } from "../../../shared/errors.ts";

export type Json = null | boolean | number | string | readonly Json[] | JsonObject | RawNumber;
export type JsonObject = { readonly [name: string]: Json };
/** A number kept as text. */
export type RawNumber = { readonly rawJSON: string };

/** Not yet in TypeScript's own library (ECMAScript 2026). */
interface SourceAwareJson {
  parse(text: string, revive: (key: string, value: unknown, context: { source?: string }) => unknown): Json;
  rawJSON(text: string): RawNumber;
  isRawJSON(value: unknown): value is RawNumber;
}

const sourceAware = JSON as unknown as SourceAwareJson;

export const MAX_DEPTH = 200;

/** Where a number may be inexact: many digits, or an exponent. In texts too, which costs time only. */
const MAYBE_INEXACT = /\d[\d.]{15}|\d[eE]/;

/** @throws {SyntaxError} if it is not JSON. @throws {HotspareError} HS_BODY_INVALID if it is nested too deep. */
export function parseExact(text: string): Json {
  checkDepth(text);
  return MAYBE_INEXACT.test(text) ? sourceAware.parse(text, keepInexact) : (JSON.parse(text) as Json);
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !sourceAware.isRawJSON(value);

function keepInexact(_key: string, value: unknown, { source }: { source?: string }): unknown {
  if (typeof value !== "number" || source === undefined || String(value) === source) return value;
  return sourceAware.rawJSON(source);
}

function checkDepth(text: string): void {
  let depth = 0;
  let inText = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (inText) {
      if (char === BACKSLASH) at++;
      else if (char === QUOTE) inText = false;
    } else if (char === QUOTE) inText = true;
    else if (char === OPEN_LIST || char === OPEN_OBJECT) depth++;
    else if (char === CLOSE_LIST || char === CLOSE_OBJECT) depth--;
    if (depth > MAX_DEPTH)
      throw new HotspareError("HS_BODY_INVALID", { reason: `it is nested deeper than ${MAX_DEPTH}` });
  }
}

const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [34, 92, 91, 93, 123, 125];
