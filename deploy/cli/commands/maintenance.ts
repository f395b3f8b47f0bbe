/** `hotspare maintenance on|off`: while it holds nobody takes over by itself. A revision in the vault that ends by itself. */
import { InvalidArgumentError, type Command } from "commander";
import { parseDuration } from "../../../shared/config/duration.ts";
import { loadConfig } from "../../../shared/config/load-config.ts";
import { maintenanceAt, type Change, type Decisions } from "../../../shared/revisions/decisions.ts";
import { ClusterLink } from "../cluster-link.ts";
import {
  withConfig,
  withExample,
  withJson,
  withNeededReason,
  type CommandContext,
  type ConfigOption,
  type JsonOption,
} from "../command.ts";
import { unheard } from "../hearing.ts";
import { maintenanceText } from "../maintenance-text.ts";

type ShowOptions = ConfigOption & JsonOption;

interface OnOptions extends ShowOptions {
  readonly reason: string;
  /** Milliseconds. */
  readonly for?: number;
}

/** One that is forgotten must not leave the cluster without failover. */
const STANDARD_MS = 60 * 60_000;

export function maintenanceCommand(program: Command, context: CommandContext): void {
  const group = program
    .command("maintenance")
    .summary("let nobody take over by itself for a while")
    .description("Shows the maintenance that holds, begins or ends one. While it holds nobody takes over by itself.")
    .action(async (options: ShowOptions) => run(() => null, options, context));
  const example = 'hotspare maintenance on --reason "switches are replaced" --for 2h';
  withExample(withJson(withConfig(group, context)), example);
  registerOn(group, context, example);
  const off = group.command("off").description("Ends the maintenance.");
  withExample(withJson(withConfig(off, context)), "hotspare maintenance off").action(async (_, command: Command) =>
    run(() => ({ change: { type: "maintenance-off" }, reason: "" }), command.optsWithGlobals(), context),
  );
}

function registerOn(group: Command, context: CommandContext, example: string): void {
  const on = group
    .command("on")
    .description("Begins a maintenance, or replaces the one that holds. It ends by itself.")
    .option("--for <time>", "how long; default: 1h", readSpan);
  withExample(withJson(withNeededReason(withConfig(on, context))), example).action(async (_, command: Command) => {
    const options = command.optsWithGlobals<OnOptions>();
    const decision = (): Decision => {
      const untilMs = context.clock.wallMs() + (options.for ?? STANDARD_MS);
      return { change: { type: "maintenance-on", untilMs }, reason: options.reason };
    };
    return await run(decision, options, context);
  });
}

interface Decision {
  readonly change: Change;
  readonly reason: string;
}

async function run(decision: () => Decision | null, options: ShowOptions, context: CommandContext): Promise<void> {
  const link = await ClusterLink.open(loadConfig(options.config, context.env), context);
  try {
    const word = await link.askSomebody();
    const wanted = decision();
    const decided = wanted && (await link.decide(wanted.change, wanted.reason, word));
    const { decisions } = decided ?? word;
    if (decided) for (const line of await unheard(link, decisions.revision, context)) context.warn(line);
    show(decisions, options, context);
  } finally {
    link.close();
  }
}

function show(decisions: Decisions, { json }: JsonOption, { clock, print }: CommandContext): void {
  const maintenance = maintenanceAt(decisions, clock.wallMs());
  if (json) return print(JSON.stringify({ maintenance, revision: decisions.revision }));
  print(maintenance === null ? "no maintenance" : maintenanceText(maintenance));
}

function readSpan(text: string): number {
  const spanMs = parseDuration(text);
  if (spanMs !== null && spanMs > 0) return spanMs;
  throw new InvalidArgumentError("accepted is a time such as 30m or 2h");
}
