/** `hotspare node list|offline|online|remove`: which nodes take part, as revisions in the vault that survive any restart. */
import type { Command } from "commander";
import { withExample, type CommandContext } from "../command.ts";
import { registerNodeList } from "./node-list.ts";
import { registerNodeOffline } from "./node-offline.ts";
import { registerNodeOnline } from "./node-online.ts";
import { registerNodeRemove } from "./node-remove.ts";

export function nodeCommand(program: Command, context: CommandContext): void {
  const group = program
    .command("node")
    .summary("show nodes, take one out, bring it back, remove it")
    .description("Shows the nodes of the cluster, takes one out, brings it back, or removes it for good.");
  withExample(group, "hotspare node list", 'hotspare node offline host-b --reason "new disks"');
  registerNodeList(group, context);
  registerNodeOffline(group, context);
  registerNodeOnline(group, context);
  registerNodeRemove(group, context);
}
