/**
 * The entry of the `hotspare` command: names the real clock, chance and terminal, and turns the outcome into the
 * process's exit code.
 */
import { createInterface } from "node:readline/promises";
import { systemClock } from "../../shared/system-clock.ts";
import { systemRandom } from "../../shared/random.ts";
import type { CommandContext } from "./command.ts";
import { COMMANDS } from "./command-table.ts";
import { reportFailure, runCommandLine } from "./run-command-line.ts";

const args = process.argv.slice(2);

const context: CommandContext = {
  env: process.env,
  clock: systemClock,
  random: systemRandom,
  print: (text) => void process.stdout.write(`${text}\n`),
  warn: (text) => void process.stderr.write(`${text}\n`),
  ask: process.stdin.isTTY && process.stdout.isTTY ? ask : null,
};

process.on("uncaughtException", (error) => process.exit(reportFailure(error, args, context)));
process.stdout.on("error", endOfReader);

process.exitCode = await runCommandLine(args, COMMANDS, context);
// A failed command may have left a listener or a thread behind; it must not keep the process.
if (process.exitCode !== 0) process.exit();

async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
}

/** `hotspare … | head` ends the reader first: that is no failure. */
function endOfReader(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
}
