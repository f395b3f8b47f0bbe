/** What both implementations of zstd offer, and what both are set to. */

export type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

export interface Zstd {
  readonly name: "zstd-napi" | "node:zlib";
  /** One frame that holds all of `source`. */
  compress(source: Chunks): AsyncGenerator<Buffer>;
  /** What one frame holds. @throws {InflateError} as soon as it is known that this is not it. */
  inflate(source: Chunks, maxBytes: number): AsyncGenerator<Buffer>;
}

/** Cheap: an image is compressed while the primary serves. */
export const LEVEL = 1;
/** Largest window that is accepted, as a power of two: what a hostile frame could make us allocate. 8 MiB; level 1 uses 512 KiB. */
export const MAX_WINDOW_LOG = 23;
/** Bytes that come out at a time: what is checked against the bound before anything more is inflated. */
export const OUTPUT_BYTES = 128 * 1024;
