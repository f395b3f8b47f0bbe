/** The head of a host's answer, read as strictly as a request's: what cannot be read for certain is not passed on. */
import { LSN_FIELD, OUTCOME_FIELD, readOutcome, type Outcome } from "../../shared/wire/fields.ts";
import { ConnectionOptions, withoutNamed } from "./connection-options.ts";
import { FieldLines, KnownNames } from "./field-lines.ts";
import { FramingFields, NO_BODY, UNTIL_CLOSE, type Framing } from "./framing.ts";
import { HttpRefusal } from "./http-refusal.ts";
import { CR, isValue, LF } from "./octets.ts";

export interface AnswerHead {
  readonly status: number;
  readonly reason: string;
  readonly version: "1.0" | "1.1";
  /** The field lines that pass on to the client, each with its CRLF. */
  readonly lines: string;
  /** Of the body that follows, whatever the length that is told. */
  readonly framing: Framing;
  /** Of an answer without body (HEAD, 304): the length that it would have. */
  readonly toldBytes: number | null;
  readonly keepsAlive: boolean;
  readonly hasDate: boolean;
  readonly isEventStream: boolean;
  /** The host says that nothing was applied. */
  readonly outcome: Outcome | null;
}

const KNOWN = new KnownNames([
  "connection",
  "content-length",
  "content-type",
  "transfer-encoding",
  "date",
  "keep-alive",
  "trailer",
  "upgrade",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authentication-info",
  LSN_FIELD,
  OUTCOME_FIELD,
]);
/** `HTTP/1.1 200 ` */
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d) /;

/** `text`: status line and field lines, each with its CRLF; `method`: of the request. @throws {HttpRefusal} 502 */
export function parseAnswerHead(text: string, method: string): AnswerHead {
  try {
    return new AnswerReader(text, method).read();
  } catch (error) {
    if (!(error instanceof HttpRefusal)) throw error;
    throw new HttpRefusal(502, error.message);
  }
}

class AnswerReader {
  readonly #text: string;
  readonly #method: string;
  readonly #lines: FieldLines;
  readonly #version: "1.0" | "1.1";
  readonly #status: number;
  readonly #reason: string;
  readonly #framing = new FramingFields();
  readonly #connection = new ConnectionOptions();
  #hasDate = false;
  #isEventStream = false;
  #outcome: Outcome | null = null;
  #passing = "";
  #run: number;

  constructor(text: string, method: string) {
    const [start, minor, status] = STATUS_LINE.exec(text) ?? [];
    if (start === undefined) throw new HttpRefusal(502, "a malformed status line");
    this.#text = text;
    this.#method = method;
    this.#version = minor === "1" ? "1.1" : "1.0";
    this.#status = Number(status);
    const end = endOfLine(text, start.length);
    this.#reason = text.slice(start.length, end);
    this.#lines = new FieldLines(text, end + 2);
    this.#run = end + 2;
  }

  read(): AnswerHead {
    while (this.#lines.advance()) if (!this.#passes()) this.#drop();
    const passing = this.#passing + this.#text.slice(this.#run);
    const told = this.#framing.read();
    return {
      status: this.#status,
      reason: this.#reason,
      version: this.#version,
      lines: withoutNamed(passing, this.#connection.named),
      framing: this.#isBodiless() ? NO_BODY : (told ?? UNTIL_CLOSE),
      toldBytes: told?.type === "length" ? told.bytes : null,
      keepsAlive: this.#keepsAlive(),
      hasDate: this.#hasDate,
      isEventStream: this.#isEventStream,
      outcome: this.#outcome,
    };
  }

  #passes(): boolean {
    const lines = this.#lines;
    const name = lines.known(KNOWN);
    switch (name) {
      case null:
        return !lines.begins("hotspare-");
      case "content-length":
        this.#framing.addLength(lines.value);
        return false;
      case "transfer-encoding":
        this.#framing.addCoding(lines.value);
        return false;
      case "connection":
        this.#connection.add(lines.value);
        return false;
      case "date":
        this.#hasDate = true;
        return true;
      case "content-type":
        this.#isEventStream = /^text\/event-stream(?:;|\s|$)/i.test(lines.value);
        return true;
      case OUTCOME_FIELD:
        this.#outcome = readOutcome(lines.value);
        return false;
      case LSN_FIELD:
        return true;
      default:
        return false;
    }
  }

  #drop(): void {
    const { lineStart, next } = this.#lines;
    if (lineStart > this.#run) this.#passing += this.#text.slice(this.#run, lineStart);
    this.#run = next;
  }

  /** By RFC 9112, 6.3, whatever its fields say. */
  #isBodiless(): boolean {
    const status = this.#status;
    return this.#method === "HEAD" || status < 200 || status === 204 || status === 304;
  }

  #keepsAlive(): boolean {
    if (this.#connection.closes) return false;
    return this.#version === "1.1" || this.#connection.keepsAlive;
  }
}

function endOfLine(text: string, from: number): number {
  let at = from;
  while (isValue(text.charCodeAt(at))) at += 1;
  if (text.charCodeAt(at) !== CR || text.charCodeAt(at + 1) !== LF) {
    throw new HttpRefusal(502, "a malformed status line");
  }
  return at;
}
