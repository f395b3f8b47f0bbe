/**
 * JSON from another node: bounded in bytes and depth before it is parsed, and without the one key that could reach an
 * object's prototype. All refusals are HS_MESSAGE_INVALID.
 */
import { HotspareError, reasonOf } from "../errors.ts";

export interface JsonLimits {
  readonly bytes: number;
  /** Objects and arrays inside one another. */
  readonly depth: number;
}

export function parseBoundedJson(bytes: Uint8Array, limits: JsonLimits): unknown {
  if (bytes.length > limits.bytes) throw invalid(`${bytes.length} bytes`, `at most ${limits.bytes} bytes`);
  const text = decodeUtf8(bytes);
  if (deeperThan(text, limits.depth)) throw invalid("too deep", `at most ${limits.depth} levels`);
  try {
    return JSON.parse(text, refuseProto);
  } catch (error) {
    if (error instanceof HotspareError) throw error;
    throw invalid("no JSON", "JSON", error);
  }
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw invalid(reasonOf(error), "UTF-8", error);
  }
}

/** Counts brackets outside texts; a text's end is a quote that no backslash escapes. */
function deeperThan(text: string, limit: number): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (quoted) {
      if (char === "\\") at++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === "{" || char === "[") {
      if (++depth > limit) return true;
    } else if (char === "}" || char === "]") depth--;
  }
  return false;
}

function refuseProto(key: string, value: unknown): unknown {
  if (key === "__proto__") throw invalid("the key __proto__", "any other key");
  return value;
}

const invalid = (found: string, accepted: string, cause?: unknown): HotspareError =>
  new HotspareError("HS_MESSAGE_INVALID", { field: "body", found, accepted }, { cause });
