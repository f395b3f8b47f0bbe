/**
 * What in a file's schema a pool cannot have, by the very rules that the store has (`host/store/schema-rules.ts`), and what
 * to have instead. A suggestion is only made if those rules accept it.
 */
import { DatabaseSync } from "node:sqlite";
import { reasonOf } from "../../../shared/errors.ts";
import { Connection } from "../../../host/store/connection.ts";
import { findViolations } from "../../../host/store/schema-rules.ts";
import { columnsOf, type Definition, type SourceFile } from "./source-file.ts";

export interface Finding {
  readonly type: string;
  readonly name: string;
  readonly reason: string;
  /** `null`: people have to decide. */
  readonly suggestion: string | null;
}

export interface SuggestedEntry {
  readonly id: string;
  readonly sql: string;
}

/** Everything that must change, in the order of its definition. */
export function findProblems(source: SourceFile): readonly Finding[] {
  return definitionsOf(source).flatMap((definition) => {
    const reason = violationOf(source, definition.sql, definition);
    if (reason === null) return [];
    const suggestion = definition.type === "table" ? suggestTable(source, definition) : null;
    const { type, name } = definition;
    return [{ type, name, reason, suggestion }];
  });
}

/** The entries that an application needs for this file, with the suggestions in them. */
export function suggestSchema(source: SourceFile): readonly SuggestedEntry[] {
  const problems = findProblems(source);
  const kept = definitionsOf(source).filter(({ sql }) => !/^\s*create\s+virtual\b/i.test(sql));
  return kept.map(({ type, name, sql }) => {
    const problem = problems.find((found) => found.type === type && found.name === name);
    return { id: type === "table" ? name : `${name}-${type}`, sql: problem ? (problem.suggestion ?? sql) : sql };
  });
}

/** Without what lies beneath virtual tables. */
function definitionsOf(source: SourceFile): readonly Definition[] {
  const shadows = new Set(source.tables("shadow"));
  return source.definitions().filter(({ name, table }) => !shadows.has(name) && !shadows.has(table));
}

/** Judged alone, in an empty database; an index, view or trigger beside its table. */
function violationOf(source: SourceFile, sql: string, { type, name, table }: Definition): string | null {
  const database = new DatabaseSync(":memory:", { enableForeignKeyConstraints: false });
  try {
    const [base] = type === "table" ? [] : source.definitions().filter((other) => other.name === table);
    // What its table is refused for is told there.
    if (base) database.exec(base.sql);
    database.exec(sql);
    const violations = findViolations(new Connection(database));
    return violations.find((found) => found.type === type && found.name === name)?.reason ?? null;
  } catch (error) {
    return `it cannot be made by itself: ${reasonOf(error)}`;
  } finally {
    database.close();
  }
}

function suggestTable(source: SourceFile, definition: Definition): string | null {
  const columns = columnsOf(source.database, definition.name);
  const key = columns.filter(({ pk }) => pk > 0).map(({ name }) => name);
  const plain = definition.sql
    .replaceAll(/\s+autoincrement\b/gi, "")
    .replaceAll(/\s+(?:not\s+)?deferrable\s+initially\s+deferred\b/gi, "")
    .replaceAll(/\s+on\s+conflict\s+(?:rollback|replace|ignore)\b/gi, "");
  const sql = key.length === 0 ? withRowid(plain, columns) : withStrictKey(plain, key);
  return sql !== null && violationOf(source, sql, definition) === null ? sql : null;
}

/** The rowids of the file become a key that travels: `hotspare import` fills such a column from them. */
function withRowid(sql: string, columns: readonly { readonly name: string }[]): string | null {
  const name = ["id", "row_id", "row_number"].find(
    (free) => !columns.some((column) => column.name.toLowerCase() === free),
  );
  return name === undefined ? null : sql.replace("(", `(${name} integer primary key, `);
}

function withStrictKey(sql: string, key: readonly string[]): string {
  const open = sql.indexOf("(");
  const parts = partsOf(sql.slice(open + 1));
  const fixed = parts.map((part) => (key.some((name) => isColumn(part, name)) ? strictColumn(part) : part));
  return `${sql.slice(0, open + 1)}${fixed.join(",")}`;
}

function strictColumn(part: string): string {
  const binary = part.replaceAll(/\s+collate\s+\w+/gi, "");
  if (/\bnot\s+null\b/i.test(binary) || /\binteger\s+primary\s+key\b/i.test(binary)) return binary;
  const [, name = "", rest = ""] =
    /^(\s*(?:"[^"]*"|`[^`]*`|\[[^\]]*\]|\w+)(?:\s+\w+(?:\s*\([\d\s,]*\))?)??)((?:\s+(?:primary|unique|check|default|references|collate|constraint)\b[\s\S]*|\s*(?:\)[\s\S]*)?))$/i.exec(
      binary,
    ) ?? [];
  return name === "" ? binary : `${name} not null${rest}`;
}

const isColumn = (part: string, name: string): boolean =>
  [name, `"${name}"`, `\`${name}\``, `[${name}]`].some((form) =>
    new RegExp(`^\\s*${escape(form)}(?![\\w"\`\\]])`, "i").test(part),
  );

const escape = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** Split at the commas between columns: not at those in parentheses, literals and quoted names. */
function partsOf(text: string): readonly string[] {
  const parts = [""];
  let depth = 0;
  for (const [token] of text.matchAll(
    /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|[\s\S]/g,
  )) {
    if (token === "(") depth += 1;
    if (token === ")") depth -= 1;
    if (token === "," && depth === 0) parts.push("");
    else parts.push(`${parts.pop() ?? ""}${token}`);
  }
  return parts;
}
