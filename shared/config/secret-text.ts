/**
 * The text of the cluster's secret: keys in hex or base64, separated by white space, most often one a line; what follows
 * a `#` is a remark. The first key signs, all verify. Two remarks mean something, to whoever rotates the secret and to
 * nobody else: `# new`, the key that is to sign next, and `# old`, one that is to go.
 *
 * What is wrong is an `Error` that says why, and never shows any of the text.
 */

export type KeyMark = "new" | "old";

export interface SecretEntry {
  readonly bytes: Buffer;
  /** As it is written, without its remark. */
  readonly written: string;
  readonly mark: KeyMark | null;
}

/** A rotation needs three for a moment; more than this is a mistake, and each is looked up for each message. */
export const MAX_KEYS = 8;

const MIN_BYTES = 32;
const HEX = /^(?:[0-9a-f]{2})+$/i;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;
const LINE = /^(?<keys>[^#]*)(?:#\s*(?<word>\w*))?/;
const REMARKS: Readonly<Record<KeyMark, string>> = {
  new: " # new: accepted, does not sign yet",
  old: " # old: accepted until every node signs with the first key",
};

/** The first signs. */
export type SecretEntries = readonly [SecretEntry, ...SecretEntry[]];

/** At least one key, and none twice. */
export function parseSecretText(text: string): SecretEntries {
  const written = text.split("\n").flatMap(keysOfLine);
  if (written.length > MAX_KEYS) throw new Error(`it has ${written.length} keys; accepted are ${MAX_KEYS} at most`);
  const entries = written.map((entry, at): SecretEntry => ({
    ...entry,
    bytes: decode(entry.written, at, written.length),
  }));
  refuseTwins(entries);
  const [first, ...others] = entries;
  if (first === undefined) throw new Error("there is no key in it");
  return [first, ...others];
}

/** The text that `parseSecretText` reads as `entries`. */
export const formatSecretText = (entries: readonly Pick<SecretEntry, "written" | "mark">[]): string =>
  entries.map(({ written, mark }) => `${written}${mark === null ? "" : REMARKS[mark]}\n`).join("");

function keysOfLine(line: string): readonly Pick<SecretEntry, "written" | "mark">[] {
  const { keys = "", word } = LINE.exec(line)?.groups ?? {};
  const mark = word === "new" || word === "old" ? word : null;
  return keys.split(/\s+/).flatMap((written) => (written === "" ? [] : [{ written, mark }]));
}

function decode(written: string, at: number, of: number): Buffer {
  const name = of === 1 ? "it" : `key ${at + 1}`;
  if (!HEX.test(written) && !BASE64.test(written)) throw new Error(`${name} is neither hex nor base64`);
  const bytes = Buffer.from(written, HEX.test(written) ? "hex" : "base64");
  if (bytes.length >= MIN_BYTES) return bytes;
  throw new Error(`${name} has ${bytes.length} bytes; accepted are ${MIN_BYTES} or more`);
}

function refuseTwins(entries: readonly SecretEntry[]): void {
  for (const [at, { bytes }] of entries.entries()) {
    const twin = entries.findIndex((other) => other.bytes.equals(bytes));
    if (twin < at) throw new Error(`keys ${twin + 1} and ${at + 1} are the same`);
  }
}
