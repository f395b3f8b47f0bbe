/** zstd without threads, so that a run is the same each time: the same frames as in production, made in one go. */
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { reasonOf } from "../../shared/errors.ts";
import { InflateError, truncated } from "../../shared/checkpoint/inflate-error.ts";
import type { Chunks, Zstd } from "../../shared/checkpoint/zstd.ts";

export const syncZstd: Zstd = { name: "node:zlib", compress, inflate };

async function* compress(source: Chunks): AsyncGenerator<Buffer> {
  yield zstdCompressSync(await all(source), { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
}

async function* inflate(source: Chunks, maxBytes: number): AsyncGenerator<Buffer> {
  const packed = await all(source);
  if (packed.length === 0) throw truncated();
  try {
    yield zstdDecompressSync(packed, { maxOutputLength: maxBytes });
  } catch (error) {
    throw new InflateError(reasonOf(error), { cause: error });
  }
}

async function all(source: Chunks): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}
