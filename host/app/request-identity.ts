/**
 * Who asks, and what makes its writes exactly-once, read from a request's fields: a client's `Idempotency-Key`, scoped
 * by method, path and who is authorised; else the proxy's own number of the request. Without either a write happens at
 * most once, and nobody can ask again.
 */
import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { HotspareError } from "../../shared/errors.ts";
import {
  ATTEMPT_FIELD,
  CONSISTENCY_FIELD,
  LOG_TIME_FIELD,
  LSN_FIELD,
  formatRequestNumber,
  parseRequestNumber,
  readCount,
  readLsn,
  REQUEST_FIELD,
} from "../../shared/wire/fields.ts";
import type { Consistency } from "../pool-access.ts";
import type { SettlementKey } from "../store/store.ts";

export interface RequestIdentity {
  /** `null`: no key. `scope` is to be hashed with a write's name. */
  readonly key: { readonly source: SettlementKey["source"]; readonly scope: readonly string[] } | null;
  readonly firstSentLogTimeMs: number | null;
  /** The request has a proxy's number: it will be sent again if its connection breaks. */
  readonly relayed: boolean;
  readonly consistency: Consistency;
}

interface RequestLine {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

const MAX_KEY_LENGTH = 255;

/** @throws {HotspareError} HS_REQUEST_INVALID for a field that a client sent and that cannot be understood. */
export function identify(request: RequestLine): RequestIdentity {
  const number = parseRequestNumber(request.headers[REQUEST_FIELD]);
  const proxyKey = number && { source: "proxy" as const, scope: [formatRequestNumber(number)] };
  return {
    key: clientKey(request) ?? proxyKey,
    firstSentLogTimeMs: firstSentLogTimeMs(request.headers),
    relayed: number !== null,
    consistency: consistencyOf(request.headers),
  };
}

/** The key of a request's write that has `name` (`null`: the unnamed one). */
export const scopedKey = (source: string, scope: readonly string[], name: string | null): string =>
  createHash("sha256")
    .update(JSON.stringify([source, scope, name]))
    .digest("hex");

function clientKey({ method = "", url = "", headers }: RequestLine): RequestIdentity["key"] {
  const key = headers["idempotency-key"];
  if (key === undefined) return null;
  if (typeof key !== "string" || key === "" || key.length > MAX_KEY_LENGTH) {
    throw invalid(`Idempotency-Key is one text of 1 to ${MAX_KEY_LENGTH} characters`);
  }
  const [path = ""] = url.split("?", 1);
  const authorization = createHash("sha256")
    .update(headers.authorization ?? "")
    .digest("hex");
  return { source: "client", scope: [method, path, authorization, key] };
}

function firstSentLogTimeMs(headers: IncomingHttpHeaders): number | null {
  const attempt = readCount(headers[ATTEMPT_FIELD]);
  return attempt !== null && attempt > 1 ? readCount(headers[LOG_TIME_FIELD]) : null;
}

function consistencyOf(headers: IncomingHttpHeaders): Consistency {
  const wanted = headers[CONSISTENCY_FIELD];
  if (wanted === "local" || wanted === "linearizable") return { type: wanted };
  if (wanted !== undefined) throw invalid("Hotspare-Consistency is linearizable or local");
  if (headers[LSN_FIELD] === undefined) return { type: "linearizable" };
  const lsn = readLsn(headers[LSN_FIELD]);
  if (lsn === null) throw invalid("Hotspare-Lsn is one whole number");
  return { type: "session", lsn };
}

const invalid = (reason: string): HotspareError => new HotspareError("HS_REQUEST_INVALID", { reason });
