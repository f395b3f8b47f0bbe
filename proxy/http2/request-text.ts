/**
 * A request of HTTP/2 as the text of an HTTP/1.1 head, so that one parser decides for both what is sound. Nothing may stand
 * in a part that would be its end in that text, or one request could become two where it goes on as HTTP/1.1 (RFC 9113,
 * 8.2.1 and 10.3): each part is looked at before it is put in.
 */
import { HttpRefusal } from "../http1/http-refusal.ts";
import { isBlank, isTarget, isToken, isValue } from "../http1/octets.ts";
import { passingTrailers } from "../http1/trailers.ts";
import { CONNECTION_FIELDS } from "./connection-fields.ts";

/** As much as a head of HTTP/1.1 may have. */
const MOST_HEAD_BYTES = 16 * 1024;
const PSEUDO_FIELDS: readonly string[] = [":method", ":scheme", ":authority", ":path"];
const UPPER_CASE = /[A-Z]/;
const SCHEME = /^https?$/i;

/**
 * Request line and field lines, each with its CRLF. `fields`: names and values in turn, as they came; `hasBody`: a body
 * follows. @throws {HttpRefusal} 400, 431
 */
export function requestText(fields: readonly string[], { hasBody }: { readonly hasBody: boolean }): string {
  const read = new RequestFields();
  eachField(fields, (name, value) => read.add(name, value));
  const text = read.text(hasBody);
  if (text.length > MOST_HEAD_BYTES) throw new HttpRefusal(431, `a head of more than ${MOST_HEAD_BYTES} bytes`);
  return text;
}

/** Of the fields behind a body the lines that may pass on. @throws {HttpRefusal} 400 */
export function trailerText(fields: readonly string[]): string {
  let lines = "";
  eachField(fields, (name, value) => (lines += fieldLine(name, value)));
  return passingTrailers(lines);
}

class RequestFields {
  readonly #pseudo = new Map<string, string>();
  #lines = "";
  #cookie: string | null = null;
  #host: string | null = null;
  #hasLength = false;

  add(name: string, value: string): void {
    if (PSEUDO_FIELDS.includes(name)) return this.#addPseudo(name, value);
    if (CONNECTION_FIELDS.has(name)) throw new HttpRefusal(400, `${name} in HTTP/2`);
    switch (name) {
      case "te":
        if (value !== "trailers") throw new HttpRefusal(400, "TE in HTTP/2 for more than trailers");
        break;
      case "host":
        if (this.#host !== null) throw new HttpRefusal(400, "more than one Host field");
        this.#host = value;
        return;
      case "cookie":
        // They may come in pieces here, and nowhere else (RFC 9113, 8.2.3).
        this.#cookie = this.#cookie === null ? value : `${this.#cookie}; ${value}`;
        return;
      case "content-length":
        this.#hasLength = true;
        break;
      default:
    }
    this.#lines += fieldLine(name, value);
  }

  text(hasBody: boolean): string {
    const authority = this.#authority();
    const cookie = this.#cookie === null ? "" : fieldLine("cookie", this.#cookie);
    // Where no length is told, the end of the stream is the end of the body.
    const coding = hasBody && !this.#hasLength ? "transfer-encoding: chunked\r\n" : "";
    return `${this.#line(authority)}host: ${authority}\r\n${this.#lines}${cookie}${coding}`;
  }

  #addPseudo(name: string, value: string): void {
    if (this.#pseudo.has(name)) throw new HttpRefusal(400, `more than one ${name}`);
    this.#pseudo.set(name, value);
  }

  /** A request that names two hosts is two requests, to those who read one name each. */
  #authority(): string {
    const named = this.#pseudo.get(":authority") ?? this.#host ?? "";
    if (named === "") throw new HttpRefusal(400, "no host");
    if (this.#host !== null && this.#host.toLowerCase() !== named.toLowerCase()) {
      throw new HttpRefusal(400, "a Host field that differs from :authority");
    }
    return named;
  }

  #line(authority: string): string {
    const method = this.#told(":method");
    if (!isAll(method, isToken)) throw new HttpRefusal(400, "a malformed method");
    return `${method} ${method === "CONNECT" ? authority : this.#path()} HTTP/1.1\r\n`;
  }

  #path(): string {
    if (!SCHEME.test(this.#told(":scheme"))) throw new HttpRefusal(400, "a scheme that is not served");
    const path = this.#told(":path");
    // As a whole URL it would name a host, too.
    if (!path.startsWith("/") && path !== "*") throw new HttpRefusal(400, "a target that is no path");
    if (!isAll(path, isTarget)) throw new HttpRefusal(400, "a malformed target");
    return path;
  }

  #told(name: string): string {
    const value = this.#pseudo.get(name);
    if (value === undefined || value === "") throw new HttpRefusal(400, `no ${name}`);
    return value;
  }
}

const fieldLine = (name: string, value: string): string => `${name}: ${value}\r\n`;

/** Gives each field on, once it is known that it is one. @throws {HttpRefusal} 400 */
function eachField(fields: readonly string[], take: (name: string, value: string) => void): void {
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const name = fields[index] ?? "";
    const value = fields[index + 1] ?? "";
    if (!PSEUDO_FIELDS.includes(name) && !isName(name)) throw new HttpRefusal(400, "a malformed field name");
    if (!isWholeValue(value)) throw new HttpRefusal(400, "a forbidden character in a field");
    take(name, value);
  }
}

const isName = (name: string): boolean => name !== "" && isAll(name, isToken) && !UPPER_CASE.test(name);

/** A blank at either end would be no part of the value in HTTP/1.1. */
const isWholeValue = (value: string): boolean =>
  isAll(value, isValue) && !isBlank(value.charCodeAt(0)) && !isBlank(value.charCodeAt(value.length - 1));

function isAll(text: string, isAllowed: (octet: number) => boolean): boolean {
  for (let at = 0; at < text.length; at++) if (!isAllowed(text.charCodeAt(at))) return false;
  return true;
}
