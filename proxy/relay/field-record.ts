/** Field lines as `node:http` has them: by name in lower case, those that repeat as a list. */
import type { Fields } from "./upgrade-upstream.ts";

/** Not what `trim` takes: an octet of the upper half may end a value. */
const BLANKS = /^[ \t]+|[ \t]+$/g;

export function fieldRecord(lines: string): Fields {
  const fields: Fields = {};
  for (const line of lines.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) append(fields, line.slice(0, colon).toLowerCase(), line.slice(colon + 1).replace(BLANKS, ""));
  }
  return fields;
}

/** A field may have any name, that of a property of every object too. */
function append(fields: Fields, name: string, value: string): void {
  const present = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (present === undefined) {
    Object.defineProperty(fields, name, { value, enumerable: true, writable: true, configurable: true });
  } else fields[name] = Array.isArray(present) ? [...present, value] : [present, value];
}
