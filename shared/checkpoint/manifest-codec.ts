/**
 * Manifests as bytes. Read from a shared folder, so nothing in one is believed before its size, its format version, its
 * schema and its name have been checked.
 */
import { Compile } from "typebox/compile";
import { parseNodeId, type BootId, type OriginId, type RecordId, type Sha256 } from "../ids.ts";
import { isHotspareError, reasonOf } from "../errors.ts";
import type { Head } from "../journal/head.ts";
import { FIRST_WRITE_VERSION, RECORD_FORMATS } from "../journal/record-formats.ts";
import { epoch, lsn, slot } from "../position.ts";
import { readVersionedJson } from "../versioned-json.ts";
import type { parseManifestName } from "../vault/layout.ts";
import { CHECKPOINT_FORMAT, Manifest } from "./manifest.ts";

/** No manifest is larger; what is, is not read. */
export const MAX_MANIFEST_BYTES = 1024 * 1024;

/** Slot and state hash that a manifest's name carries: the contents must say the same. */
export type CheckpointId = NonNullable<ReturnType<typeof parseManifestName>>;

/** What some bytes turned out to be. `newer`: of a format that this program does not read. */
export type DecodedManifest =
  | { readonly type: "manifest"; readonly manifest: Manifest; readonly head: Head }
  | { readonly type: "newer"; readonly version: number }
  | { readonly type: "invalid"; readonly reason: string };

const schema = Compile(Manifest);

/** @throws RangeError if it is larger than any reader would believe. */
export function encodeManifest(manifest: Manifest): Buffer {
  const bytes = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
  if (bytes.length > MAX_MANIFEST_BYTES) throw new RangeError(`a manifest of ${bytes.length} bytes`);
  return bytes;
}

/** Reads the manifest found under the name of `id`. */
export function decodeManifest(bytes: Buffer, id: CheckpointId): DecodedManifest {
  const read = readVersionedJson(bytes, schema, { maxBytes: MAX_MANIFEST_BYTES, newest: CHECKPOINT_FORMAT });
  if (read.type !== "value") return read;
  const { value } = read;
  const { head, stateHash } = value;
  if (head.slot !== id.slot || stateHash !== id.stateHash) {
    return invalid(`it is of slot ${head.slot} with state ${stateHash}, which its name is not`);
  }
  if (head.slot < 1) return invalid("it is of slot 0");
  const { writeVersion = FIRST_WRITE_VERSION } = head;
  if (writeVersion > RECORD_FORMATS.max) return { type: "newer", version: writeVersion };
  return withHead(value);
}

function withHead(manifest: Manifest): DecodedManifest {
  try {
    return { type: "manifest", manifest, head: headOf(manifest) };
  } catch (error) {
    if (isHotspareError(error)) return invalid(reasonOf(error));
    throw error;
  }
}

function headOf({ head }: Manifest): Head {
  const { fence } = head;
  return {
    origin: head.origin as OriginId,
    slot: slot(head.slot),
    hash: head.hash as Sha256,
    lsn: lsn(head.lsn),
    logTimeMs: head.logTimeMs,
    writeVersion: head.writeVersion ?? FIRST_WRITE_VERSION,
    fence: {
      slot: slot(fence.slot),
      id: fence.id as RecordId,
      hash: fence.hash as Sha256,
      epoch: epoch(fence.epoch),
      owner: parseNodeId(fence.owner),
      bootId: fence.bootId as BootId,
    },
  };
}

const invalid = (reason: string): DecodedManifest => ({ type: "invalid", reason });
