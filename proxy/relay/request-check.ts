/**
 * What Node's parser lets through and a proxy must not: requests that two parties could read differently, or that ask
 * this proxy for what it does not do. Whoever is refused here has reached no host.
 */
import type { IncomingMessage } from "node:http";

export interface RequestTarget {
  /** Path and query as received; always begins with `/`, or is `*`. */
  readonly path: string;
  /** The `Host` field to send on; `null` where the client sent none (HTTP/1.0). */
  readonly authority: string | null;
}

export type RequestCheck =
  | { readonly type: "accepted"; readonly target: RequestTarget }
  | { readonly type: "refused"; readonly status: number; readonly reason: string }
  /** `OPTIONS` or `TRACE` whose `Max-Forwards` ends here. */
  | { readonly type: "answered" };

const FIELD_LINES = 200;
const AUTHORITY = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._~-]+)(?::\d{1,5})?$/;
const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/i;

export function checkRequest(request: IncomingMessage, pseudonym: string): RequestCheck {
  const reason = refusal(request, pseudonym);
  if (reason !== null) return reason;
  const target = readTarget(request);
  if (typeof target === "string") return refused(400, target);
  const forwards = request.headers["max-forwards"];
  return request.method === "OPTIONS" && forwards === "0" ? { type: "answered" } : { type: "accepted", target };
}

/** The name in an authority, for routing: no port, lower case. */
export const hostNameOf = (authority: string | null): string => (authority ?? "").replace(/:\d+$/, "").toLowerCase();

function refusal(request: IncomingMessage, pseudonym: string): RequestCheck | null {
  const { httpVersion, method, headers, rawHeaders } = request;
  const coding = headers["transfer-encoding"];
  if (httpVersion !== "1.1" && httpVersion !== "1.0") return refused(505, `HTTP/${httpVersion} is not spoken here`);
  if (rawHeaders.length / 2 > FIELD_LINES) return refused(431, `more than ${FIELD_LINES} header fields`);
  if (method === "TRACE" || method === "CONNECT") return refused(405, `${method} is not offered`);
  if (coding !== undefined && httpVersion === "1.0") return refused(400, "Transfer-Encoding in HTTP/1.0");
  if (coding !== undefined && coding.trim().toLowerCase() !== "chunked") {
    return refused(501, "a transfer coding other than chunked");
  }
  if (countOf(rawHeaders, "host") > 1) return refused(400, "more than one Host field");
  return hasPassed(headers.via, pseudonym) ? refused(508, "the request has passed this proxy before") : null;
}

/** The target, or why it is refused. In absolute form the target's own authority wins over `Host` (RFC 9112, 3.2.2). */
function readTarget({ url = "", headers, method }: IncomingMessage): RequestTarget | string {
  if (url.includes("#")) return "a fragment in the target";
  const absolute = ABSOLUTE.exec(url);
  const authority = absolute ? (absolute[1] ?? "") : (headers.host ?? null);
  if (authority !== null && authority !== "" && !AUTHORITY.test(authority)) return "a malformed host";
  if (absolute && authority === "") return "no host in the target";
  const path = absolute ? originForm(absolute[2] ?? "", method) : url;
  if (path === "*" ? method !== "OPTIONS" : !path.startsWith("/")) return "a target that is neither a path nor a URL";
  return { path, authority };
}

function originForm(rest: string, method: string | undefined): string {
  if (rest === "") return method === "OPTIONS" ? "*" : "/";
  return rest.startsWith("?") ? `/${rest}` : rest;
}

function hasPassed(via: string | undefined, pseudonym: string): boolean {
  return via !== undefined && via.split(",").some((hop) => hop.trim().split(/\s+/)[1] === pseudonym);
}

function countOf(rawHeaders: readonly string[], name: string): number {
  return rawHeaders.filter((field, index) => index % 2 === 0 && field.toLowerCase() === name).length;
}

const refused = (status: number, reason: string): RequestCheck => ({ type: "refused", status, reason });
