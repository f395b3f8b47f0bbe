/**
 * zstd as a stream, with a checksum in every frame: without one a flipped byte can come out as other data in silence.
 * zstd-napi does it where it could be installed, node:zlib's zstd elsewhere; the bytes are the same format.
 *
 * Inflating is bounded: more than the declared size, more than one frame or anything behind it, an end too early, and a
 * window larger than ours are refused. CPU is spent on the calling thread: call it from a worker.
 */
import { nodeZstd } from "./node-zstd.ts";
import { loadNativeZstd } from "./native-zstd.ts";
import type { Zstd } from "./zstd.ts";

export const zstd: Zstd = loadNativeZstd() ?? nodeZstd;
