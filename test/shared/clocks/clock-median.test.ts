import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  certainlyOffMs,
  clockDeviation,
  clockDispute,
  type ClockOffsets,
} from "../../../shared/clocks/clock-median.ts";
import type { NodeId } from "../../../shared/ids.ts";

const BOUND_MS = 500;
const node = (index: number): NodeId => `node-${index}` as NodeId;
const seen = (...offsets: readonly (readonly [number, number])[]): ClockOffsets =>
  new Map(offsets.map(([offsetMs, errorMs], index) => [node(index), { offsetMs, errorMs }]));

/** Who is certainly off, by index. */
function named(offsets: ClockOffsets): number[] {
  return [...offsets.keys()].flatMap((id, index) => {
    const deviation = clockDeviation(offsets, id);
    return deviation !== null && certainlyOffMs(deviation) > BOUND_MS ? [index] : [];
  });
}

const dispute = (offsets: ClockOffsets): unknown => {
  const found = clockDispute(offsets, BOUND_MS);
  return found === null ? null : [found.behind, found.ahead, found.difference.offsetMs];
};

describe("whose clock is off", () => {
  it.each<[string, readonly (readonly [number, number])[], number[], unknown]>([
    [
      "three that agree",
      [
        [0, 0],
        [10, 2],
        [-200, 2],
      ],
      [],
      null,
    ],
    [
      "one of three",
      [
        [0, 0],
        [10, 2],
        [10_000, 2],
      ],
      [2],
      null,
    ],
    [
      "this node itself",
      [
        [0, 0],
        [-9_990, 2],
        [-10_000, 2],
      ],
      [0],
      null,
    ],
    [
      "two of three, on both sides",
      [
        [0, 0],
        [-900, 2],
        [10_000, 2],
      ],
      [1, 2],
      null,
    ],
    [
      "one of four",
      [
        [0, 0],
        [3, 2],
        [-3, 2],
        [-700, 2],
      ],
      [3],
      null,
    ],
    [
      "less than the bound",
      [
        [0, 0],
        [3, 2],
        [490, 2],
      ],
      [],
      null,
    ],
    [
      "more than the bound, not certainly",
      [
        [0, 0],
        [3, 2],
        [600, 120],
      ],
      [],
      null,
    ],
    [
      "two nodes: they differ, nobody is to blame",
      [
        [0, 0],
        [10_000, 2],
      ],
      [],
      [node(0), node(1), 10_000],
    ],
    [
      "two against two",
      [
        [0, 0],
        [3, 2],
        [9_990, 2],
        [10_000, 2],
      ],
      [],
      [node(0), node(3), 10_000],
    ],
    [
      "two nodes that do not certainly differ",
      [
        [0, 0],
        [600, 120],
      ],
      [],
      null,
    ],
    ["one alone", [[0, 0]], [], null],
  ])("%s", (_, offsets, off, differ) => {
    expect(named(seen(...offsets))).toEqual(off);
    expect(dispute(seen(...offsets))).toEqual(differ);
  });

  /** True clocks of a majority that is right to 50 ms; estimates that are wrong by at most their error. */
  const clocks = fc
    .record({ right: fc.integer({ min: 2, max: 6 }), wrong: fc.integer({ min: 0, max: 5 }) })
    .filter(({ right, wrong }) => right > wrong && right + wrong >= 3)
    .chain(({ right, wrong }) => {
      const errorMs = fc.double({ min: 0, max: 100, noNaN: true });
      const share = fc.double({ min: -1, max: 1, noNaN: true });
      const near = fc.double({ min: -50, max: 50, noNaN: true });
      const far = fc
        .tuple(fc.double({ min: 1_200, max: 1e7, noNaN: true }), fc.boolean())
        .map(([ms, ahead]) => (ahead ? ms : -ms));
      const one = (offset: typeof near) => fc.record({ truthMs: offset, errorMs, share });
      return fc.tuple(
        fc.array(one(near), { minLength: right, maxLength: right }),
        fc.array(one(far), { minLength: wrong, maxLength: wrong }),
      );
    });

  it("is exactly who is further off than bound and errors allow, where most are right", () => {
    fc.assert(
      fc.property(clocks, ([right, wrong]) => {
        const all = [...right, ...wrong];
        const offsets = seen(
          ...all.map(({ truthMs, errorMs, share }) => [truthMs + share * errorMs, errorMs] as const),
        );
        expect(named(offsets)).toEqual(wrong.map((_, index) => right.length + index));
      }),
      { numRuns: 1_000 },
    );
  });

  it("is never further from the true median than is said", () => {
    fc.assert(
      fc.property(clocks, ([right, wrong]) => {
        const all = [...right, ...wrong];
        const truths = all.map(({ truthMs }) => truthMs).toSorted((one, other) => one - other);
        const offsets = seen(
          ...all.map(({ truthMs, errorMs, share }) => [truthMs + share * errorMs, errorMs] as const),
        );
        const median = truths[Math.floor((truths.length - 1) / 2)]!;
        all.forEach(({ truthMs }, index) => {
          const { offsetMs, errorMs } = clockDeviation(offsets, node(index))!;
          expect(Math.abs(truthMs - median - offsetMs)).toBeLessThanOrEqual(errorMs + 0.001);
        });
      }),
      { numRuns: 1_000 },
    );
  });

  it("is nobody of two, however they differ", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), (offsetMs) => {
        expect(named(seen([0, 0], [offsetMs, 0]))).toEqual([]);
      }),
    );
  });
});
