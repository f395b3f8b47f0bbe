/** `hotspare init`: makes what a cluster lacks, after asking. */
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { HotspareError } from "../../../shared/errors.ts";
import { ThreadedVault } from "../../../shared/vault/threaded-vault.ts";
import {
  withConfig,
  withExample,
  withJson,
  type CommandContext,
  type ConfigOption,
  type JsonOption,
} from "../command.ts";
import { initCluster, missingParts, type InitOptions } from "../init-cluster.ts";
import { askCluster } from "../init-questions.ts";
import { Spinner } from "../spinner.ts";
import { DEFAULT_PORTS, localClusterText } from "../local-cluster.ts";

interface Options extends ConfigOption, JsonOption {
  readonly yes?: true;
}

export function initCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("init")
    .summary("make what a cluster lacks: configuration, secret, vault")
    .description(
      "Makes what a cluster lacks: configuration, secret, vault. Touches nothing that is there. On a terminal it asks what the cluster is to be.",
    )
    .option("--yes", "do not ask; what is usual is made");
  withExample(withJson(withConfig(command, context)), "hotspare init --yes --config hotspare.yaml").action(
    async (options: Options) => run(options, context),
  );
}

async function run({ config: file, yes, json }: Options, context: CommandContext): Promise<void> {
  const { print } = context;
  const ask = yes || json || existsSync(file) ? null : context.ask;
  const template = ask === null ? localClusterText(DEFAULT_PORTS) : await askCluster({ ask, print });
  const options = { ...toolsOf(context), file, template };
  const missing = await patiently(context, "looking at the vault", () => missingParts(options));
  if (ask !== null && missing.length > 0) print(`\n${template}`);
  if (missing.length > 0 && !yes && !(await agrees(missing, context))) return print("Nothing was made.");
  const { config, made } = await patiently(context, "trying the vault out", () => initCluster(options));
  if (json) return print(JSON.stringify({ file: config.file, vaultId: config.vault.id, made }));
  for (const part of made) print(`made ${part}`);
  print(
    made.length === 0 ? `Nothing is missing: ${config.file}` : `Ready. Next: hotspare config check --config ${file}`,
  );
}

/** A slow share is waited for in another thread, so that progress can be shown. */
function toolsOf({ env, random, clock, screen }: CommandContext): Omit<InitOptions, "file" | "template"> {
  const tools = { env, random, clock };
  return screen === null ? tools : { ...tools, open: (directory) => new ThreadedVault({ directory, clock }) };
}

async function patiently<T>(context: CommandContext, text: string, run: () => Promise<T>): Promise<T> {
  const spinner = new Spinner(context, text);
  return await run().finally(() => spinner.end());
}

async function agrees(missing: readonly string[], { ask, print }: CommandContext): Promise<boolean> {
  if (ask === null) {
    throw new HotspareError("HS_USAGE", { reason: "init needs --yes where there is no terminal to ask on" });
  }
  for (const part of missing) print(`missing: ${part}`);
  return /^y(?:es)?$/i.test((await ask("Make it? [y/N] ")).trim());
}
