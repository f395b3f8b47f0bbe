/**
 * One revision: a numbered file of the vault, created once and never changed. It says what was decided, by whom, when and
 * why, and what holds since; together they are the audit of all operations.
 */
import { Type, type Static } from "typebox";
import { Compile } from "typebox/compile";
import { HotspareError } from "../errors.ts";
import { readVersionedJson } from "../versioned-json.ts";
import { Change, Decisions } from "./decisions.ts";

const REVISION_FORMAT = 1;
const MAX_BYTES = 1024 * 1024;

const Text = Type.String({ maxLength: 256 });

export const Revision = Type.Object({
  /** 128 random bits: *own* means this id. */
  id: Type.String({ pattern: "^[0-9a-f]{32}$" }),
  by: Text,
  /** The node that wrote it. */
  writtenBy: Type.String({ minLength: 1, maxLength: 63 }),
  /** Wall clock of the writer, for people. */
  atMs: Type.Number({ minimum: 0 }),
  reason: Text,
  change: Change,
  /** What holds since; its `revision` is the number of this one. */
  decisions: Decisions,
});

export type Revision = Static<typeof Revision>;

const schema = Compile(Type.Object({ format: Type.Integer(), ...Revision.properties }));

/** @throws {HotspareError} HS_DECISION_REFUSED rather than write what nobody could read: a text that is too long. */
export function encodeRevision(revision: Revision): Buffer {
  const value = { format: REVISION_FORMAT, ...revision };
  if (!schema.Check(value)) throw new HotspareError("HS_DECISION_REFUSED", { reason: "a text or list is too long" });
  const bytes = Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
  if (bytes.length > MAX_BYTES)
    throw new HotspareError("HS_DECISION_REFUSED", { reason: "the decisions grow too large" });
  return bytes;
}

/** `maxBytes` of a get that is enough for any revision. */
export const REVISION_BYTES = MAX_BYTES + 1;

/** @throws {HotspareError} HS_VAULT_FORMAT if it is newer than this program or damaged: then nothing is known. */
export function decodeRevision(name: string, bytes: Buffer): Revision {
  const bounds = { maxBytes: MAX_BYTES, newest: REVISION_FORMAT };
  const read = readVersionedJson<Revision & { readonly format: number }>(bytes, schema, bounds);
  if (read.type === "value") {
    const { format: _, ...revision } = read.value;
    return revision;
  }
  const found = read.type === "newer" ? read.version : `something unreadable (${read.reason})`;
  throw new HotspareError("HS_VAULT_FORMAT", { name, found, accepted: REVISION_FORMAT });
}
