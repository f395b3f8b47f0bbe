/**
 * Runs one command line: finds the command, loads it, runs it, and is the border at which every error ends. An error that
 * a user can meet becomes one line and its exit code; any other one says where to report it. No stack trace, unless
 * HOTSPARE_DEBUG=1.
 */
import { Command, CommanderError } from "commander";
import { HotspareError, isHotspareError, reasonOf } from "../../shared/errors.ts";
import { programVersion } from "../../shared/program-version.ts";
import type { CommandContext, CommandEntry } from "./command.ts";

const ISSUES = "the project's issue tracker";

/** The exit code; 0 for success, help and versions. Never throws. */
export async function runCommandLine(
  args: readonly string[],
  commands: readonly CommandEntry[],
  context: CommandContext,
): Promise<number> {
  try {
    const program = await assemble(args, commands, context);
    await program.parseAsync(args, { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    return reportFailure(error, args, context);
  }
}

/**
 * Writes what ended the process and gives its exit code. Also for errors that no command caught, such as those of timers.
 */
export function reportFailure(thrown: unknown, args: readonly string[], context: CommandContext): number {
  const error = thrown instanceof CommanderError ? usageError(thrown) : thrown;
  const known = isHotspareError(error);
  const code = known ? error.code : "HS_INTERNAL";
  const message = oneLine(reasonOf(error));
  if (wantsJson(args)) context.warn(JSON.stringify({ error: { code, message, details: known ? error.details : {} } }));
  else context.warn(`hotspare: ${message} (${code})`);
  if (!known || code === "HS_INTERNAL") hintAtReport(args, context);
  if (context.env["HOTSPARE_DEBUG"] === "1" && error instanceof Error) context.warn(error.stack ?? "");
  return known ? error.exit : 70;
}

/** Only the named command is loaded; the others are there by name, for help and for what was meant. */
async function assemble(
  args: readonly string[],
  commands: readonly CommandEntry[],
  context: CommandContext,
): Promise<Command> {
  const program = emptyProgram(context);
  const wanted = commandNameIn(args);
  for (const entry of commands) {
    if (entry.name !== wanted) program.command(entry.name).summary(entry.summary).description(entry.summary);
    else (await entry.load())(program, context);
  }
  return program;
}

function emptyProgram({ print, env }: CommandContext): Command {
  const program = new Command("hotspare");
  program
    .description("Keeps a stateful Node.js server running when its machine dies.")
    .version(programVersion(), "-V, --version", "show the version")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => print(text.replace(/\n$/, "")),
      writeErr: () => {},
      getOutHasColors: () => env["NO_COLOR"] === undefined && process.stdout.isTTY,
    })
    .showSuggestionAfterError(true)
    .helpCommand("help [command]", "show the help of a command")
    .addHelpText(
      "after",
      "\nExample:\n  hotspare up\n  hotspare init --yes --config hotspare.yaml\n  hotspare config check",
    );
  return program;
}

/** `help init` needs the command too. */
function commandNameIn(args: readonly string[]): string | undefined {
  const words = args.filter((arg) => !arg.startsWith("-"));
  return words[0] === "help" ? words[1] : words[0];
}

/** Commander's text is `error: …`, with what was meant on a line of its own. Help without a command is misuse too. */
function usageError(error: CommanderError): HotspareError {
  const asksForHelp = error.code === "commander.help";
  const reason = asksForHelp ? "a command is missing; see hotspare --help" : error.message.replace(/^error: /, "");
  return new HotspareError("HS_USAGE", { reason: oneLine(reason) }, { cause: error });
}

function hintAtReport(args: readonly string[], { warn, env }: CommandContext): void {
  if (wantsJson(args)) return;
  const stack = env["HOTSPARE_DEBUG"] === "1" ? "" : "; HOTSPARE_DEBUG=1 shows the stack";
  warn(`hotspare: this should not happen; please report it at ${ISSUES}${stack}`);
}

const wantsJson = (args: readonly string[]): boolean => args.includes("--json");

const oneLine = (text: string): string => text.replaceAll(/\s*\n\s*/g, " ").trim();
