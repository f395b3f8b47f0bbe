import { describe, expect, it } from "vitest";
import { dampedMs, rememberTakeover } from "../../../proxy/core/damping.ts";
import { SETTINGS } from "./world.ts";

const takeovers = (count: number, atMs = 0): readonly number[] =>
  Array.from({ length: count }).reduce<readonly number[]>((known) => rememberTakeover(known, atMs), []);

describe("after several takeovers in a minute a soft reason", () => {
  it.each([
    [0, 0],
    [2, 0],
    [3, 1500],
    [4, 3000],
    [5, 6000],
    [6, 10_000],
    [100, 10_000],
  ])("must have lasted, after %i of them, %i ms", (count, lastsMs) =>
    expect(dampedMs(takeovers(count), 1000, SETTINGS)).toBe(lastsMs),
  );

  it("counts again at once when they are long ago", () => {
    expect(dampedMs(takeovers(10), 60_001, SETTINGS)).toBe(0);
  });

  it("remembers only the last ones", () => expect(takeovers(1000).length).toBeLessThan(100));
});
