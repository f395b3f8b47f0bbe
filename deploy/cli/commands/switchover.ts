/** `hotspare switchover`: the primary hands its pool over to another host, with nothing failed. */
import type { Command } from "commander";
import type { Answer } from "../../../shared/wire/messages.ts";
import { servingHost } from "../cluster-link.ts";
import { withConfig, withExample, withJson, withPool, withReason, type CommandContext } from "../command.ts";
import { handOverPool } from "../hand-over-pool.ts";
import { plainTable } from "../plain-table.ts";
import { movePool, type MoveOptions, type PoolMove } from "../pool-move.ts";
import { Spinner } from "../spinner.ts";

export function switchoverCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("switchover")
    .summary("move a pool to another host, with nothing failed")
    .description(
      "The primary publishes its last commit, names the next host and steps back; requests wait meanwhile. Refused, with the reason, if no host is fit.",
    )
    .option("--to <host>", "to this host; default: the fittest, the preferred ones first")
    .option("--dry-run", "only say what would happen, and how long requests would wait");
  const example = ["hotspare switchover --dry-run", 'hotspare switchover --to host-b --reason "new disks in host-a"'];
  withExample(withJson(withPool(withReason(withConfig(command, context)))), ...example).action(
    async (options: MoveOptions) =>
      movePool("switchover", options, context, (move) => handOver(move, options, context)),
  );
}

export async function handOver(
  { link, word, pool, to, cause }: PoolMove,
  options: MoveOptions,
  context: CommandContext,
): Promise<void> {
  const { host } = servingHost(word, pool);
  const dryRun = options.dryRun ?? false;
  const spinner = new Spinner(context, `${host.id} ${dryRun ? "looks who could follow" : `hands pool ${pool} over`}`);
  const handover = handOverPool(link, word, { pool, to, cause, dryRun });
  const { from, answer } = await handover.finally(() => spinner.end());
  if (options.json) return context.print(JSON.stringify({ pool, from, ...answer }));
  context.print(answer.fence === null ? plan(pool, from, answer) : done(pool, from, answer));
}

function done(pool: string, from: string, { successor, fence, pauseMs }: Answer<"handover">): string {
  return `${successor} serves pool ${pool} in epoch ${fence?.epoch}, after ${from}; writes waited for ${Math.round(pauseMs)} ms`;
}

function plan(pool: string, from: string, { successor, pauseMs, hosts }: Answer<"handover">): string {
  const rows = hosts.map(({ host, unfit, slot, lagMs }) => [
    host,
    host === successor ? "would serve" : unfit === null ? "fit" : "not fit",
    slot,
    lagMs === null ? null : `${Math.round(lagMs)} ms`,
    unfit ?? "",
  ]);
  const table = plainTable(["host", "is", "slot", "lag", "because"], rows);
  return `${table}\n\npool ${pool} would move from ${from} to ${successor}; writes would wait for about ${pauseMs} ms. Nothing was changed.`;
}
