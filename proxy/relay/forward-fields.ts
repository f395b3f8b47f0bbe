/**
 * Which header fields pass, both ways, and which the proxy sets (RFC 9110, 7.6; RFC 7239). One pass for every path a
 * request can take, so that no way around it exists.
 */
import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";
import { CLIENT_FIELDS, LSN_FIELD } from "../../shared/wire/fields.ts";
import type { RequestTarget } from "./request-check.ts";

export type Fields = Record<string, string | string[]>;

/** Fields that belong to one connection. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]);

/** Set afresh by this proxy: what a client says of them is not believed. */
const SET_HERE: ReadonlySet<string> = new Set(["host", "expect", "forwarded", "max-forwards"]);

/** A client cannot have these removed by naming them in `Connection`. */
const PROTECTED =
  /^(?:host|content-.*|authorization|cookie|via|forwarded|x-forwarded-.*|hotspare-.*|idempotency-key|if-.*|range|accept.*|prefer)$/;

/** The client's fields that pass on, with those of this hop; the proxy's own `Hotspare-*` are not among them. */
export function requestFields(request: IncomingMessage, target: RequestTarget, pseudonym: string): Fields {
  const fields = passing(
    request,
    (name) => !SET_HERE.has(name) && !name.startsWith("x-forwarded-") && mayClientSend(name),
  );
  const { socket, headers, httpVersion } = request;
  const client = socket.remoteAddress ?? "unknown";
  if (target.authority !== null) {
    fields["host"] = target.authority;
    fields["x-forwarded-host"] = target.authority;
  }
  if (headers["transfer-encoding"] !== undefined) fields["transfer-encoding"] = "chunked";
  if (headers["max-forwards"] !== undefined) fields["max-forwards"] = oneLess(String(headers["max-forwards"]));
  fields["x-forwarded-for"] = client;
  const proto = (socket as Partial<TLSSocket>).encrypted === true ? "https" : "http";
  fields["x-forwarded-proto"] = proto;
  fields["forwarded"] = forwarded(client, proto, target.authority);
  fields["via"] = viaWith(headers.via, httpVersion, pseudonym);
  return fields;
}

/** The fields of an upgrade: the same, with the two that ask for it. */
export function upgradeFields(request: IncomingMessage, target: RequestTarget, pseudonym: string): Fields {
  const fields = requestFields(request, target, pseudonym);
  return { ...fields, connection: "Upgrade", upgrade: request.headers.upgrade ?? "" };
}

/** The host's fields that pass to the client. */
export function answerFields(answer: IncomingMessage, pseudonym: string): Fields {
  const fields = passing(answer, (name) => name === LSN_FIELD || !name.startsWith("hotspare-"));
  fields["via"] = viaWith(answer.headers.via, answer.httpVersion, pseudonym);
  return fields;
}

function passing(message: IncomingMessage, isWanted: (name: string) => boolean): Fields {
  const named = namedByConnection(message.headers.connection);
  const fields: Fields = {};
  const { rawHeaders } = message;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? "").toLowerCase();
    if (HOP_BY_HOP.has(name) || named.has(name) || !isWanted(name)) continue;
    append(fields, name, rawHeaders[index + 1] ?? "");
  }
  return fields;
}

function namedByConnection(connection: string | undefined): ReadonlySet<string> {
  const names = (connection ?? "").split(",").map((name) => name.trim().toLowerCase());
  return new Set(names.filter((name) => name !== "" && !PROTECTED.test(name)));
}

function append(fields: Fields, name: string, value: string): void {
  const present = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (present === undefined) {
    Object.defineProperty(fields, name, { value, enumerable: true, writable: true, configurable: true });
  } else fields[name] = Array.isArray(present) ? [...present, value] : [present, value];
}

const mayClientSend = (name: string): boolean => !name.startsWith("hotspare-") || CLIENT_FIELDS.includes(name);

const viaWith = (via: string | undefined, version: string, pseudonym: string): string =>
  `${via === undefined ? "" : `${via}, `}${version} ${pseudonym}`;

function forwarded(client: string, proto: "http" | "https", authority: string | null): string {
  const node = client.includes(":") ? `"[${client}]"` : client;
  return `for=${node};proto=${proto}${authority === null ? "" : `;host="${authority}"`}`;
}

const oneLess = (forwards: string): string => String(Math.max(0, (Number.parseInt(forwards, 10) || 0) - 1));
