/**
 * The entry of the `hotspare` command: names the real clock, chance and terminal, and turns the outcome into the
 * process's exit code.
 */
import { isatty } from "node:tty";
import pc from "picocolors";
import { HotspareError } from "../../shared/errors.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { systemRandom } from "../../shared/random.ts";
import type { CommandContext, Keyboard } from "./command.ts";
import { COMMANDS } from "./command-table.ts";
import { Questions } from "./questions.ts";
import { reportFailure, runCommandLine } from "./run-command-line.ts";

/** The first whose `node:sqlite` has all that the store rests on: change sets, an authorizer, limits. */
const NEEDED_NODE = "24.15";
/** Input or output failed, by sysexits. */
const READER_GONE = 74;
const args = process.argv.slice(2);
const isTerminal = process.stdin.isTTY && process.stdout.isTTY;

const questions = new Questions(process.stdin, process.stdout);

const keyboard: Keyboard = {
  listen: (pressed) => {
    const hear = (keys: Buffer): void =>
      keys
        .toString("latin1")
        .split("")
        .forEach((key) => pressed(key));
    process.stdin.setRawMode(true).on("data", hear).resume();
    return () => void process.stdin.off("data", hear).setRawMode(false).pause();
  },
};

const context: CommandContext = {
  env: process.env,
  clock: systemClock,
  random: systemRandom,
  print: (text) => void process.stdout.write(`${text}\n`),
  warn: (text) => void process.stderr.write(`${text}\n`),
  ask: isTerminal ? questions.ask : null,
  screen: process.stderr.isTTY ? process.stderr : null,
  keyboard: isTerminal ? keyboard : null,
  // Of a pipe `stdout.isTTY` is undefined, which would leave the choice to the environment.
  colours: pc.isColorSupported && isatty(process.stdout.fd),
  program: [process.execPath, import.meta.filename],
};

process.on("uncaughtException", (error) => process.exit(reportFailure(error, args, context)));
process.stdout.on("error", endOfReader);

refuseOldNode();
process.exitCode = await runCommandLine(args, COMMANDS, context);
questions.close();
// A failed command may have left a listener or a thread behind; it must not keep the process.
if (process.exitCode !== 0) process.exit();

/** From a checkout; what is installed is started by `launcher.js`, which says the same. */
function refuseOldNode(): void {
  const found = process.versions.node;
  if (found.localeCompare(NEEDED_NODE, "en", { numeric: true }) >= 0) return;
  const error = new HotspareError("HS_NODE_VERSION", { found, accepted: `${NEEDED_NODE} or newer` });
  process.exit(reportFailure(error, args, context));
}

/** `hotspare … | head` ends the reader first, a closed terminal likewise: nobody is there to be told. */
function endOfReader(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE" || error.code === "EIO") process.exit(READER_GONE);
  throw error;
}
