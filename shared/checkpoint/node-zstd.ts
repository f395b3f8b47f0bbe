/** zstd by node:zlib: for machines on which the native package could not be built. */
import type { Transform } from "node:stream";
import { constants, createZstdCompress, createZstdDecompress } from "node:zlib";
import { reasonOf } from "../errors.ts";
import { InflateError, tooLarge, trailing, truncated } from "./inflate-error.ts";
import { LEVEL, MAX_WINDOW_LOG, OUTPUT_BYTES, type Chunks, type Zstd } from "./zstd.ts";

export const nodeZstd: Zstd = { name: "node:zlib", compress, inflate };

async function* compress(source: Chunks): AsyncGenerator<Buffer> {
  const deflater = createZstdCompress({
    chunkSize: OUTPUT_BYTES,
    params: {
      [constants.ZSTD_c_compressionLevel]: LEVEL,
      [constants.ZSTD_c_checksumFlag]: 1,
    },
  });
  yield* through(source, deflater);
}

async function* inflate(source: Chunks, maxBytes: number): AsyncGenerator<Buffer> {
  const inflater = createZstdDecompress({
    chunkSize: OUTPUT_BYTES,
    params: { [constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG },
  });
  const fed = { bytes: 0 };
  let total = 0;
  try {
    for await (const chunk of through(counted(source, fed), inflater)) {
      total += chunk.length;
      if (total > maxBytes) throw tooLarge(maxBytes);
      yield chunk;
    }
  } catch (error) {
    throw isZlibError(error) ? new InflateError(reasonOf(error), { cause: error }) : error;
  }
  if (fed.bytes === 0) throw truncated();
  // zlib stops at the end of the frame and drops what is behind it; what it consumed tells.
  if (inflater.bytesWritten !== fed.bytes) throw trailing();
}

/** What `transform` makes of `source`; an error of either ends it. Holds no more than the stream's own buffers. */
async function* through(source: Chunks, transform: Transform): AsyncGenerator<Buffer> {
  const feeding = feed(source, transform);
  // Whatever ends the feeding destroys the stream, so the loop below meets it; this keeps it from counting as unhandled.
  feeding.catch(() => undefined);
  yield* transform as AsyncIterable<Buffer>;
  await feeding;
}

/**
 * The end is told only when the last chunk has gone through: told before, zlib ends the frame twice, which leaves an
 * empty second frame behind the first.
 */
async function feed(source: Chunks, transform: Transform): Promise<void> {
  try {
    for await (const chunk of source) await write(transform, chunk);
    transform.end();
  } catch (error) {
    transform.destroy(error instanceof Error ? error : new Error(reasonOf(error)));
    throw error;
  }
}

function write(transform: Transform, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    transform.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

async function* counted(source: Chunks, tally: { bytes: number }): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    tally.bytes += chunk.length;
    yield chunk;
  }
}

const isZlibError = (error: unknown): boolean =>
  error instanceof Error && "code" in error && /^(?:ZSTD|Z)_/.test(String(error.code));
