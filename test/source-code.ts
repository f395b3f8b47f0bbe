/** The project's source as the tidy test reads it: files, and their code without comments and without what is in quotes. */
import { globSync, readFileSync } from "node:fs";
import { resolve, sep } from "node:path";

export interface SourceFile {
  /** From the project's root, with `/`. */
  readonly path: string;
  readonly text: string;
  /** `text` with comments and the contents of quotes blanked; lines stay where they are. */
  readonly code: string;
}

export const root = resolve(import.meta.dirname, "..");

export function readSource(...folders: readonly string[]): readonly SourceFile[] {
  const files = folders.flatMap((folder) => globSync(`${folder}/**/*.{ts,js}`, { cwd: root })).sort();
  return files.map((file) => {
    const text = readFileSync(resolve(root, file), "utf8");
    return { path: file.replaceAll(sep, "/"), text, code: codeOf(text) };
  });
}

const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//;
const QUOTED = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/;
/** Only text up to the first `${`: what is inside one is code. */
const TEMPLATE = /`(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)/;
const REST_OF_TEMPLATE = /\}(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)/;
/** A slash after what cannot end a value begins a regular expression. */
const REGEX = /(?<=(?:^|[=(,:[!&|?{};\n]|return|=>)\s*)\/(?![*/])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\//;
const sticky = (pattern: RegExp): RegExp => new RegExp(pattern.source, "y");
const TOKENS = [COMMENT, QUOTED, TEMPLATE, REGEX].map(sticky);
const END_OF_INSERT = [sticky(REST_OF_TEMPLATE)];
const BEGINS_TOKEN = /[/"'`}]/;

/** Good for this project's formatted code, not for all that the language allows. */
export function codeOf(text: string): string {
  let code = "";
  let rest = 0;
  const depths: number[] = [];
  while (rest < text.length) {
    const token = tokenAt(text, rest, depths.at(-1) === 0);
    code += token === "" ? text[rest] : blank(token);
    countBraces(depths, token, text[rest] ?? "");
    rest += Math.max(token.length, 1);
  }
  return code;
}

/** The comment, quote, template part or regular expression that begins here; empty for code. */
function tokenAt(text: string, at: number, endsInsert: boolean): string {
  if (!BEGINS_TOKEN.test(text[at] ?? "")) return "";
  for (const pattern of endsInsert && text[at] === "}" ? END_OF_INSERT : TOKENS) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match) return match[0];
  }
  return "";
}

/** One counter of open braces for each `${` that is open. */
function countBraces(depths: number[], token: string, letter: string): void {
  if (token.startsWith("}")) depths.pop();
  if (/^[`}]/.test(token) && token.endsWith("${")) depths.push(0);
  const last = depths.length - 1;
  const change = token === "" ? (letter === "{" ? 1 : letter === "}" ? -1 : 0) : 0;
  if (last >= 0) depths[last] = (depths[last] ?? 0) + change;
}

const blank = (token: string): string => token.replaceAll(/[^\n]/g, " ");
