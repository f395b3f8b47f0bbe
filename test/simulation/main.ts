/**
 * `npm run simulate -- --seeds 1000`, `-- --minutes 10`, `-- --from 5000`, `-- --cores` for the simulation of the cores
 * alone; on all processors. `SEED=n npm run simulate` plays one seed again, with what happened last, and where it fails
 * finds out which of its faults it needs for that. Ends with code 1 if a seed failed.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { simulate as simulateCores } from "./core/simulation.ts";
import { runSeeds } from "./seed-pool.ts";
import { shrink } from "./shrink.ts";
import { simulate } from "./simulation.ts";
import { summaryOf } from "./summary.ts";

const HELP = `npm run simulate -- [options]; SEED=n npm run simulate plays one seed again
  --seeds <n>     so many seeds (300)
  --minutes <n>   as long instead
  --from <n>      the first seed (1)
  --cores         the cores alone: fewer parts, many more seeds
  --lines <n>     of the log of a failure (80)
  --json          the summary as JSON
`;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "300" },
    minutes: { type: "string" },
    from: { type: "string", default: "1" },
    cores: { type: "boolean", default: false },
    lines: { type: "string", default: "80" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const lines = Number(values.lines);
const seed = process.env["SEED"];

if (values.help) process.stdout.write(HELP);
else process.exitCode = seed === undefined ? await runMany() : await replay(Number(seed));

async function replay(one: number): Promise<number> {
  const result = await (values.cores ? simulateCores({ seed: one, lines }) : simulate({ seed: one, lines }));
  const { failure, seen: _, ...figures } = result;
  process.stdout.write(`${failure?.text ?? `seed ${one} holds`}\n${JSON.stringify(figures)}\n`);
  if (failure && !values.cores)
    process.stdout.write(`it needs these faults: ${await shrink(one, failure.invariant)}\n`);
  return failure ? 1 : 0;
}

async function runMany(): Promise<number> {
  const beganMs = performance.now();
  const results = await runSeeds({
    workers: availableParallelism(),
    from: Number(values.from),
    seeds: values.minutes === undefined ? Number(values.seeds) : null,
    minutes: values.minutes === undefined ? null : Number(values.minutes),
    cores: values.cores,
    progress: (done, failed) => {
      if (process.stderr.isTTY) process.stderr.write(`\r${done} seeds, ${failed} failed `);
    },
  });
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  const summary = summaryOf(results, (performance.now() - beganMs) / 1000);
  process.stdout.write(values.json ? `${JSON.stringify(summary.figures)}\n` : summary.text);
  return summary.figures.failed === 0 ? 0 : 1;
}
