/**
 * `node test/simulation/mutant-main.ts --mutation "forget a key" [--seeds 500] [--from 1]`: runs the simulation on mutated
 * code until a seed finds it, and prints which, as one line of JSON. Ends with code 1 if none does.
 */
import { parseArgs } from "node:util";
import { applyMutation } from "./mutation-hook.ts";
import type { Mutation } from "./mutation.ts";
import { MUTATIONS } from "./mutations.ts";

/** What found a mutation. */
export interface Kill {
  readonly seed: number;
  readonly invariant: string;
  readonly reason: string;
}

const { values } = parseArgs({
  options: {
    mutation: { type: "string", default: "" },
    seeds: { type: "string", default: "500" },
    from: { type: "string", default: "1" },
  },
});
const mutation = MUTATIONS.find(({ name }) => name === values.mutation);
if (!mutation)
  throw new Error(
    `there is no mutation "${values.mutation}"; there are ${MUTATIONS.map(({ name }) => name).join(", ")}`,
  );
applyMutation(mutation);
const run = await runnerOf(mutation);
const kill = await hunt(Number(values.from), Number(values.seeds));
process.stdout.write(`${JSON.stringify(kill)}\n`);
process.exit(kill === null ? 1 : 0);

async function hunt(from: number, seeds: number): Promise<Kill | null> {
  for (let seed = from; seed < from + seeds; seed += 1) {
    const failure = await run(seed);
    if (failure) return { seed, invariant: failure.invariant, reason: failure.reason };
  }
  return null;
}

/** Loaded only now, so that it is the mutated code that runs. */
async function runnerOf({
  by,
  focus,
  coreFocus,
  plot: name,
}: Mutation): Promise<(seed: number) => Promise<Omit<Kill, "seed"> | null>> {
  if (by === "cores") {
    const { simulate } = await import("./core/simulation.ts");
    return async (seed) => (await simulate({ seed, lines: 1, focus: coreFocus })).failure;
  }
  const { simulate } = await import("./simulation.ts");
  if (by === "plots") {
    const { plotNamed } = await import("./plots.ts");
    const plot = plotNamed(name ?? "");
    return async (seed) => (await simulate({ seed, lines: 1, plot })).failure;
  }
  return async (seed) => (await simulate({ seed, lines: 1, focus })).failure;
}
