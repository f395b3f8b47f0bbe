/** What a request asks for (RFC 9112, 3.2): the path as it came, byte by byte, and the host that it names. */
import { HttpRefusal } from "./http-refusal.ts";

export interface RequestTarget {
  /** Path and query as received; always begins with `/`, or is `*`. */
  readonly path: string;
  /** The `Host` field to send on; `null` where the client sent none (HTTP/1.0). */
  readonly authority: string | null;
}

const AUTHORITY = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._~-]+)(?::\d{1,5})?$/;
const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/i;
const SLASH = 0x2f;

/** In absolute form the target's own authority wins over `Host`, and chooses no upstream. @throws {HttpRefusal} 400 */
export function readTarget(method: string, target: string, host: string | null): RequestTarget {
  if (target.includes("#")) throw new HttpRefusal(400, "a fragment in the target");
  if (target.charCodeAt(0) === SLASH) return { path: target, authority: checkedAuthority(host) };
  if (target === "*" && method === "OPTIONS") return { path: target, authority: checkedAuthority(host) };
  const absolute = ABSOLUTE.exec(target);
  if (!absolute) throw new HttpRefusal(400, "a target that is neither a path nor a URL");
  const authority = absolute[1] ?? "";
  if (authority === "") throw new HttpRefusal(400, "no host in the target");
  checkedAuthority(host);
  return { path: originForm(absolute[2] ?? "", method), authority: checkedAuthority(authority) };
}

/** The name in an authority, for routing: no port, lower case. */
export const hostNameOf = (authority: string | null): string => (authority ?? "").replace(/:\d+$/, "").toLowerCase();

function checkedAuthority(authority: string | null): string | null {
  if (authority !== null && authority !== "" && !AUTHORITY.test(authority)) {
    throw new HttpRefusal(400, "a malformed host");
  }
  return authority;
}

function originForm(rest: string, method: string): string {
  if (rest === "") return method === "OPTIONS" ? "*" : "/";
  return rest.startsWith("?") ? `/${rest}` : rest;
}
