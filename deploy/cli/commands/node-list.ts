/** `hotspare node list`: each node, whether it takes part, and who decided otherwise. */
import type { Command } from "commander";
import { loadConfig } from "../../../shared/config/load-config.ts";
import { ClusterLink } from "../cluster-link.ts";
import {
  withConfig,
  withExample,
  withJson,
  type CommandContext,
  type ConfigOption,
  type JsonOption,
} from "../command.ts";
import { nodeStates } from "../node/node-state.ts";
import { plainTable } from "../plain-table.ts";
import { printable } from "../printable.ts";
import { wallText } from "../wall-text.ts";

type ListOptions = ConfigOption & JsonOption;

export function registerNodeList(group: Command, context: CommandContext): void {
  const command = group.command("list").description("Shows each node, whether it takes part, and who took it out.");
  withExample(withJson(withConfig(command, context)), "hotspare node list").action(async (options: ListOptions) =>
    run(options, context),
  );
}

async function run({ config: file, json }: ListOptions, context: CommandContext): Promise<void> {
  const link = await ClusterLink.open(loadConfig(file, context.env), context);
  try {
    const word = await link.ask();
    const nodes = nodeStates(link.config, word, await link.reach());
    if (json) return context.print(JSON.stringify({ revision: word.decisions.revision, nodes }));
    const rows = nodes.map(({ node, kind, state, role, sinceMs, by, reason }) => [
      node,
      kind,
      state,
      role,
      sinceMs === null ? null : wallText(sinceMs),
      printable(by ?? ""),
      printable(reason ?? ""),
    ]);
    context.print(plainTable(["node", "kind", "state", "role", "since", "by", "reason"], rows));
  } finally {
    link.close();
  }
}
