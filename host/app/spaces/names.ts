/** What may name a space and a document, and how much of anything is accepted. */
import { Type } from "typebox";
import { HotspareError } from "../../../shared/errors.ts";

export const MAX_ID_BYTES = 512;
export const MAX_DOCUMENT_BYTES = 1024 * 1024;
export const MAX_SETTINGS_BYTES = 64 * 1024;
export const MAX_TITLE_LENGTH = 1000;
export const MAX_OPERATIONS = 1000;

const SPACE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

export const SpaceName = Type.String({ pattern: SPACE.source, description: "letters, digits, dot, dash, underscore" });
export const DocumentId = Type.String({
  minLength: 1,
  description: `any text of 1 to ${MAX_ID_BYTES} bytes, percent-encoded`,
});
export const SpaceParams = Type.Object({ space: SpaceName });
export const DocumentParams = Type.Object({ space: SpaceName, id: DocumentId });

/** Clients fold dot segments of a path away, so such an id could not be asked for. @throws {HotspareError} HS_ID_INVALID */
export function checkDocumentId(id: string): string {
  const reachable = id.isWellFormed() && !id.includes("\0") && id !== "." && id !== "..";
  if (reachable && id !== "" && Buffer.byteLength(id) <= MAX_ID_BYTES) return id;
  throw invalid(
    "document id",
    id.slice(0, 100),
    `1 to ${MAX_ID_BYTES} bytes of well-formed text without NUL, not . or ..`,
  );
}

/** @throws {HotspareError} HS_WRITE_TOO_LARGE */
export function checkDocumentText(text: string): string {
  return checkSize(text, MAX_DOCUMENT_BYTES);
}

/** @throws {HotspareError} HS_WRITE_TOO_LARGE */
export function checkSettingsText(text: string): string {
  return checkSize(text, MAX_SETTINGS_BYTES);
}

function checkSize(text: string, accepted: number): string {
  const found = Buffer.byteLength(text);
  if (found > accepted) throw new HotspareError("HS_WRITE_TOO_LARGE", { found, accepted });
  return text;
}

const invalid = (what: string, found: string, accepted: string): HotspareError =>
  new HotspareError("HS_ID_INVALID", { what, found: JSON.stringify(found), accepted });
