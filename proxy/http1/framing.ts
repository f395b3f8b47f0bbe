/** How long a message's body is (RFC 9112, 6): what sender and receiver must agree on, or one reads as a request what was none. */
import { HttpRefusal } from "./http-refusal.ts";

export type Framing =
  | { readonly type: "none" }
  | { readonly type: "length"; readonly bytes: number }
  | { readonly type: "chunked" }
  /** Of an answer only: as long as the connection stands. */
  | { readonly type: "close" };

export const NO_BODY: Framing = { type: "none" };
export const CHUNKED: Framing = { type: "chunked" };
export const UNTIL_CLOSE: Framing = { type: "close" };

/** 15 digits are more than any body has, and exact as a number. */
const LENGTH = /^\d{1,15}$/;

/** The fields that say it, as they stood in a head. */
export class FramingFields {
  #length: number | null = null;
  #chunked = false;

  /** @throws {HttpRefusal} 400 for one that repeats, is a list, or is no plain number. */
  addLength(value: string): void {
    if (this.#length !== null) throw new HttpRefusal(400, "more than one Content-Length");
    if (!LENGTH.test(value)) throw new HttpRefusal(400, "a malformed Content-Length");
    this.#length = Number(value);
  }

  /** @throws {HttpRefusal} 400 if repeated or empty, 501 for a coding that is not `chunked`. */
  addCoding(value: string): void {
    if (this.#chunked) throw new HttpRefusal(400, "more than one Transfer-Encoding");
    if (value === "") throw new HttpRefusal(400, "a Transfer-Encoding without a coding");
    if (value.toLowerCase() !== "chunked") throw new HttpRefusal(501, "a transfer coding other than chunked");
    this.#chunked = true;
  }

  /** `null`: nothing was said. @throws {HttpRefusal} 400 for both. */
  read(): Framing | null {
    if (this.#chunked && this.#length !== null) throw new HttpRefusal(400, "both Content-Length and Transfer-Encoding");
    if (this.#chunked) return CHUNKED;
    return this.#length === null ? null : { type: "length", bytes: this.#length };
  }
}

/** Whether there is anything to be read after the head. */
export const hasBody = (framing: Framing): boolean =>
  framing.type === "length" ? framing.bytes > 0 : framing.type !== "none";
