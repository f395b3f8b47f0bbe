import { randomBytes } from "node:crypto";
import { constants, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { InflateError } from "../../../shared/checkpoint/inflate-error.ts";
import { loadNativeZstd } from "../../../shared/checkpoint/native-zstd.ts";
import { nodeZstd } from "../../../shared/checkpoint/node-zstd.ts";
import type { Chunks, Zstd } from "../../../shared/checkpoint/zstd.ts";

const native = loadNativeZstd();
const implementations: readonly Zstd[] = native ? [native, nodeZstd] : [nodeZstd];

async function collect(chunks: Chunks): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

function* pieces(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const mixed = Buffer.concat([Buffer.alloc(300_000, "state"), randomBytes(200_000), Buffer.alloc(100_000)]);

describe.each(implementations)("zstd by $name", (zstd) => {
  const inflate = (bytes: Buffer, maxBytes: number, size = 65_536): Promise<Buffer> =>
    collect(zstd.inflate(pieces(bytes, size), maxBytes));

  test("gives back what was put in, whatever the pieces", async () => {
    for (const size of [1000, 65_536, 10_000_000]) {
      const packed = await collect(zstd.compress(pieces(mixed, size)));
      expect(packed.length).toBeLessThan(mixed.length);
      expect((await inflate(packed, mixed.length, size)).equals(mixed)).toBe(true);
    }
  });

  test("holds nothing at all", async () => {
    expect(await inflate(await collect(zstd.compress([])), 0)).toHaveLength(0);
  });

  test.each(implementations)("reads what $name wrote", async (other) => {
    expect((await inflate(await collect(other.compress([mixed])), mixed.length)).equals(mixed)).toBe(true);
  });

  test("cut at any byte: refused", async () => {
    const packed = await collect(zstd.compress([Buffer.from("a small state, a small state, a small state")]));
    for (let length = 0; length < packed.length; length += 1) {
      await expect(inflate(packed.subarray(0, length), 1000), `cut at ${length}`).rejects.toBeInstanceOf(InflateError);
    }
  });

  test("any bit flipped: refused or the same bytes, never others", async () => {
    const original = Buffer.from("a small state, a small state, a small state");
    const packed = await collect(zstd.compress([original]));
    for (let bit = 0; bit < packed.length * 8; bit += 1) {
      const bytes = Buffer.from(packed);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      const outcome = await inflate(bytes, 1000).catch((error: unknown) => error);
      if (Buffer.isBuffer(outcome)) expect(outcome.equals(original), `bit ${bit}`).toBe(true);
      else expect(outcome, `bit ${bit}`).toBeInstanceOf(InflateError);
    }
  });

  test.each([
    ["garbage", Buffer.from("garbage")],
    ["one byte", Buffer.from([0])],
    ["a second frame", zstdCompressSync(Buffer.from("more"))],
  ])("%s behind the frame: refused", async (_, extra) => {
    const packed = await collect(zstd.compress([mixed]));
    for (const size of [1000, packed.length, 10_000_000]) {
      await expect(inflate(Buffer.concat([packed, extra]), mixed.length, size)).rejects.toBeInstanceOf(InflateError);
    }
  });

  test("a bomb: refused after the declared size, not inflated to the end", async () => {
    const bomb = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024), {
      params: { [constants.ZSTD_c_checksumFlag]: 1 },
    });
    let seen = 0;
    const inflating = async (): Promise<void> => {
      for await (const chunk of zstd.inflate([bomb], 1_000_000)) seen += chunk.length;
    };
    await expect(inflating()).rejects.toThrow("more than the declared 1000000 bytes");
    expect(seen).toBeLessThanOrEqual(1_000_000);
  });

  test("a frame that wants an enormous window: refused", async () => {
    const greedy = zstdCompressSync(randomBytes(1000), {
      params: { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_contentSizeFlag]: 0 },
    });
    const bytes = Buffer.from(greedy);
    // Window descriptor of a frame without content size: exponent 30 - 10 in the upper five bits.
    bytes[4] = 0;
    bytes[5] = 20 << 3;
    await expect(inflate(bytes, 100_000)).rejects.toBeInstanceOf(InflateError);
  });

  test("an error of the source ends it as itself", async () => {
    const failing = async function* (): AsyncGenerator<Buffer> {
      yield Buffer.from(zstdCompressSync(mixed)).subarray(0, 100);
      throw new Error("the share is gone");
    };
    await expect(collect(zstd.inflate(failing(), mixed.length))).rejects.toThrow("the share is gone");
  });
});
