/** `hotspare init`: makes what a cluster lacks, after asking. */
import type { Command } from "commander";
import { HotspareError } from "../../../shared/errors.ts";
import {
  withConfig,
  withExample,
  withJson,
  type CommandContext,
  type ConfigOption,
  type JsonOption,
} from "../command.ts";
import { initCluster, missingParts, type InitOptions } from "../init-cluster.ts";
import { DEFAULT_PORTS, localClusterText } from "../local-cluster.ts";

interface Options extends ConfigOption, JsonOption {
  readonly yes?: true;
}

export function initCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("init")
    .summary("make what a cluster lacks: configuration, secret, vault")
    .description("Makes what a cluster lacks: configuration, secret, vault. Touches nothing that is there.")
    .option("--yes", "do not ask");
  withExample(withJson(withConfig(command, context)), "hotspare init --yes --config hotspare.yaml").action(
    async (options: Options) => run(options, context),
  );
}

async function run({ config: file, yes, json }: Options, context: CommandContext): Promise<void> {
  const { env, random, clock, print } = context;
  const options: InitOptions = { file, template: localClusterText(DEFAULT_PORTS), env, random, clock };
  const missing = await missingParts(options);
  if (missing.length > 0 && !yes && !(await agrees(missing, context))) return print("Nothing was made.");
  const { config, made } = await initCluster(options);
  if (json) return print(JSON.stringify({ file: config.file, vaultId: config.vault.id, made }));
  for (const part of made) print(`made ${part}`);
  print(
    made.length === 0 ? `Nothing is missing: ${config.file}` : `Ready. Next: hotspare config check --config ${file}`,
  );
}

async function agrees(missing: readonly string[], { ask, print }: CommandContext): Promise<boolean> {
  if (ask === null) {
    throw new HotspareError("HS_USAGE", { reason: "init needs --yes where there is no terminal to ask on" });
  }
  for (const part of missing) print(`missing: ${part}`);
  return /^y(?:es)?$/i.test((await ask("Make it? [y/N] ")).trim());
}
