import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { withToldOffsets } from "../../../shared/clocks/told-offsets.ts";
import { parseNodeId } from "../../../shared/ids.ts";

const [SELF, NEAR, FAR] = ["proxy-1", "proxy-2", "host-c"].map(parseNodeId) as [
  ReturnType<typeof parseNodeId>,
  ReturnType<typeof parseNodeId>,
  ReturnType<typeof parseNodeId>,
];
const own = new Map([
  [SELF, { offsetMs: 0, errorMs: 0 }],
  [NEAR, { offsetMs: 10, errorMs: 2 }],
]);

describe("a node that only others hear", () => {
  it("is as far off as they say, seen from them", () => {
    const told = new Map([[NEAR, [{ node: FAR, offsetMs: -30, errorMs: 1 }]]]);
    expect(withToldOffsets(own, told).get(FAR)).toEqual({ offsetMs: -20, errorMs: 8 });
  });

  it("is taken by the surest way", () => {
    const third = parseNodeId("proxy-3");
    const wide = new Map([...own, [third, { offsetMs: 0, errorMs: 50 }]]);
    const told = new Map([
      [third, [{ node: FAR, offsetMs: 5, errorMs: 1 }]],
      [NEAR, [{ node: FAR, offsetMs: -30, errorMs: 1 }]],
    ]);
    expect(withToldOffsets(wide, told).get(FAR)?.offsetMs).toBe(-20);
  });

  it("is not known from one that this node does not hear, nor does anybody's word replace what it sees itself", () => {
    const stranger = new Map([[parseNodeId("proxy-9"), [{ node: FAR, offsetMs: 1, errorMs: 1 }]]]);
    expect(withToldOffsets(own, stranger)).toEqual(own);
    const seen = new Map([[NEAR, [{ node: SELF, offsetMs: 500, errorMs: 0 }]]]);
    expect(withToldOffsets(own, seen)).toEqual(own);
  });

  it("is never further off than the error says, where everybody tells the truth within his", () => {
    const offset = fc.integer({ min: -1000, max: 1000 });
    const error = fc.integer({ min: 0, max: 50 });
    const wrong = fc.double({ min: -1, max: 1, noNaN: true });
    fc.assert(
      fc.property(offset, offset, error, error, wrong, wrong, (near, far, e1, e2, w1, w2) => {
        const heard = new Map([...own, [NEAR, { offsetMs: near + w1 * e1, errorMs: e1 }]]);
        const told = new Map([[NEAR, [{ node: FAR, offsetMs: far - near + w2 * e2, errorMs: e2 }]]]);
        const { offsetMs, errorMs } = withToldOffsets(heard, told).get(FAR)!;
        expect(Math.abs(offsetMs - far)).toBeLessThanOrEqual(errorMs);
      }),
    );
  });
});
