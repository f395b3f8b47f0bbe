/**
 * `npm run simulate -- --seeds 1000`, `-- --minutes 10`, `-- --from 5000`, `-- --cores` for the simulation of the cores
 * alone, `-- --plots` for single faults and what must come of them; on all processors. `SEED=n npm run simulate` plays one
 * seed again, with what happened last, and where it fails finds out which of its faults it needs for that. Ends with code 1 if
 * a seed failed, with 64 if it is told nonsense.
 */
import { availableParallelism } from "node:os";
import { simulate as simulateCores } from "./core/simulation.ts";
import { plotOf } from "./plots.ts";
import { runSeeds } from "./seed-pool.ts";
import { shrink } from "./shrink.ts";
import { HELP, readCommand, type SimulateCommand } from "./simulate-command.ts";
import { simulate } from "./simulation.ts";
import { summaryOf } from "./summary.ts";

process.exitCode = await main();

async function main(): Promise<number> {
  let command: SimulateCommand;
  try {
    command = readCommand(process.argv.slice(2), process.env["SEED"]);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${HELP}`);
    return 64;
  }
  if (command.help) {
    process.stdout.write(HELP);
    return 0;
  }
  return command.seed === null ? runMany(command) : replay(command.seed, command);
}

async function replay(one: number, { cores, plots, lines }: SimulateCommand): Promise<number> {
  const plot = plots ? plotOf(one) : undefined;
  const result = await (cores ? simulateCores({ seed: one, lines }) : simulate({ seed: one, lines, plot }));
  const { failure, seen: _, ...figures } = result;
  process.stdout.write(`${failure?.text ?? `seed ${one} holds`}\n${JSON.stringify(figures)}\n`);
  if (failure && !cores && !plots)
    process.stdout.write(`it needs these faults: ${await shrink(one, failure.invariant)}\n`);
  return failure ? 1 : 0;
}

async function runMany(command: SimulateCommand): Promise<number> {
  const beganMs = performance.now();
  const results = await runSeeds({
    ...command,
    workers: availableParallelism(),
    progress: (done, failed) => {
      if (process.stderr.isTTY) process.stderr.write(`\r${done} seeds, ${failed} failed `);
    },
  });
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  const summary = summaryOf(results, (performance.now() - beganMs) / 1000);
  process.stdout.write(command.json ? `${JSON.stringify(summary.figures)}\n` : summary.text);
  return summary.figures.failed === 0 ? 0 : 1;
}
