/** `hotspare simulate --kill`: who would take over now, how long clients would wait, and what would fail. Changes nothing. */
import type { Command } from "commander";
import type { Config } from "../../../shared/config/config.ts";
import { loadConfig } from "../../../shared/config/load-config.ts";
import { HotspareError } from "../../../shared/errors.ts";
import { choosePool } from "../choose-pool.ts";
import { ClusterLink } from "../cluster-link.ts";
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
import { hostNamed } from "../host-named.ts";
import { forecast, type PoolForecast } from "../simulate/forecast.ts";
import { entryTexts, forecastText } from "../simulate/forecast-text.ts";
import { guess, takeoverTimes } from "../simulate/takeover-times.ts";
import { Spinner } from "../spinner.ts";

interface SimulateOptions extends ConfigOption, JsonOption, PoolOption {
  readonly kill: string;
  readonly host?: string;
}

export function simulateCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("simulate")
    .summary("say who would take over if nodes died now")
    .description(
      "Says who would take over each pool if these nodes died now, whether enough proxies would be left to agree, and how long writes would wait. Exit code 0 if every pool would be served, else 69.",
    )
    .requiredOption("--kill <nodes>", "hosts and proxies that die together, such as host-a,proxy-1")
    .option("--host <host>", "look through this host's mount point of the vault");
  withExample(withJson(withPool(withConfig(command, context))), "hotspare simulate --kill host-a,proxy-1").action(
    async (options: SimulateOptions) => run(options, context),
  );
}

async function run(options: SimulateOptions, context: CommandContext): Promise<void> {
  const config = loadConfig(options.config, context.env);
  const killed = readNodes(config, options.kill);
  if (options.host !== undefined) hostNamed(config, options.host);
  const only = options.pool === undefined ? null : choosePool(config, options.pool);
  const spinner = new Spinner(context, "asking the nodes");
  const all = await ask(config, { killed, host: options.host }, context).finally(() => spinner.end());
  const pools = all.filter(({ pool }) => only === null || pool === only);
  const entries = entryTexts(config, killed);
  context.print(options.json ? JSON.stringify({ killed: [...killed], pools, entries }) : forecastText(pools, entries));
  const unserved = pools.find(({ failsOver, successor }) => failsOver && successor === null);
  if (unserved)
    throw new HotspareError("HS_POOL_UNSERVED", { pool: unserved.pool, reason: "nobody would take it over" });
}

async function ask(
  config: Config,
  { killed, host }: { readonly killed: ReadonlySet<string>; readonly host: string | undefined },
  context: CommandContext,
): Promise<readonly PoolForecast[]> {
  const link = await ClusterLink.open(config, context);
  try {
    const [word, times, refused] = await Promise.all([
      link.ask(),
      takeoverTimes(config, { host, clock: context.clock }),
      Promise.all(config.proxies.map((proxy) => link.greet(proxy))),
    ]);
    const living = config.proxies.filter((_, at) => refused[at] === null).map(({ id }) => id);
    return forecast({
      config,
      word,
      killed,
      livingProxies: new Set(living),
      wallMs: context.clock.wallMs(),
      takeover: (pool, successor) => times.get(pool) ?? guess(word, successor),
    });
  } finally {
    link.close();
  }
}

/** @throws {HotspareError} HS_USAGE for one that the configuration does not have. */
function readNodes({ hosts, proxies, file }: Config, text: string): ReadonlySet<string> {
  const known = [...hosts, ...proxies].map(({ id }) => id as string);
  const named = text.split(",").map((name) => name.trim());
  const strange = named.find((name) => !known.includes(name));
  if (strange === undefined) return new Set(named);
  throw new HotspareError("HS_USAGE", { reason: `${file} has no node ${strange}; it has ${known.join(", ")}` });
}
