/**
 * Reads a checkpoint's image out of the vault, in pieces, and finds out whether it is what its manifest says: sizes and
 * SHA-256 of the compressed file and of the image, no byte more or less. Never inflates beyond the declared size.
 *
 * What `write` was given counts only if the result is `intact`.
 */
import { createHash } from "node:crypto";
import { HotspareError } from "../errors.ts";
import type { PoolId, Sha256 } from "../ids.ts";
import { slot } from "../position.ts";
import { checkpointImageName, type VaultName } from "../vault/layout.ts";
import type { Vault } from "../vault/vault.ts";
import { zstd as systemZstd } from "./compression.ts";
import { InflateError } from "./inflate-error.ts";
import type { Manifest } from "./manifest.ts";
import type { Zstd } from "./zstd.ts";

const CHUNK_BYTES = 4 * 1024 * 1024;

/** The part of a manifest that an image is judged by. */
export type ImageFacts = Pick<Manifest, "imageBytes" | "imageSha256" | "fileBytes" | "fileSha256" | "stateHash"> & {
  readonly head: Pick<Manifest["head"], "slot">;
};

export interface ReadImageOptions {
  readonly vault: Vault;
  readonly pool: PoolId;
  readonly facts: ImageFacts;
  /** Takes the image's bytes in order. What it throws ends the reading. */
  readonly write: (chunk: Buffer) => void | Promise<void>;
  readonly signal?: AbortSignal | undefined;
  /** Default: the best that this machine has. */
  readonly zstd?: Zstd | undefined;
}

/** `absent`: deleted, perhaps while it was read. */
export type ReadImage =
  | { readonly type: "intact" }
  | { readonly type: "absent" }
  | { readonly type: "damaged"; readonly error: HotspareError };

/** @throws {HotspareError} HS_VAULT_IO; what `write` throws; the signal's reason. */
export async function readImage(options: ReadImageOptions): Promise<ReadImage> {
  const { facts, zstd = systemZstd } = options;
  const name = checkpointImageName(options.pool, slot(facts.head.slot), facts.stateHash as Sha256);
  const file = { bytes: 0, hash: createHash("sha256") };
  const image = { bytes: 0, hash: createHash("sha256") };
  try {
    for await (const chunk of zstd.inflate(compressed(name, options, file), facts.imageBytes)) {
      image.bytes += chunk.length;
      image.hash.update(chunk);
      await options.write(chunk);
    }
  } catch (error) {
    if (error instanceof ImageAbsent) return { type: "absent" };
    if (error instanceof InflateError) return damaged(name, error.message, error);
    throw error;
  }
  return judge(name, facts, {
    fileBytes: file.bytes,
    fileSha256: file.hash.digest("hex"),
    imageBytes: image.bytes,
    imageSha256: image.hash.digest("hex"),
  });
}

interface Tally {
  bytes: number;
  readonly hash: ReturnType<typeof createHash>;
}

async function* compressed(name: VaultName, options: ReadImageOptions, tally: Tally): AsyncGenerator<Buffer> {
  const { vault, facts, signal } = options;
  for (;;) {
    signal?.throwIfAborted();
    // One byte more than is declared, so that a longer file shows.
    const maxBytes = Math.min(CHUNK_BYTES, facts.fileBytes + 1 - tally.bytes);
    const chunk = await vault.get(name, { offset: tally.bytes, maxBytes });
    if (!chunk) throw new ImageAbsent();
    tally.bytes += chunk.length;
    if (tally.bytes > facts.fileBytes) throw new InflateError(`the file has more than ${facts.fileBytes} bytes`);
    tally.hash.update(chunk);
    if (chunk.length > 0) yield chunk;
    if (chunk.length < maxBytes) return;
  }
}

type Found = Pick<Manifest, "imageBytes" | "imageSha256" | "fileBytes" | "fileSha256">;

function judge(name: VaultName, facts: ImageFacts, found: Found): ReadImage {
  for (const field of ["fileBytes", "fileSha256", "imageBytes", "imageSha256"] as const) {
    if (found[field] !== facts[field]) {
      return damaged(name, `${field} is ${found[field]}, the manifest says ${facts[field]}`);
    }
  }
  return { type: "intact" };
}

const damaged = (name: VaultName, reason: string, cause?: unknown): ReadImage => ({
  type: "damaged",
  error: new HotspareError("HS_CHECKPOINT_INVALID", { name, reason }, { cause }),
});

class ImageAbsent extends Error {}
