import { describe, expect, it } from "vitest";
import { FrameBoundary, RESTART_FRAME } from "../../../proxy/relay/frame-boundary.ts";

/** A frame of a server's, or masked as a client's. */
function frame(length: number, { opcode = 1, masked = false } = {}): Buffer {
  const bit = masked ? 0x80 : 0;
  const head =
    length < 126 ? [bit | length] : length < 65_536 ? [bit | 126, length >> 8, length & 255] : longHead(bit, length);
  return Buffer.concat([
    Buffer.from([0x80 | opcode, ...head]),
    Buffer.alloc(masked ? 4 : 0),
    Buffer.alloc(length, 0x81),
  ]);
}

const longHead = (bit: number, length: number): number[] => [
  bit | 127,
  0,
  0,
  0,
  0,
  ...[24, 16, 8, 0].map((shift) => (length >>> shift) & 255),
];

describe("the boundary between frames", () => {
  it.each([0, 1, 125, 126, 65_535, 65_536, 100_000])(
    "behind one of %i octets is at its end and nowhere else",
    (length) => {
      for (const masked of [false, true]) {
        const bytes = frame(length, { masked });
        const boundary = new FrameBoundary();
        const places: number[] = [];
        for (let at = 0; at < bytes.length; at++) {
          boundary.pass(bytes.subarray(at, at + 1));
          if (boundary.isHere) places.push(at + 1);
        }
        expect(places).toEqual([bytes.length]);
      }
    },
  );

  it("is the same for octets that come in any pieces", () => {
    const bytes = Buffer.concat([frame(3), frame(200), frame(0), frame(70_000, { masked: true }), frame(5)]);
    for (const size of [1, 2, 7, 1000, bytes.length]) {
      const boundary = new FrameBoundary();
      for (let at = 0; at < bytes.length; at += size) boundary.pass(bytes.subarray(at, at + size));
      expect([boundary.isHere, boundary.isClosed]).toEqual([true, false]);
    }
  });

  it("is the last one behind a close frame", () => {
    const boundary = new FrameBoundary();
    boundary.pass(RESTART_FRAME);
    expect([boundary.isHere, boundary.isClosed]).toEqual([true, true]);
  });
});
