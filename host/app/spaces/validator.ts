/** Checks a request against its typebox schema: nothing is coerced, filled in or removed. */
import type { FastifySchemaCompiler } from "fastify";
import { Compile } from "typebox/compile";
import type { TSchema } from "typebox";
import { HotspareError } from "../../../shared/errors.ts";

/** Fastify's validator compiler. */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const validator = Compile(schema);
  return (value: unknown) => {
    if (validator.Check(value)) return { value };
    const [first] = validator.Errors(value);
    const { instancePath = "", keyword = "", message = "is not accepted" } = first ?? {};
    const reason = `${instancePath} ${keyword === "boolean" ? "is not known" : message}`.trim();
    return { error: refusal(httpPart ?? "body", reason) };
  };
};

function refusal(part: string, reason: string): HotspareError {
  return part === "body"
    ? new HotspareError("HS_BODY_INVALID", { reason })
    : new HotspareError("HS_REQUEST_INVALID", { reason: `${part} ${reason}` });
}
