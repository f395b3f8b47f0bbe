/** The checker itself, on a puzzle whose answer is known: two jugs of 3 and 5 litres, and 4 litres are wanted. */
import { describe, expect, it } from "vitest";
import { explore, StateBoundError, type Model, type Step } from "./checker.ts";

interface Jugs {
  readonly small: number;
  readonly large: number;
}

const pour = (from: number, into: number, size: number): number => Math.min(from, size - into);

function next({ small, large }: Jugs): readonly Step<Jugs>[] {
  const over = pour(small, large, 5);
  const back = pour(large, small, 3);
  return [
    { label: "fill the small one", state: { small: 3, large } },
    { label: "fill the large one", state: { small, large: 5 } },
    { label: "empty the small one", state: { small: 0, large } },
    { label: "empty the large one", state: { small, large: 0 } },
    { label: "pour into the large one", state: { small: small - over, large: large + over } },
    { label: "pour into the small one", state: { small: small + back, large: large - back } },
  ];
}

const jugs = (wanted: number): Model<Jugs, "measured"> => ({
  initial: { small: 0, large: 0 },
  next,
  encode: ({ small, large }) => `${small} ${large}`,
  judge: ({ large }) => (large === wanted ? "measured" : null),
  situations: new Map([
    ["both full", ({ state }: Step<Jugs>) => state.small === 3 && state.large === 5],
    ["overflow", ({ state }: Step<Jugs>) => state.large > 5],
  ]),
});

describe("the checker", () => {
  it("finds a shortest trace", () => {
    expect(explore(jugs(4), 100)).toMatchObject({
      violation: "measured",
      depth: 6,
      trace: [
        "fill the large one",
        "pour into the small one",
        "empty the small one",
        "pour into the small one",
        "fill the large one",
        "pour into the small one",
      ],
    });
  });

  it("goes through every state if nothing is violated, and says what it never met", () => {
    expect(explore(jugs(6), 100)).toEqual({ states: 16, depth: 7, violation: null, trace: [], missed: ["overflow"] });
  });

  it("fails where there are more states than the bound, and leaves nothing out", () => {
    expect(() => explore(jugs(6), 15)).toThrow(StateBoundError);
    expect(explore(jugs(6), 16).states).toBe(16);
  });

  it("judges the beginning, too", () => {
    expect(explore(jugs(0), 1)).toMatchObject({ violation: "measured", depth: 0, trace: [] });
  });
});
