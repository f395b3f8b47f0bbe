/** `hotspare switchover`: the primary hands its pool over to another host, with nothing failed. */
import type { Command } from "commander";
import { loadConfig } from "../../../shared/config/load-config.ts";
import type { Answer } from "../../../shared/wire/messages.ts";
import { choosePool } from "../choose-pool.ts";
import { ClusterLink, servingHost } from "../cluster-link.ts";
import {
  withConfig,
  withExample,
  withJson,
  withPool,
  withReason,
  type CommandContext,
  type ConfigOption,
  type JsonOption,
  type PoolOption,
} from "../command.ts";
import { hostNamed } from "../host-named.ts";
import { plainTable } from "../plain-table.ts";
import { Spinner } from "../spinner.ts";

interface SwitchoverOptions extends ConfigOption, JsonOption, PoolOption {
  readonly to?: string;
  readonly reason: string;
  readonly dryRun?: true;
}

/** A little longer than a host takes at most. */
const TIMEOUT_MS = 70_000;

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
    async (options: SwitchoverOptions) => run(options, context),
  );
}

async function run(options: SwitchoverOptions, context: CommandContext): Promise<void> {
  const config = loadConfig(options.config, context.env);
  const pool = choosePool(config, options.pool);
  const to = options.to === undefined ? null : hostNamed(config, options.to).id;
  const link = await ClusterLink.open(config, context);
  try {
    const { host, report } = servingHost(await link.ask(), pool);
    const spinner = new Spinner(context, `${host.id} hands pool ${pool} over`);
    const { by } = link;
    const cause = `switchover by ${by}${options.reason === "" ? "" : `: ${options.reason}`}`;
    const body = { pool, bootId: report.bootId, to, by, cause, dryRun: options.dryRun ?? false };
    const node = { id: host.id, address: host.control };
    const answer = await link.send("handover", node, body, TIMEOUT_MS).finally(() => spinner.end());
    if (options.json) return context.print(JSON.stringify({ pool, from: host.id, ...answer }));
    context.print(answer.fence === null ? plan(pool, host.id, answer) : done(pool, host.id, answer));
  } finally {
    link.close();
  }
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
