/** `hotspare host`: one host in the foreground, or one application alone; its pid is the host. */
import type { Command } from "commander";
import { loadConfig } from "../../../shared/config/load-config.ts";
import { HotspareError } from "../../../shared/errors.ts";
import { parseNodeId } from "../../../shared/ids.ts";
import { runHost } from "../../../host/main.ts";
import { withConfig, withExample, type CommandContext, type ConfigOption } from "../command.ts";
import { stopWithParent } from "../parent-pipe.ts";
import { runStandalone, type StandaloneChoice } from "../run-standalone.ts";

interface HostOptions extends ConfigOption, Partial<StandaloneChoice> {
  readonly id?: string;
  readonly standalone?: true;
}

const STANDALONE: StandaloneChoice = { app: "spaces", data: "./hotspare-data/standalone", listen: "127.0.0.1:8080" };

export function hostCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("host")
    .description("Runs one host of the configuration in the foreground until SIGTERM or SIGINT.")
    .option("--id <host>", "which host of the configuration this is")
    .option("--standalone", "run one application alone, without configuration, vault and failover")
    .option("--app <app>", `with --standalone: spaces, a path or a package (default: ${STANDALONE.app})`)
    .option("--data <folder>", `with --standalone: where its state is (default: ${STANDALONE.data})`)
    .option("--listen <address>", `with --standalone: where it answers (default: ${STANDALONE.listen})`);
  withExample(
    withConfig(command, context),
    "hotspare host --id host-a --config hotspare.yaml",
    "hotspare host --standalone --app ./app.ts",
  ).action((options: HostOptions) => {
    stopWithParent(context.env);
    return options.standalone ? runStandalone(standaloneOf(options)) : runConfigured(options, context);
  });
}

function runConfigured({ config, id, app, data, listen }: HostOptions, { env }: CommandContext): Promise<void> {
  if (id === undefined) throw misused("host needs --id, or --standalone");
  if ((app ?? data ?? listen) !== undefined) throw misused("--app, --data and --listen are for --standalone");
  return runHost(loadConfig(config, env), parseNodeId(id));
}

function standaloneOf({ id, app, data, listen }: HostOptions): StandaloneChoice {
  if (id !== undefined) throw misused("--id is for a host of the configuration, --standalone has none");
  const { app: usualApp, data: usualData, listen: usualListen } = STANDALONE;
  return { app: app ?? usualApp, data: data ?? usualData, listen: listen ?? usualListen };
}

const misused = (reason: string): HotspareError => new HotspareError("HS_USAGE", { reason });
