/** Which octets may stand where in a message's head (RFC 9110, 5.5 and 5.6.2; RFC 9112, 3). One table, one look per octet. */

export const CR = 0x0d;
export const LF = 0x0a;
export const SPACE = 0x20;
const TAB = 0x09;

const TOKEN = 1;
const TARGET = 2;
const VALUE = 4;
const TOKENS = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const OCTETS = Uint8Array.from({ length: 256 }, (_, octet) => roles(octet));

function roles(octet: number): number {
  const isVisible = octet > SPACE && octet < 0x7f;
  const token = TOKENS.includes(String.fromCharCode(octet)) ? TOKEN : 0;
  const value = isVisible || octet >= 0x80 || octet === SPACE || octet === TAB ? VALUE : 0;
  return token | value | (isVisible ? TARGET : 0);
}

/** In a method and in a field's name. What lies outside the text (NaN) is none of them. */
export const isToken = (octet: number): boolean => ((OCTETS[octet] ?? 0) & TOKEN) !== 0;

/** In a request's target: what is visible, as RFC 3986 has no other characters; `#` is refused where the target is read. */
export const isTarget = (octet: number): boolean => ((OCTETS[octet] ?? 0) & TARGET) !== 0;

/** In a field's value: visible, blank, or of the upper half (`obs-text`), which is opaque. */
export const isValue = (octet: number): boolean => ((OCTETS[octet] ?? 0) & VALUE) !== 0;

export const isBlank = (octet: number): boolean => octet === SPACE || octet === TAB;
