/** Field lines of an answer as HTTP/2 has them: names in lower case, none that belongs to a connection of HTTP/1.1. */
import type { OutgoingHttpHeaders } from "node:http2";
import { CONNECTION_FIELDS } from "./connection-fields.ts";

/** Not `trim`: that also takes an octet of UTF-8 for a blank. */
const BLANKS = /^[\t ]+|[\t ]+$/g;

/** Names and values in turn. `lines`: well-formed, each with its CRLF. */
export function answerFields(lines: string): string[] {
  const fields: string[] = [];
  let at = 0;
  while (at < lines.length) {
    const end = lines.indexOf("\r\n", at);
    const colon = lines.indexOf(":", at);
    const name = lines.slice(at, colon).toLowerCase();
    at = end + 2;
    // Most of them have been dropped where the host's answer was read.
    if (name === "te" || CONNECTION_FIELDS.has(name)) continue;
    fields.push(name, lines.slice(colon + 1, end).replace(BLANKS, ""));
  }
  return fields;
}

/** The same by name, those that repeat as a list. */
export function answerRecord(lines: string): OutgoingHttpHeaders {
  const values = new Map<string, string[]>();
  const fields = answerFields(lines);
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [name = "", value = ""] = fields.slice(index, index + 2);
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  return Object.fromEntries(values);
}
