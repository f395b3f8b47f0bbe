/** `hotspare checkpoint`: tells a primary to take a checkpoint now, and waits until it is in the vault. */
import type { Command } from "commander";
import type { Config, HostConfig } from "../../../shared/config/config.ts";
import { loadConfig } from "../../../shared/config/load-config.ts";
import type { PoolId } from "../../../shared/ids.ts";
import type { Sockets } from "../../../shared/sockets.ts";
import type { Answer } from "../../../shared/wire/messages.ts";
import { choosePool } from "../choose-pool.ts";
import {
  withConfig,
  withExample,
  withJson,
  withPool,
  type CommandContext,
  type ConfigOption,
  type JsonOption,
  type PoolOption,
} from "../command.ts";
import { openCommandClient, sendError } from "../command-client.ts";
import { openCommandNetworks } from "../command-networks.ts";
import { findPrimary } from "../find-primary.ts";
import { hostNamed } from "../host-named.ts";
import { sizeText } from "../size-text.ts";
import { Spinner } from "../spinner.ts";

interface CheckpointOptions extends ConfigOption, JsonOption, PoolOption {
  readonly host?: string;
}

/** A little longer than a host gives its primary. */
const TIMEOUT_MS = 16 * 60_000;

export function checkpointCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("checkpoint")
    .summary("take a checkpoint now")
    .description("Takes a checkpoint of a pool now, and says when it is in the vault.")
    .option("--host <host>", "ask this host; default: the one that serves the pool");
  withExample(withJson(withPool(withConfig(command, context))), "hotspare checkpoint --config hotspare.yaml").action(
    async (options: CheckpointOptions) => run(options, context),
  );
}

async function run(options: CheckpointOptions, context: CommandContext): Promise<void> {
  const config = loadConfig(options.config, context.env);
  const pool = choosePool(config, options.pool);
  const { sockets } = await openCommandNetworks(config, ["control"], context);
  const asking = { sockets, clock: context.clock };
  const host = options.host === undefined ? await findPrimary(config, pool, asking) : hostNamed(config, options.host);
  const spinner = new Spinner(context, `${host.id} takes a checkpoint of pool ${pool}`);
  const taken = await ask(config, { host, pool, sockets: sockets.control }, context).finally(() => spinner.end());
  const { slot, stateHash, bytes, durationMs } = taken;
  if (options.json) return context.print(JSON.stringify({ pool, host: host.id, ...taken }));
  const seconds = (durationMs / 1000).toFixed(1);
  context.print(`pool ${pool}, slot ${slot}: ${sizeText(bytes)} in ${seconds} s by ${host.id}, state ${stateHash}`);
}

async function ask(
  config: Config,
  { host, pool, sockets }: { readonly host: HostConfig; readonly pool: PoolId; readonly sockets: Sockets },
  context: CommandContext,
): Promise<Answer<"checkpoint">> {
  const client = openCommandClient(config, sockets, context);
  try {
    const result = await client.send("checkpoint", {
      to: host.id,
      address: host.control,
      body: { pool, reason: "asked for on the command line" },
      timeoutMs: TIMEOUT_MS,
    });
    if (result.type === "answer") return result.answer;
    throw sendError(host, result);
  } finally {
    client.close();
  }
}
