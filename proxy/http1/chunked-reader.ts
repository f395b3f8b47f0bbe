/**
 * A chunked body (RFC 9112, 7.1), read strictly: sizes are hexadecimal digits, lines end in CRLF, a chunk is followed by
 * CRLF. Payload is given on without being copied. Extensions are checked and dropped: what goes on is framed anew.
 */
import { HttpRefusal } from "./http-refusal.ts";
import { CR, isValue, LF } from "./octets.ts";

/** A size in 13 digits is exact as a number; behind it extensions, whose form is checked though nobody reads them. */
const SIZE_LINE =
  /^([0-9A-Fa-f]{1,13})(?:;[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:=(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"[^"\\]*"))?)*$/;
const LONGEST_SIZE_LINE = 256;
const MOST_TRAILER_BYTES = 8192;

export class ChunkedReader {
  readonly #payload: (bytes: Buffer) => void;
  #state: "size" | "data" | "data-end" | "trailers" | "done" = "size";
  /** The line that is being read, without its end. */
  #line = "";
  /** The last octet was CR. */
  #returned = false;
  #left = 0;
  #trailers = "";

  constructor(payload: (bytes: Buffer) => void) {
    this.#payload = payload;
  }

  get done(): boolean {
    return this.#state === "done";
  }

  /** The trailer section's lines, each with its CRLF, as they came: not checked. */
  get trailers(): string {
    return this.#trailers;
  }

  /** Reads from `at` on; returns where the body ended, or the length of `bytes`. @throws {HttpRefusal} 400 */
  read(bytes: Buffer, at: number): number {
    let next = at;
    while (next < bytes.length && this.#state !== "done") {
      next = this.#state === "data" ? this.#readData(bytes, next) : this.#readLine(bytes, next);
    }
    return next;
  }

  #readData(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    if (this.#left === 0) this.#state = "data-end";
    this.#payload(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
    return end;
  }

  #readLine(bytes: Buffer, at: number): number {
    let next = at;
    while (next < bytes.length) {
      const octet = bytes.readUInt8(next++);
      if (this.#returned) {
        if (octet !== LF) throw new HttpRefusal(400, "a bare CR in a chunked body");
        this.#returned = false;
        this.#endLine();
        return next;
      }
      if (octet === CR) this.#returned = true;
      else this.#addOctet(octet);
    }
    return next;
  }

  #addOctet(octet: number): void {
    if (!isValue(octet)) throw new HttpRefusal(400, "a forbidden character in a chunked body");
    const most = this.#state === "trailers" ? MOST_TRAILER_BYTES - this.#trailers.length : LONGEST_SIZE_LINE;
    if (this.#line.length >= most) throw new HttpRefusal(400, "a line of a chunked body that is too long");
    this.#line += String.fromCharCode(octet);
  }

  #endLine(): void {
    const line = this.#line;
    this.#line = "";
    if (this.#state === "size") return this.#begin(line);
    if (this.#state === "trailers") return this.#addTrailer(line);
    if (line !== "") throw new HttpRefusal(400, "a chunk that is longer than its size");
    this.#state = "size";
  }

  #begin(line: string): void {
    const [, digits] = SIZE_LINE.exec(line) ?? [];
    if (digits === undefined) throw new HttpRefusal(400, "a malformed chunk size");
    this.#left = Number.parseInt(digits, 16);
    this.#state = this.#left === 0 ? "trailers" : "data";
  }

  #addTrailer(line: string): void {
    if (line === "") this.#state = "done";
    else this.#trailers += `${line}\r\n`;
  }
}
