/**
 * Every mutation of the production code is found within a bounded number of seeds, or the simulation is blind to that
 * mistake. Each runs in a process of its own, in which the mutated files are loaded instead of the real ones.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Kill } from "./mutant-main.ts";
import { MUTATIONS } from "./mutations.ts";

const MOST_SEEDS = { hosts: 150, cores: 3_000, plots: 20 } as const;
const TIMEOUT_MS = 180_000;
const MAIN = join(import.meta.dirname, "mutant-main.ts");

test.each(MUTATIONS)("found: $name", { timeout: TIMEOUT_MS }, async ({ name, by }) => {
  const kill = await hunt(name, MOST_SEEDS[by]);
  expect(kill, `no seed of ${MOST_SEEDS[by]} finds it`).not.toBeNull();
  expect(kill?.reason).not.toBe("");
});

async function hunt(mutation: string, seeds: number): Promise<Kill | null> {
  const args = ["--disable-warning=ExperimentalWarning", MAIN, "--mutation", mutation, "--seeds", String(seeds)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"], timeout: TIMEOUT_MS });
  let output = "";
  child.stdout.on("data", (chunk) => (output += String(chunk)));
  await new Promise((resolve) => child.once("close", resolve));
  return JSON.parse(output.trim().split("\n").at(-1) ?? "null") as Kill | null;
}
