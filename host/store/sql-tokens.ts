/**
 * Bare SQL: what is left of a text when comments, string literals and quoted names are taken out. Enough to find a
 * keyword that SQLite's own catalogue does not show, without being fooled by a comment or a value.
 */

/** Upper case, single spaces; a string literal or quoted name becomes `?`. */
export const bareSql = (sql: string): string =>
  sql
    .replaceAll(NOISE, (part) => (part.startsWith("--") || part.startsWith("/*") ? " " : "?"))
    .replaceAll(/\s+/g, " ")
    .trim()
    .toUpperCase();

/** Comments (to the end of the line; unclosed ones to the end of the text), then quoted things with doubled quotes. */
const NOISE = /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]/g;

/** A name as SQL, whatever it contains. */
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;
