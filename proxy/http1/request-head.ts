/**
 * The head of a request, read strictly: accepted is only what every reader of RFC 9112 reads in the same way. One pass over
 * the text; the lines that pass on stay together as they came, so that a head of many fields costs little more than its
 * octets.
 */
import { CLIENT_FIELDS } from "../../shared/wire/fields.ts";
import { ConnectionOptions, withoutNamed } from "./connection-options.ts";
import { FieldLines, KnownNames } from "./field-lines.ts";
import { FramingFields, NO_BODY, type Framing } from "./framing.ts";
import { HttpRefusal } from "./http-refusal.ts";
import { CR, isTarget, isToken, LF, SPACE } from "./octets.ts";
import { readTarget, type RequestTarget } from "./request-target.ts";

export interface RequestHead {
  readonly method: string;
  /** As it came; what is read as text here is of HTTP/1. */
  readonly version: "1.0" | "1.1" | "2.0";
  readonly target: RequestTarget;
  /** The field lines that pass on to the host, each with its CRLF. */
  readonly lines: string;
  readonly framing: Framing;
  /** Whether the client keeps the connection after the answer. */
  readonly keepsAlive: boolean;
  /** The client waits for `100 Continue` before it sends its body. */
  readonly expectsContinue: boolean;
  /** It asks for trailers (`TE: trailers`). */
  readonly takesTrailers: boolean;
  /** It asks for a WebSocket. */
  readonly upgrades: boolean;
  /** Of OPTIONS and TRACE: how many proxies may still pass it on. */
  readonly maxForwards: number | null;
  /** All values of `Via`, for finding loops. */
  readonly via: string;
}

export interface RequestHeadOptions {
  /** The client is a proxy of the user's own: what it says of the client before it is passed on. */
  readonly isTrusted: boolean;
}

const LONGEST_TARGET = 8192;
const VERSION_LENGTH = "HTTP/1.1".length;

const KNOWN = new KnownNames([
  "host",
  "connection",
  "content-length",
  "transfer-encoding",
  "te",
  "via",
  "expect",
  "upgrade",
  "trailer",
  "forwarded",
  "max-forwards",
  "keep-alive",
  "http2-settings",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-authentication-info",
  ...CLIENT_FIELDS,
]);

/** `text`: the request line and the field lines, each with its CRLF. @throws {HttpRefusal} with the status for the client. */
export function parseRequestHead(text: string, options: RequestHeadOptions): RequestHead {
  const line = readRequestLine(text);
  return new HeadReader(text, line, options).read();
}

interface RequestLine {
  readonly method: string;
  readonly target: string;
  readonly version: "1.0" | "1.1";
  readonly end: number;
}

function readRequestLine(text: string): RequestLine {
  let at = 0;
  while (isToken(text.charCodeAt(at))) at += 1;
  if (at === 0 || text.charCodeAt(at) !== SPACE) throw new HttpRefusal(400, "a malformed method");
  const method = text.slice(0, at);
  const targetStart = at + 1;
  at = targetStart;
  while (isTarget(text.charCodeAt(at))) at += 1;
  if (at === targetStart || text.charCodeAt(at) !== SPACE) throw new HttpRefusal(400, "a malformed target");
  if (at - targetStart > LONGEST_TARGET) throw new HttpRefusal(414, `a target of more than ${LONGEST_TARGET} bytes`);
  const target = text.slice(targetStart, at);
  const end = at + 1 + VERSION_LENGTH;
  const version = readVersion(text.slice(at + 1, end));
  if (text.charCodeAt(end) !== CR || text.charCodeAt(end + 1) !== LF) {
    throw new HttpRefusal(400, "a malformed request line");
  }
  return { method, target, version, end: end + 2 };
}

function readVersion(text: string): "1.0" | "1.1" {
  if (text === "HTTP/1.1") return "1.1";
  if (text === "HTTP/1.0") return "1.0";
  if (/^HTTP\/\d\.\d$/.test(text)) throw new HttpRefusal(505, `${text} is not spoken here`);
  throw new HttpRefusal(400, "a malformed request line");
}

