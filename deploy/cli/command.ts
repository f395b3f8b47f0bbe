/**
 * What a command of `hotspare` is made of. To add one: a file in `commands/` that exports a `RegisterCommand`, and one
 * line in `command-table.ts`. A command throws a HotspareError when it fails; `run-command-line.ts` is the one border
 * that turns errors into a line and an exit code.
 */
import { InvalidArgumentError, type Command } from "commander";
import type { Clock } from "../../shared/clock.ts";
import type { Env } from "../../shared/config/substitute.ts";
import type { Random } from "../../shared/random.ts";

/** The outside, as a command sees it; tests give their own. */
export interface CommandContext {
  readonly env: Env;
  readonly clock: Clock;
  readonly random: Random;
  /** Writes one text, with a line's end, to standard output. */
  readonly print: (text: string) => void;
  /** Writes one text, with a line's end, to standard error: progress and warnings, so that output can be piped. */
  readonly warn: (text: string) => void;
  /** Asks a person; `null` where nobody is at a terminal. */
  readonly ask: ((question: string) => Promise<string>) | null;
  /** Where progress is shown: standard error, if it is a terminal; else `null`. */
  readonly screen: Screen | null;
  /** Single keys of whoever sits at the terminal; `null` where nobody does. */
  readonly keyboard: Keyboard | null;
  /** Whether standard output may be coloured. */
  readonly colours: boolean;
  /** How this program is started once more: its Node and its main file. */
  readonly program: readonly [node: string, main: string];
}

export interface Screen {
  readonly columns: number;
  write(text: string): void;
}

export interface Keyboard {
  /** Gives each key as it is pressed, Ctrl-C included, until the returned stop is called. */
  listen(pressed: (key: string) => void): () => void;
}

/** Adds the command `name` to `program` with its options, help, example and action. */
export type RegisterCommand = (program: Command, context: CommandContext) => void;

export interface CommandEntry {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Loads the command's module: only the one that is asked for, so that a host starts fast. */
  readonly load: () => Promise<RegisterCommand>;
}

export interface ConfigOption {
  readonly config: string;
}

export interface JsonOption {
  readonly json?: true;
}

/** The option that names the configuration, the same in every command. */
export function withConfig(command: Command, { env }: CommandContext): Command {
  const fallback = env["HOTSPARE_CONFIG"] || "hotspare.yaml";
  return command.option("--config <file>", "the configuration (or HOTSPARE_CONFIG)", fallback);
}

/** The option that names one pool. */
export function withPool(command: Command): Command {
  return command.option("--pool <pool>", "which pool; needed only where there are several");
}

/** The option that says why, for the audit. */
export function withReason(command: Command): Command {
  return command.option("--reason <text>", REASON, readReason, "");
}

/** The same where nobody can do without. */
export function withNeededReason(command: Command): Command {
  return command.requiredOption("--reason <text>", REASON, readNeededReason);
}

const REASON = "why, for whoever looks later; at most 256 characters";

const LONGEST_REASON = 256;

function readReason(text: string): string {
  if (text.length <= LONGEST_REASON) return text;
  throw new InvalidArgumentError(`accepted are at most ${LONGEST_REASON} characters`);
}

function readNeededReason(text: string): string {
  if (text.trim() !== "") return readReason(text);
  throw new InvalidArgumentError("it must say something");
}

export interface PoolOption {
  readonly pool?: string;
}

/** The option for output that programs read; errors then come as JSON too. */
export function withJson(command: Command): Command {
  return command.option("--json", "print JSON");
}

/** Shows `example` at the end of the command's help. */
export function withExample(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText("after", `\nExample:\n${lines.map((line) => `  ${line}`).join("\n")}`);
}
