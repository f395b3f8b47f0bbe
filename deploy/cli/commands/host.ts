/** `hotspare host`: one host in the foreground; its pid is the host. */
import type { Command } from "commander";
import { loadConfig } from "../../../shared/config/load-config.ts";
import { parseNodeId } from "../../../shared/ids.ts";
import { runHost } from "../../../host/main.ts";
import { withConfig, withExample, type CommandContext, type ConfigOption } from "../command.ts";
import { stopWithParent } from "../parent-pipe.ts";

interface HostOptions extends ConfigOption {
  readonly id: string;
}

export function hostCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("host")
    .description("Runs one host of the configuration in the foreground until SIGTERM or SIGINT.")
    .requiredOption("--id <host>", "which host of the configuration this is");
  withExample(withConfig(command, context), "hotspare host --id host-a --config hotspare.yaml").action(
    ({ config, id }: HostOptions) => {
      stopWithParent(context.env);
      return runHost(loadConfig(config, context.env), parseNodeId(id));
    },
  );
}
