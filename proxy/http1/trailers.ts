/** The fields after a body that may pass on: not those that say how a message is framed, routed, or to be trusted (RFC 9110, 6.5.1). */
import { FieldLines } from "./field-lines.ts";

const FORBIDDEN =
  /^(?:host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|content-.*|proxy-.*|via|forwarded|x-forwarded-.*|hotspare-.*|authorization|cookie|set-cookie|www-authenticate|cache-control|expect|max-forwards|range|if-.*|idempotency-key|date|expires|location|retry-after|vary|age|pragma)$/;

/** `lines` as they came. @throws {HttpRefusal} if they are no field lines. */
export function passingTrailers(lines: string): string {
  if (lines === "") return "";
  const fields = new FieldLines(lines, 0);
  let passing = "";
  while (fields.advance()) {
    if (!FORBIDDEN.test(fields.name)) passing += lines.slice(fields.lineStart, fields.next);
  }
  return passing;
}
