/** `hotspare pool move`: a switchover of one pool, by its name. */
import type { Command } from "commander";
import { withConfig, withExample, withJson, withReason, type CommandContext } from "../command.ts";
import { movePool, type MoveOptions } from "../pool-move.ts";
import { handOver } from "./switchover.ts";

type OwnOptions = Omit<MoveOptions, "pool">;

export function registerPoolMove(group: Command, context: CommandContext): void {
  const command = group
    .command("move <pool>")
    .description("Moves a pool to another host with nothing failed, as `hotspare switchover --pool` does.")
    .option("--to <host>", "to this host; default: the fittest, the preferred ones first")
    .option("--dry-run", "only say what would happen, and how long requests would wait");
  const example = 'hotspare pool move orders --to host-b --reason "host-a is full"';
  withExample(withJson(withReason(withConfig(command, context))), example).action(
    async (pool: string, own: OwnOptions) => {
      const options = { ...own, pool };
      await movePool("switchover", options, context, (move) => handOver(move, options, context));
    },
  );
}
