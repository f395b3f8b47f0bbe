/**
 * The field lines of a head or a trailer section, one after the other, by RFC 9112, 5: a name that is a token, a colon right
 * after it, a value of permitted octets, CRLF. No folded lines, no bare CR or LF. It holds places in the text instead of
 * cutting it up: most lines are passed on unread.
 */
import { HttpRefusal } from "./http-refusal.ts";
import { CR, isBlank, isToken, isValue, LF } from "./octets.ts";

/** More lines than a message of good will has; each costs whoever reads it. */
const MOST_LINES = 200;
const COLON = 0x3a;

export class FieldLines {
  /** Whole lines, each with its CRLF, decoded as Latin-1: a character is an octet. */
  readonly text: string;
  lineStart = 0;
  nameEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  /** Where the next line begins. */
  next: number;
  #count = 0;

  constructor(text: string, at: number) {
    this.text = text;
    this.next = at;
  }

  /** Goes to the next line; false behind the last one. @throws {HttpRefusal} 400, 431 */
  advance(): boolean {
    const { text } = this;
    let at = this.next;
    if (at >= text.length) return false;
    if (++this.#count > MOST_LINES) throw new HttpRefusal(431, `more than ${MOST_LINES} header fields`);
    this.lineStart = at;
    while (isToken(text.charCodeAt(at))) at += 1;
    if (at === this.lineStart || text.charCodeAt(at) !== COLON) throw new HttpRefusal(400, "a malformed field name");
    this.nameEnd = at++;
    while (isBlank(text.charCodeAt(at))) at += 1;
    this.valueStart = at;
    while (isValue(text.charCodeAt(at))) at += 1;
    if (text.charCodeAt(at) !== CR || text.charCodeAt(at + 1) !== LF) {
      throw new HttpRefusal(400, "a forbidden character in a field");
    }
    this.next = at + 2;
    while (at > this.valueStart && isBlank(text.charCodeAt(at - 1))) at -= 1;
    this.valueEnd = at;
    return true;
  }

  /** Without the blanks around it. */
  get value(): string {
    return this.text.slice(this.valueStart, this.valueEnd);
  }

  /** In lower case. */
  get name(): string {
    return this.text.slice(this.lineStart, this.nameEnd).toLowerCase();
  }

  /** Whether the name begins with `prefix`, which is in lower case. */
  begins(prefix: string): boolean {
    return this.nameEnd - this.lineStart >= prefix.length && isSame(this.text, this.lineStart, prefix);
  }

  /** The one of `names` that this line has. */
  known<Name extends string>(names: KnownNames<Name>): Name | null {
    for (const name of names.ofLength(this.nameEnd - this.lineStart)) {
      if (isSame(this.text, this.lineStart, name)) return name;
    }
    return null;
  }
}

/** Names that mean something to the proxy, found without cutting a name out of its text. */
export class KnownNames<Name extends string> {
  readonly #byLength: (readonly Name[])[] = [];

  constructor(names: readonly Name[]) {
    const longest = Math.max(...names.map(({ length }) => length));
    for (let length = 0; length <= longest; length++) {
      this.#byLength.push(names.filter((name) => name.length === length));
    }
  }

  ofLength(length: number): readonly Name[] {
    return this.#byLength[length] ?? NONE;
  }
}

const NONE: readonly never[] = [];

/** Without regard to case; the text is known to be a token there, so that setting one bit makes no two octets equal that are not. */
function isSame(text: string, at: number, name: string): boolean {
  for (let index = 0; index < name.length; index++) {
    if ((text.charCodeAt(at + index) | 0x20) !== name.charCodeAt(index)) return false;
  }
  return true;
}
