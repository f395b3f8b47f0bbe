/**
 * `npm run simulate -- --seeds 1000` or `-- --minutes 10`, `-- --from 5000`; `SEED=n node test/simulation/main.ts` replays
 * one seed with its whole tail. Ends with code 1 if a seed failed.
 */
import { parseArgs } from "node:util";
import { MUTANTS } from "./mutant.ts";
import { simulate, type RunResult } from "./simulation.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    mutant: { type: "string" },
    minutes: { type: "string" },
    lines: { type: "string", default: "60" },
  },
});

const mutant = MUTANTS.find((name) => name === values.mutant) ?? null;
const replayed = process.env["SEED"];
process.exitCode = replayed === undefined ? await runMany() : await replay(Number(replayed));

async function replay(seed: number): Promise<number> {
  const result = await simulate({ seed, mutant, lines: Number(values.lines) });
  process.stdout.write(
    `${result.failure?.text ?? `seed ${seed} holds`}\n${JSON.stringify({ ...result, failure: null })}\n`,
  );
  return result.failure ? 1 : 0;
}

async function runMany(): Promise<number> {
  const from = Number(values.from);
  const endMs = values.minutes === undefined ? Infinity : performance.now() + Number(values.minutes) * 60_000;
  const last = values.minutes === undefined ? from + Number(values.seeds) - 1 : Infinity;
  const beganMs = performance.now();
  const results: RunResult[] = [];
  for (let seed = from; seed <= last && performance.now() < endMs; seed += 1) {
    const result = await simulate({ seed, mutant, lines: Number(values.lines) });
    results.push({ ...result, failure: result.failure && { ...result.failure, text: "" } });
    if (result.failure) process.stdout.write(`${result.failure.text}\n\n`);
  }
  return summarize(results, (performance.now() - beganMs) / 1000);
}

function summarize(results: readonly RunResult[], seconds: number): number {
  const sum = (figure: "steps" | "virtualMs" | "acknowledged" | "reads" | "epochs"): number =>
    results.reduce((total, result) => total + result[figure], 0);
  const hoursPerSecond = sum("virtualMs") / 3_600_000 / seconds;
  const failed = results.filter(({ failure }) => failure !== null);
  process.stdout.write(
    `seeds ${results[0]?.seed} to ${results.at(-1)?.seed}: ${failed.length} failed; ${sum("steps")} steps, ` +
      `${sum("acknowledged")} writes, ${sum("reads")} reads, ${sum("epochs")} epochs; ${seconds.toFixed(1)} s, ` +
      `${Math.round(sum("steps") / seconds)} steps/s, ${hoursPerSecond.toFixed(3)} simulated hours per second\n`,
  );
  process.stdout.write(`seen: ${coverage(results)}\n`);
  for (const { seed, failure } of failed) process.stdout.write(`seed ${seed}: ${failure?.reason}\n`);
  return failed.length === 0 ? 0 : 1;
}

/** How often each rare thing happened. */
function coverage(results: readonly RunResult[]): string {
  const sum = new Map<string, number>();
  for (const { seen } of results) for (const [what, count] of seen) sum.set(what, (sum.get(what) ?? 0) + count);
  return [...sum]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([what, count]) => `${what} ${count}`)
    .join(", ");
}
