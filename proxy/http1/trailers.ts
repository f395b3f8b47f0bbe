/** The fields after a body that may pass on: not those that say how a message is framed, routed, or to be trusted (RFC 9110, 6.5.1). */
import { FieldLines, KnownNames } from "./field-lines.ts";
import { HttpRefusal } from "./http-refusal.ts";

const FORBIDDEN =
  /^(?:host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|content-.*|proxy-.*|via|forwarded|x-forwarded-.*|hotspare-.*|authorization|cookie|set-cookie|www-authenticate|cache-control|expect|max-forwards|range|if-.*|idempotency-key|date|expires|location|retry-after|vary|age|pragma)$/;

/** They would frame the message that has just ended: some reader may believe them. */
const FRAMING = new KnownNames(["content-length", "transfer-encoding"]);

/** `lines` as they came. @throws {HttpRefusal} 400 if they are no field lines, or frame the message. */
export function passingTrailers(lines: string): string {
  if (lines === "") return "";
  const fields = new FieldLines(lines, 0);
  let passing = "";
  while (fields.advance()) {
    if (fields.known(FRAMING) !== null) throw new HttpRefusal(400, "a field behind the body that would frame it");
    if (!FORBIDDEN.test(fields.name)) passing += lines.slice(fields.lineStart, fields.next);
  }
  return passing;
}
