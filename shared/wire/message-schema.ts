/**
 * Checks a value from the wire against a schema that was compiled once. Unknown fields pass and are ignored; a known one
 * that is missing or ill-typed is HS_MESSAGE_INVALID with the field's path, what was found and what is accepted.
 */
import type { Static, TSchema } from "typebox";
import { Compile, type Validator } from "typebox/compile";
import { HotspareError } from "../errors.ts";

/** What was found is quoted up to this many characters. */
const QUOTE_LENGTH = 80;

export class MessageSchema<Schema extends TSchema> {
  readonly #validator: Validator;

  constructor(schema: Schema) {
    this.#validator = Compile(schema);
  }

  /** `value` as what the schema says. `at` is the path that comes before the names of its fields. */
  check(value: unknown, at: string): Static<Schema> {
    if (this.#validator.Check(value)) return value as Static<Schema>;
    throw this.#explain(value, at);
  }

  #explain(value: unknown, at: string): HotspareError {
    const errors = this.#validator.Errors(value);
    const first = errors[0];
    if (first === undefined) return invalid(at, quote(value), "what the schema says");
    if (first.keyword === "required") {
      const [missing = "?"] = first.params.requiredProperties;
      return invalid(`${at}${first.instancePath}/${missing}`, "nothing", "a value");
    }
    const sameField = errors.filter(
      ({ instancePath, keyword }) => instancePath === first.instancePath && keyword !== "anyOf",
    );
    const accepted = (sameField.length === 0 ? [first] : sameField).map(({ message }) => message).join(" or ");
    return invalid(`${at}${first.instancePath}`, quote(valueAt(value, first.instancePath)), accepted);
  }
}

function valueAt(value: unknown, path: string): unknown {
  return path
    .split("/")
    .slice(1)
    .reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], value);
}

function quote(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > QUOTE_LENGTH ? `${text.slice(0, QUOTE_LENGTH)}…` : text;
}

const invalid = (field: string, found: string, accepted: string): HotspareError =>
  new HotspareError("HS_MESSAGE_INVALID", { field, found, accepted });
