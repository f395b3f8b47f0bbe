/** `hotspare upgrade finish`: from here on pools are written in the newest version that their hosts read. */
import type { Command } from "commander";
import type { Config, HostConfig } from "../../../shared/config/config.ts";
import { loadConfig } from "../../../shared/config/load-config.ts";
import type { PoolId } from "../../../shared/ids.ts";
import type { NodeSockets } from "../../../shared/sockets.ts";
import type { Answer } from "../../../shared/wire/messages.ts";
import { choosePool } from "../choose-pool.ts";
import {
  withConfig,
  withExample,
  withJson,
  type CommandContext,
  type ConfigOption,
  type JsonOption,
  type PoolOption,
} from "../command.ts";
import { openCommandClient, sendError } from "../command-client.ts";
import { openCommandNetworks } from "../command-networks.ts";
import { findPrimary } from "../find-primary.ts";

interface FinishOptions extends ConfigOption, JsonOption, PoolOption {
  readonly dryRun?: true;
}

interface Finished extends Answer<"finish-upgrade"> {
  readonly pool: PoolId;
  readonly host: string;
}

/** A little longer than a host gives its primary. */
const TIMEOUT_MS = 35_000;

export function registerUpgradeFinish(group: Command, context: CommandContext): void {
  const command = group
    .command("finish")
    .summary("let pools be written in the newest version that all hosts read")
    .description(
      "Tells the primary of each pool that every host has the new program: it asks all of them, and writes in the newest version from then on. Hosts with an older program cannot come back after that. May be run again at any time.",
    )
    .option("--pool <pool>", "only this pool; default: all of them, one after the other")
    .option("--dry-run", "ask all hosts, say what would be done, and write nothing");
  withExample(withJson(withConfig(command, context)), "hotspare upgrade finish --dry-run").action(
    async (options: FinishOptions) => run(options, context),
  );
}

async function run(options: FinishOptions, context: CommandContext): Promise<void> {
  const config = loadConfig(options.config, context.env);
  const pools = options.pool === undefined ? config.pools.map(({ id }) => id) : [choosePool(config, options.pool)];
  const { sockets } = await openCommandNetworks(config, ["control"], context);
  const dryRun = options.dryRun ?? false;
  const finished: Finished[] = [];
  for (const pool of pools) {
    const host = await findPrimary(config, pool, { sockets, clock: context.clock });
    const answer = await finish({ config, host, pool, sockets, dryRun }, context);
    finished.push({ pool, host: host.id, ...answer });
    if (!options.json) context.print(textOf({ pool, host: host.id, ...answer }));
  }
  if (options.json) context.print(JSON.stringify({ pools: finished }));
}

interface Asking {
  readonly config: Config;
  readonly host: HostConfig;
  readonly pool: PoolId;
  readonly sockets: Pick<NodeSockets, "control">;
  readonly dryRun: boolean;
}

async function finish(
  { config, host, pool, sockets, dryRun }: Asking,
  context: CommandContext,
): Promise<Answer<"finish-upgrade">> {
  const client = openCommandClient(config, sockets.control, context);
  try {
    const sending = { to: host.id, address: host.control, body: { pool, dryRun }, timeoutMs: TIMEOUT_MS };
    const result = await client.send("finish-upgrade", sending);
    if (result.type === "answer") return result.answer;
    throw sendError(host, result);
  } finally {
    client.close();
  }
}

function textOf({ pool, host, from, to, raised, slot }: Finished): string {
  if (raised) return `pool ${pool} is written in version ${to} from slot ${slot} on, instead of ${from} (by ${host})`;
  if (from === to) return `pool ${pool} is written in version ${to} already; ${host} knows no newer one`;
  return `pool ${pool} would be written in version ${to} instead of ${from}: all hosts read it`;
}
