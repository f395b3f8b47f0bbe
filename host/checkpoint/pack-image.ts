/** Compresses an image into a file of its own, piece by piece, and takes size and SHA-256 of both on the way. */
import { createHash } from "node:crypto";
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { zstd as systemZstd } from "../../shared/checkpoint/compression.ts";
import type { ImageFacts } from "../../shared/checkpoint/read-image.ts";

export type PackedFacts = Pick<ImageFacts, "imageBytes" | "imageSha256" | "fileBytes" | "fileSha256">;

const CHUNK_BYTES = 1024 * 1024;

/** Synchronous file access and CPU: for a worker. `beat` is called after each piece; what it throws ends it. */
export async function packImage(
  image: string,
  packed: string,
  beat: (bytes: number) => void,
  zstd = systemZstd,
): Promise<PackedFacts> {
  const inside = { bytes: 0, hash: createHash("sha256") };
  const outside = { bytes: 0, hash: createHash("sha256") };
  const fd = openSync(packed, "wx");
  try {
    for await (const chunk of zstd.compress(pieces(image, inside, beat))) {
      for (let at = 0; at < chunk.length;) at += writeSync(fd, chunk, at);
      outside.bytes += chunk.length;
      outside.hash.update(chunk);
    }
  } finally {
    closeSync(fd);
  }
  return {
    imageBytes: inside.bytes,
    imageSha256: inside.hash.digest("hex"),
    fileBytes: outside.bytes,
    fileSha256: outside.hash.digest("hex"),
  };
}

interface Tally {
  bytes: number;
  readonly hash: ReturnType<typeof createHash>;
}

function* pieces(file: string, tally: Tally, beat: (bytes: number) => void): Generator<Buffer> {
  const fd = openSync(file, "r");
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const length = readSync(fd, chunk);
      if (length === 0) return;
      const piece = chunk.subarray(0, length);
      tally.bytes += length;
      tally.hash.update(piece);
      yield piece;
      beat(tally.bytes);
    }
  } finally {
    closeSync(fd);
  }
}
