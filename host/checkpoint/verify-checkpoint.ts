/**
 * Whether a published checkpoint may be built on: its manifest and file are read again from the vault, and it lies on the
 * chain that ends at the own head. Reads the whole file, in small pieces, so that commits find their gaps.
 */
import { createHash } from "node:crypto";
import type { CheckpointId } from "../../shared/checkpoint/manifest-codec.ts";
import type { Manifest } from "../../shared/checkpoint/manifest.ts";
import { readManifest } from "../../shared/checkpoint/read-manifest.ts";
import type { PoolId } from "../../shared/ids.ts";
import type { Head } from "../../shared/journal/head.ts";
import { decodeRecord, MAX_RECORD_BYTES } from "../../shared/journal/record-codec.ts";
import { checkpointImageName, recordName } from "../../shared/vault/layout.ts";
import type { Vault } from "../../shared/vault/vault.ts";
import type { FenceChain } from "../fence-chain.ts";

export interface VerifyCheckpointOptions {
  readonly vault: Vault;
  readonly pool: PoolId;
  readonly id: CheckpointId;
  /** Where this host is; its chain must have been walked. */
  readonly head: Head;
  readonly chain: FenceChain;
  readonly signal?: AbortSignal | undefined;
}

export type Verified =
  | { readonly type: "verified"; readonly manifest: Manifest }
  | { readonly type: "refuted"; readonly reason: string };

const PIECE_BYTES = 256 * 1024;

/** @throws {HotspareError} HS_VAULT_IO; the signal's reason. */
export async function verifyCheckpoint(options: VerifyCheckpointOptions): Promise<Verified> {
  const read = await readManifest(options.vault, options.pool, options.id);
  if (read.type === "absent") return refuted("its manifest is missing");
  if (read.type === "damaged") return refuted(read.error.message);
  const reason =
    judgePlace(options, read.head) ??
    (await judgeRecord(options, read.head)) ??
    (await judgeFile(options, read.manifest));
  return reason === null ? { type: "verified", manifest: read.manifest } : refuted(reason);
}

function judgePlace({ head: own, chain }: VerifyCheckpointOptions, head: Head): string | null {
  if (head.origin !== own.origin) return `it is of origin ${head.origin}`;
  if (head.slot > own.slot) return `it is beyond the own slot ${own.slot}`;
  return chain.has(head.fence) ? null : "the fence it names is not on the chain";
}

/** The record at a checkpoint's slot is kept as long as the checkpoint is; it must be the one that the image ends with. */
async function judgeRecord({ vault, pool }: VerifyCheckpointOptions, head: Head): Promise<string | null> {
  const bytes = await vault.get(recordName(pool, head.slot), { offset: 0, maxBytes: MAX_RECORD_BYTES + 1 });
  if (!bytes) return null;
  const decoded = decodeRecord(bytes);
  return decoded.type === "record" && decoded.sealed.hash === head.hash ? null : "the record at its slot is another";
}

async function judgeFile(
  { vault, pool, id, signal }: VerifyCheckpointOptions,
  { fileBytes, fileSha256 }: Manifest,
): Promise<string | null> {
  const name = checkpointImageName(pool, id.slot, id.stateHash);
  const hash = createHash("sha256");
  for (let offset = 0; ;) {
    signal?.throwIfAborted();
    const maxBytes = Math.min(PIECE_BYTES, fileBytes + 1 - offset);
    const piece = await vault.get(name, { offset, maxBytes });
    if (!piece) return "its image is missing";
    offset += piece.length;
    hash.update(piece);
    if (offset > fileBytes) return "its image is larger than its manifest says";
    if (piece.length < maxBytes) break;
  }
  return hash.digest("hex") === fileSha256 ? null : "its image is not what its manifest says";
}

const refuted = (reason: string): Verified => ({ type: "refuted", reason });
