/** `hotspare proxy`: one proxy in the foreground; its pid is the proxy. */
import type { Command } from "commander";
import { loadConfig } from "../../../shared/config/load-config.ts";
import { parseNodeId } from "../../../shared/ids.ts";
import { runProxy } from "../../../proxy/main.ts";
import { withConfig, withExample, type CommandContext, type ConfigOption } from "../command.ts";
import { stopWithParent } from "../parent-pipe.ts";

interface ProxyOptions extends ConfigOption {
  readonly id: string;
}

export function proxyCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("proxy")
    .description("Runs one proxy of the configuration in the foreground until SIGTERM or SIGINT.")
    .requiredOption("--id <proxy>", "which proxy of the configuration this is");
  withExample(withConfig(command, context), "hotspare proxy --id proxy-1 --config hotspare.yaml").action(
    ({ config, id }: ProxyOptions) => {
      stopWithParent(context.env);
      return runProxy(loadConfig(config, context.env), parseNodeId(id));
    },
  );
}
