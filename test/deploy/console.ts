/** The command line with captured output: what a user would see and the exit code. */
import { randomBytes } from "node:crypto";
import type { CommandContext, CommandEntry } from "../../deploy/cli/command.ts";
import { COMMANDS } from "../../deploy/cli/command-table.ts";
import { runCommandLine } from "../../deploy/cli/run-command-line.ts";
import type { Clock } from "../../shared/clock.ts";

export const MAIN = new URL("../../deploy/cli/main.ts", import.meta.url).pathname;

export interface Shown {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export const still: Clock = { monotonicMs: () => 0, wallMs: () => 0, after: () => () => {} };

/** Random enough for tests: real. */
export const chance = { bytes: (count: number): Buffer => randomBytes(count) };

export async function hotspare(
  args: readonly string[],
  options: {
    readonly env?: CommandContext["env"];
    readonly ask?: CommandContext["ask"];
    readonly commands?: readonly CommandEntry[];
    readonly clock?: Clock;
  } = {},
): Promise<Shown> {
  const out: string[] = [];
  const err: string[] = [];
  const context: CommandContext = {
    env: options.env ?? {},
    clock: options.clock ?? still,
    random: chance,
    print: (text) => void out.push(text),
    warn: (text) => void err.push(text),
    ask: options.ask ?? null,
    screen: null,
    keyboard: null,
    colours: false,
    program: [process.execPath, MAIN],
  };
  const code = await runCommandLine(args, options.commands ?? COMMANDS, context);
  return { code, out: out.join("\n"), err: err.join("\n") };
}
