/** `hotspare failover`: orders a host to take a pool over at once, whatever the proxies think and the primary says. */
import type { Command } from "commander";
import type { ClusterLink } from "../cluster-link.ts";
import {
  withConfig,
  withExample,
  withJson,
  withPool,
  withReason,
  type CommandContext,
  type JsonOption,
} from "../command.ts";
import { confirm, type YesOption } from "../confirm.ts";
import { consequences, force, planTakeover, type ForcedTakeover } from "../forced-takeover.ts";
import { movePool, type MoveOptions, type PoolMove } from "../pool-move.ts";
import { Spinner } from "../spinner.ts";

interface FailoverOptions extends MoveOptions, YesOption {}

export function failoverCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("failover")
    .summary("force a host to take a pool over")
    .description(
      "Orders a host to take a pool over at once, whether or not the primary lives, also in maintenance, also without proxies. Says before what becomes of what. If the primary is well, use switchover.",
    )
    .option("--to <host>", "this host; default: the fittest, the preferred ones first")
    .option("--yes", "do not ask")
    .option("--dry-run", "only say what would happen");
  const example = ["hotspare failover --dry-run", 'hotspare failover --to host-b --reason "host-a burns" --yes'];
  withExample(withJson(withPool(withReason(withConfig(command, context)))), ...example).action(
    async (options: FailoverOptions) =>
      movePool("failover", options, context, (move) => takeOver(move, options, context)),
  );
}

async function takeOver(move: PoolMove, options: FailoverOptions, context: CommandContext): Promise<void> {
  const { link, word, pool, to, cause } = move;
  const plan = planTakeover(link.config, pool, to, word);
  const { target, serving } = plan;
  const told = { pool, from: serving, to: target };
  if (options.dryRun) return report(options, context, { ...told, fence: null }, [...consequences(plan), UNCHANGED]);
  for (const line of consequences(plan)) context.warn(line);
  if (!(await confirm(`Order ${target} to take pool ${pool} over?`, options, context))) return context.warn(UNCHANGED);
  const fence = await order(link, plan, cause, context);
  report(options, context, { ...told, fence }, [`${target} serves pool ${pool} in epoch ${fence.epoch}`]);
}

const UNCHANGED = "Nothing was changed.";

function report({ json }: JsonOption, { print }: CommandContext, told: object, lines: readonly string[]): void {
  print(json ? JSON.stringify(told) : lines.join("\n"));
}

async function order(
  link: ClusterLink,
  plan: ForcedTakeover,
  cause: string,
  context: CommandContext,
): ReturnType<typeof force> {
  const { clock } = context;
  const { target, pool } = plan;
  const spinner = new Spinner(context, `${target} takes pool ${pool} over`);
  const nowMs = (): number => clock.monotonicMs();
  const untilMs = nowMs() + link.config.takeover.timeoutMs;
  const fence = await force(link, plan, { cause, untilMs, nowMs }).finally(() => spinner.end());
  await link.look(target);
  return fence;
}
