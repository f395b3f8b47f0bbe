/** Wrong variants of the protocol that look right: each is found within some hundred seeds, or the simulation is blind. */
import { expect, test } from "vitest";
import { MUTANTS, type Mutant } from "./mutant.ts";
import { simulate } from "./simulation.ts";

const MOST_SEEDS = 500;
/** What a mutant may break: safety, not only liveness. */
const SAFETY = ["I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9"];

test.each(MUTANTS)("killed: %s", { timeout: 120_000 }, async (mutant) => {
  expect(await seedThatKills(mutant)).toBeLessThanOrEqual(MOST_SEEDS);
});

async function seedThatKills(mutant: Mutant): Promise<number> {
  for (let seed = 1; seed <= MOST_SEEDS; seed += 1) {
    const { failure } = await simulate({ seed, mutant });
    if (failure && SAFETY.includes(failure.invariant)) return seed;
  }
  return Infinity;
}
