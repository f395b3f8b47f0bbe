/** `hotspare join`: makes this machine a host or proxy of a cluster that has invited it. */
import { existsSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import type { Command } from "commander";
import type { Config, TlsFiles } from "../../../shared/config/config.ts";
import { parseAddress } from "../../../shared/config/parse-address.ts";
import { HotspareError } from "../../../shared/errors.ts";
import {
  withConfig,
  withExample,
  withJson,
  type CommandContext,
  type ConfigOption,
  type JsonOption,
} from "../command.ts";
import { parseJoinToken } from "../join/join-token.ts";
import { join, lookAround, type JoinOptions } from "../join/joining.ts";
import { Newcomer, type NewcomerOptions } from "../join/newcomer.ts";
import { Spinner } from "../spinner.ts";

interface Options extends ConfigOption, JsonOption, NewcomerOptions {
  readonly token?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
  readonly dryRun?: true;
}

export function joinCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("join")
    .summary("make this machine a host or proxy of a cluster")
    .description(
      "Makes this machine a host or proxy of the cluster whose host answers at <address>: gets the configuration and the secret, looks whether all fits, registers the node. Overwrites nothing.",
    )
    .argument("<address>", "where the host that made the token is reached: its control address")
    .option("--token <token>", "what `hotspare invite` printed (or HOTSPARE_TOKEN)")
    .requiredOption("--id <name>", "name of the new node")
    .requiredOption("--listen <address>", "where the application answers; a proxy: where clients connect")
    .option("--advertise <address>", "where that is reached from outside; default: as --listen")
    .option("--control <address>", "a host: where other nodes reach it")
    .option("--data <folder>", "a host: its own folder on a local disk; default: data/<name> beside the configuration")
    .option("--vault <folder>", "a host: where the vault is mounted here, if not where the configuration says")
    .option("--no-candidate", "a host: it never takes over")
    .option("--proxy", "join as a proxy")
    .option("--admin <address>", "a proxy: its admin listener")
    .option("--gossip <address>", "a proxy: where other proxies reach it; default: as --admin")
    .option("--tls-cert <file>", "this machine's certificate, where the nodes speak by TLS (tls.control)")
    .option("--tls-key <file>", "its private key")
    .option("--tls-ca <file>", "the CA of the other nodes")
    .option("--dry-run", "look at what can be looked at without the token, and change nothing");
  const example =
    "hotspare join 10.0.0.11:7101 --token hs1.… --id host-d --listen 10.0.0.14:7100 --control 10.0.0.14:7101";
  withExample(withJson(withConfig(command, context)), example).action(async (address: string, options: Options) =>
    run(address, options, context),
  );
}

async function run(address: string, options: Options, context: CommandContext): Promise<void> {
  const chosen = choose(address, options, context);
  const { newcomer, file } = chosen;
  if (options.dryRun) return await plan(chosen, options, context);
  const spinner = new Spinner(context, "looking around");
  const say = (step: string): void => spinner.say(step);
  const { config, made, revision } = await join({ ...chosen, say }, context).finally(() => spinner.end());
  const kind = newcomer.registration.kind;
  for (const app of newcomer.host === null ? [] : absentApps(config))
    context.warn(`${app} is not here yet: a host needs it`);
  if (options.json) return context.print(JSON.stringify({ node: newcomer.id, kind, file, made, revision }));
  for (const part of made) context.print(`made ${part}`);
  context.print(`${newcomer.id} is part of the cluster ${config.cluster} (revision ${revision}). Let a supervisor start it:
  hotspare ${kind} --id ${newcomer.id} --config ${file}`);
}

function choose(address: string, options: Options, { env }: CommandContext): Omit<JoinOptions, "say"> {
  const file = resolve(options.config);
  const reached = parseAddress(address);
  if (reached === null) throw misused(`found ${address}, accepted is an address such as 10.0.0.11:7101`);
  const token = options.token ?? env["HOTSPARE_TOKEN"];
  if (token === undefined) throw misused("join needs --token; on a machine of the cluster `hotspare invite` makes one");
  const newcomer = new Newcomer(options, file);
  return { newcomer, token: parseJoinToken(token), address: reached, tls: tlsOf(options), file };
}

function tlsOf({ tlsCert: cert, tlsKey: key, tlsCa: ca }: Options): TlsFiles | null {
  if (cert === undefined && key === undefined && ca === undefined) return null;
  if (cert === undefined || key === undefined) throw misused("TLS needs both --tls-cert and --tls-key");
  return { cert: resolve(cert), key: resolve(key), ca: ca === undefined ? null : resolve(ca) };
}

/** The token works once, so it is not used up for that. */
async function plan(chosen: Omit<JoinOptions, "say">, { json }: Options, context: CommandContext): Promise<void> {
  const { newcomer, file, token } = chosen;
  await lookAround(chosen, context);
  const { registration } = newcomer;
  const found = existsSync(file) ? "exists, and is kept" : "would be made";
  if (json) return context.print(JSON.stringify({ node: newcomer.id, kind: registration.kind, file, dryRun: true }));
  context.print(`${registration.kind} ${newcomer.id} would join the cluster ${token.cluster} by way of ${token.host}
${file} ${found}, with the secret beside it as it says
Nothing was changed, and the token was not used.`);
}

const absentApps = ({ pools }: Config): readonly string[] =>
  pools.map(({ app }) => app).filter((app) => isAbsolute(app) && !existsSync(app));

const misused = (reason: string): HotspareError => new HotspareError("HS_USAGE", { reason });
