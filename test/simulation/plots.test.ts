/**
 * Single faults in clusters that are well otherwise: takeovers that nobody needs do not happen, those that are needed do,
 * in time. `npm run simulate -- --plots` plays many; `SEED=n npm run simulate -- --plots` one of them again.
 */
import { expect, test } from "vitest";
import { PLOTS, plotOf } from "./plots.ts";
import { simulate } from "./simulation.ts";

const TIMEOUT_MS = 120_000;
/** A multiple of how many there are, so that a seed is the one of its plot. */
const FIRST = PLOTS.length * (1_000 + Math.floor(Math.random() * 1_000_000));

/** What they found, in the versions before the fix. */
const FOUND: readonly (readonly [number, string, string])[] = [
  [
    1,
    "the primary dies, and a proxy that hears nothing is still against it when another loses sight of the next one",
    "two proxies that had missed a standby deposed it when they heard that it was primary, though all reached it",
  ],
];

test.each(PLOTS.map(({ name }, index) => [FIRST + index, name] as const))(
  "seed %i: %s",
  { timeout: TIMEOUT_MS },
  async (seed) => {
    const { failure } = await simulate({ seed, plot: plotOf(seed) });
    expect(failure?.text ?? "").toBe("");
  },
);

test.each(FOUND)("seed %i of %s: %s", { timeout: TIMEOUT_MS }, async (seed, name) => {
  const plot = PLOTS.find((one) => one.name === name);
  const { failure } = await simulate({ seed, plot });
  expect(plot).toBeDefined();
  expect(failure?.text ?? "").toBe("");
});
