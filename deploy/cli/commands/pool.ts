/** `hotspare pool list|move|rebalance`: who serves which pool, and moving them. */
import type { Command } from "commander";
import { withExample, type CommandContext } from "../command.ts";
import { registerPoolList } from "./pool-list.ts";
import { registerPoolMove } from "./pool-move.ts";
import { registerPoolRebalance } from "./pool-rebalance.ts";

export function poolCommand(program: Command, context: CommandContext): void {
  const group = program
    .command("pool")
    .summary("show pools, move one, spread them over the hosts")
    .description("Shows the pools of the cluster, moves one to another host, or spreads them evenly over the hosts.");
  withExample(
    group,
    "hotspare pool list",
    "hotspare pool move orders --to host-b",
    "hotspare pool rebalance --dry-run",
  );
  registerPoolList(group, context);
  registerPoolMove(group, context);
  registerPoolRebalance(group, context);
}
