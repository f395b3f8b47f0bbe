/** One process of a run of many seeds: every so-manieth seed from one on, a line of JSON for each. */
import { parseArgs } from "node:util";
import { simulate as simulateCores } from "./core/simulation.ts";
import { plotOf } from "./plots.ts";
import type { RunResult } from "./run-result.ts";
import { simulate } from "./simulation.ts";

/** A result as it crosses over. */
export type SeedLine = Omit<RunResult, "seen"> & { readonly seen: readonly (readonly [string, number])[] };

const { values } = parseArgs({
  options: {
    from: { type: "string", default: "1" },
    step: { type: "string", default: "1" },
    seeds: { type: "string", default: "" },
    minutes: { type: "string", default: "" },
    cores: { type: "boolean", default: false },
    plots: { type: "boolean", default: false },
  },
});
const [from, step] = [Number(values.from), Number(values.step)];
const last = values.seeds === "" ? Infinity : Number(values.seeds);
const endMs = values.minutes === "" ? Infinity : performance.now() + Number(values.minutes) * 60_000;

for (let seed = from; seed <= last && performance.now() < endMs; seed += step) {
  const plot = values.plots ? plotOf(seed) : undefined;
  const result = await (values.cores ? simulateCores({ seed }) : simulate({ seed, plot }));
  const line: SeedLine = { ...result, seen: [...result.seen] };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
process.exit(0);
