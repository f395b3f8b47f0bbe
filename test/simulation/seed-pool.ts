/** Many seeds on several processes, each of which plays one after the other. One that dies is a failed seed. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { join } from "node:path";
import type { SeedLine } from "./seed-worker.ts";

export interface SeedPoolOptions {
  readonly workers: number;
  readonly from: number;
  /** Either so many seeds, or so many minutes. */
  readonly seeds: number | null;
  readonly minutes: number | null;
  readonly cores: boolean;
  readonly plots: boolean;
  readonly progress: (done: number, failed: number) => void;
}

const WORKER = join(import.meta.dirname, "seed-worker.ts");

/** In the order of their seeds. */
export async function runSeeds(options: SeedPoolOptions): Promise<readonly SeedLine[]> {
  const results: SeedLine[] = [];
  const add = (line: SeedLine): void => {
    results.push(line);
    options.progress(results.length, results.filter(({ failure }) => failure !== null).length);
  };
  await Promise.all(Array.from({ length: options.workers }, (_, index) => runWorker(options, index, add)));
  return results.toSorted((one, other) => one.seed - other.seed);
}

async function runWorker(options: SeedPoolOptions, index: number, add: (line: SeedLine) => void): Promise<void> {
  const { from, seeds, minutes, cores, plots, workers } = options;
  const args = [
    `--from=${from + index}`,
    `--step=${workers}`,
    ...(seeds === null ? [] : [`--seeds=${from + seeds - 1}`]),
    ...(minutes === null ? [] : [`--minutes=${minutes}`]),
    ...(cores ? ["--cores"] : []),
    ...(plots ? ["--plots"] : []),
  ];
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", WORKER, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let next = from + index;
  createInterface({ input: child.stdout }).on("line", (text) => {
    const line = JSON.parse(text) as SeedLine;
    next = line.seed + workers;
    add(line);
  });
  // `close` comes after the last line.
  const code = await new Promise<number | null>((resolve) => child.once("close", (ended) => resolve(ended)));
  if (code !== 0) add(deathOf(next));
}

const deathOf = (seed: number): SeedLine => ({
  seed,
  steps: 0,
  virtualMs: 0,
  acknowledged: 0,
  reads: 0,
  epochs: 0,
  hash: "",
  seen: [],
  failure: { invariant: "I16", reason: "its process died", text: `seed ${seed}: its process died` },
});