class HeadReader {
  readonly #lines: FieldLines;
  readonly #line: RequestLine;
  readonly #isTrusted: boolean;
  readonly #framing = new FramingFields();
  readonly #connection = new ConnectionOptions();
  #host: string | null = null;
  #via = "";
  #expect: string | null = null;
  #upgrade: string | null = null;
  #maxForwards: number | null = null;
  #takesTrailers = false;
  /** What passes on: what was gathered, and the lines from `#run` on that stand together. */
  #passing = "";
  #run: number;

  constructor(text: string, line: RequestLine, { isTrusted }: RequestHeadOptions) {
    this.#lines = new FieldLines(text, line.end);
    this.#line = line;
    this.#isTrusted = isTrusted;
    this.#run = line.end;
  }

  read(): RequestHead {
    while (this.#lines.advance()) if (!this.#passes()) this.#drop();
    const passing = this.#passing + this.#lines.text.slice(this.#run);
    const { method, version } = this.#line;
    if (method === "TRACE" || method === "CONNECT") throw new HttpRefusal(405, `${method} is not offered`);
    if (version === "1.1" && this.#host === null) throw new HttpRefusal(400, "no Host field");
    return {
      method,
      version,
      target: readTarget(method, this.#line.target, this.#host),
      lines: withoutNamed(passing, this.#connection.named),
      framing: this.#readFraming(),
      keepsAlive: version === "1.1" && !this.#connection.closes,
      expectsContinue: this.#readExpect(),
      takesTrailers: version === "1.1" && this.#takesTrailers,
      upgrades: version === "1.1" && this.#upgrades(),
      maxForwards: this.#maxForwards,
      via: this.#via,
    };
  }

  /** Takes the line's meaning, if it has one for this proxy. Whether it passes on as it is. */
  #passes(): boolean {
    const lines = this.#lines;
    const name = lines.known(KNOWN);
    switch (name) {
      case null:
        return !this.#isSetHere();
      case "host":
        if (this.#host !== null) throw new HttpRefusal(400, "more than one Host field");
        this.#host = lines.value;
        return false;
      case "content-length":
        this.#framing.addLength(lines.value);
        return false;
      case "transfer-encoding":
        if (this.#line.version === "1.0") throw new HttpRefusal(400, "Transfer-Encoding in HTTP/1.0");
        this.#framing.addCoding(lines.value);
        return false;
      case "connection":
        this.#connection.add(lines.value);
        return false;
      default:
        return this.#passesAside(name);
    }
  }

  /** The same for the names that few requests have. */
  #passesAside(name: string): boolean {
    const { value } = this.#lines;
    if (CLIENT_FIELDS.includes(name)) return true;
    if (name === "forwarded") return this.#isTrusted;
    if (name === "te") this.#takesTrailers ||= /(?:^|,)\s*trailers\s*(?:,|$)/i.test(value);
    if (name === "expect") this.#expect = this.#expect === null ? value : `${this.#expect},${value}`;
    if (name === "upgrade") this.#upgrade = this.#upgrade === null ? value : `${this.#upgrade}, ${value}`;
    if (name === "max-forwards") this.#maxForwards = readForwards(value);
    if (name === "via") this.#via += `,${value}`;
    return name === "via";
  }

  /** What only this proxy may say: a client's word for it would be believed. */
  #isSetHere(): boolean {
    if (this.#lines.begins("hotspare-")) return true;
    return !this.#isTrusted && this.#lines.begins("x-forwarded-");
  }

  #drop(): void {
    const { text, lineStart, next } = this.#lines;
    if (lineStart > this.#run) this.#passing += text.slice(this.#run, lineStart);
    this.#run = next;
  }

  #readFraming(): Framing {
    return this.#framing.read() ?? NO_BODY;
  }

  /** Of HTTP/1.0 it is ignored, as RFC 9110, 10.1.1 asks. @throws {HttpRefusal} 417 */
  #readExpect(): boolean {
    if (this.#expect === null || this.#line.version === "1.0") return false;
    if (this.#expect.toLowerCase() !== "100-continue") throw new HttpRefusal(417, "an expectation that cannot be met");
    return true;
  }

  /** Any other protocol is ignored, as RFC 9110, 7.8 allows: such a request is answered in HTTP/1.1. */
  #upgrades(): boolean {
    return this.#connection.upgrades && this.#upgrade?.toLowerCase() === "websocket";
  }
}

/** @throws {HttpRefusal} 400 */
function readForwards(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new HttpRefusal(400, "a malformed Max-Forwards");
  return Number(value);
}
