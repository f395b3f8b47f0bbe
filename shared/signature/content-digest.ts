/**
 * `Content-Digest` (RFC 9530) with SHA-256. One exact form: the field must equal what we make of the raw bytes, before
 * anything parses them. The field is covered by the signature, so that the whole body is.
 */
import { createHash } from "node:crypto";

/** The field's value for `body`, which may be empty. */
export function contentDigest(body: Uint8Array): string {
  return `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
}
