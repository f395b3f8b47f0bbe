/** `hotspare config check|show|diff|set`: whether the configuration is right, and what holds. The secret itself is never shown. */
import type { Command } from "commander";
import Table from "cli-table3";
import { stringify } from "yaml";
import type { Config } from "../../../shared/config/config.ts";
import type { ShownSetting } from "../../../shared/config/config-values.ts";
import { effectiveConfig } from "../../../shared/config/effective-config.ts";
import { loadConfig, loadValues } from "../../../shared/config/load-config.ts";
import { isHotspareError } from "../../../shared/errors.ts";
import { ClusterLink } from "../cluster-link.ts";
import {
  withConfig,
  withExample,
  withJson,
  type CommandContext,
  type ConfigOption,
  type JsonOption,
} from "../command.ts";
import { registerConfigDiff } from "./config-diff.ts";
import { registerConfigSet } from "./config-set.ts";

interface ShowOptions extends ConfigOption, JsonOption {
  readonly effective?: true;
}

export function configCommand(program: Command, context: CommandContext): void {
  const group = program.command("config").description("Checks, shows, compares or changes the configuration.");
  withExample(group, "hotspare config check --config hotspare.yaml");
  registerCheck(group, context);
  registerShow(group, context);
  registerConfigDiff(group, context);
  registerConfigSet(group, context);
}

function registerCheck(group: Command, context: CommandContext): void {
  const command = group
    .command("check")
    .description("Checks the configuration, and names file, line and key of the first fault. Exit code 0 or 78.");
  withExample(withJson(withConfig(command, context)), "hotspare config check --config hotspare.yaml").action(
    ({ config: file, json }: ConfigOption & JsonOption) => {
      const config = loadConfig(file, context.env);
      context.print(json ? JSON.stringify({ ok: true, ...summary(config) }) : describe(config));
    },
  );
}

function registerShow(group: Command, context: CommandContext): void {
  const command = group
    .command("show")
    .description("Shows every key with what holds for it and where that comes from.")
    .option(
      "--effective",
      "show the sum of file and decisions as the nodes use it: defaults, ms and bytes, whole paths",
    );
  withExample(withJson(withConfig(command, context)), "hotspare config show --effective --json").action(
    async ({ config: file, json, effective }: ShowOptions) => {
      if (effective) return context.print(effectiveText(await sumOf(loadConfig(file, context.env), context), json));
      const rows = loadValues(file, context.env).show();
      context.print(json ? JSON.stringify(rows) : tableOf(rows));
    },
  );
}

function summary(config: Config) {
  return {
    file: config.file,
    cluster: config.cluster,
    hash: config.hash,
    proxies: config.proxies.length,
    hosts: config.hosts.length,
    pools: config.pools.length,
    initialised: config.vault.id !== null,
  };
}

function describe(config: Config): string {
  const counts = [
    plural(config.hosts.length, "host", "hosts"),
    plural(config.proxies.length, "proxy", "proxies"),
    plural(config.pools.length, "pool", "pools"),
  ].join(", ");
  const next = config.vault.id === null ? "; vault.id is missing: run hotspare init" : "";
  return `${config.file} is right: cluster ${config.cluster} with ${counts}, hash ${config.hash.slice(0, 12)}${next}`;
}

const plural = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

/** `null`: no host says what was decided. */
interface Sum extends Config {
  readonly revision: number | null;
}

async function sumOf(file: Config, context: CommandContext): Promise<Sum> {
  try {
    const link = await ClusterLink.open(file, context);
    const { hosts, decisions } = await link.ask().finally(() => link.close());
    if (hosts.some(({ report }) => report !== null)) {
      return { ...effectiveConfig(file, decisions), revision: decisions.revision };
    }
    context.warn(`no host answers: this is what ${file.file} says alone`);
  } catch (error) {
    if (!isHotspareError(error)) throw error;
    context.warn(`no host can be asked: this is what ${file.file} says alone (${error.message})`);
  }
  return { ...file, revision: null };
}

function effectiveText(config: Sum, json: true | undefined): string {
  return json ? JSON.stringify(config) : stringify(config, { aliasDuplicateObjects: false }).trimEnd();
}

function tableOf(rows: readonly ShownSetting[]): string {
  const table = new Table({ head: ["key", "value", "from"], style: { head: [], border: [], compact: true } });
  for (const { path, value, from } of rows) table.push([path, value === null ? "" : show(value), from]);
  return table.toString();
}

const show = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));
