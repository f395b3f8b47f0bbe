/**
 * The folder of a local cluster: found again with its data, or made. Everything that may be wrong is found out before
 * anything is made or started: the configuration, ports that are taken, a vault that is another or cannot be written.
 */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Config } from "../../../shared/config/config.ts";
import { loadConfig, toConfig } from "../../../shared/config/load-config.ts";
import { parseConfig } from "../../../shared/config/parse-config.ts";
import { probeVault } from "../../../shared/vault/probe-vault.ts";
import type { CommandContext } from "../command.ts";
import { initCluster } from "../init-cluster.ts";
import { DEFAULT_PORTS, localClusterText, portBlock } from "../local-cluster.ts";
import { withVault } from "../vault/open-vault.ts";
import { checkPorts } from "./check-ports.ts";

export interface FolderOptions {
  readonly folder: string;
  /** First of a block of ports, for a cluster that is made now. */
  readonly port?: number;
}

export interface PreparedFolder {
  readonly config: Config;
  /** What a user should know of how it was prepared, a line each. */
  readonly notes: readonly string[];
}

/** @throws {HotspareError} HS_CONFIG_…, HS_PORT_TAKEN, HS_SECRET_…, HS_VAULT_… */
export async function prepareFolder(options: FolderOptions, context: CommandContext): Promise<PreparedFolder> {
  const { env, clock, random } = context;
  const file = resolve(options.folder, "hotspare.yaml");
  const isNew = !existsSync(file);
  const template = localClusterText(options.port === undefined ? DEFAULT_PORTS : portBlock(options.port));
  const planned = isNew ? toConfig(parseConfig(template, file, env)) : loadConfig(file, env);
  await checkPorts(planned, isNew ? "Choose another block with --port" : `Its ports are in ${file}`);
  const { config } = await initCluster({ file, template, env, random, clock });
  await withVault(config, { clock }, (place) => probeVault(place, random));
  return { config, notes: isNew ? [`made a new cluster in ${resolve(options.folder)}`] : notesOn(planned, options) };
}

function notesOn(config: Config, { port, folder }: FolderOptions): readonly string[] {
  const found = `found the cluster in ${resolve(folder)}`;
  if (port === undefined || config.proxies[0]?.listen.port === port) return [found];
  return [found, `it has ports of its own, in ${config.file}: --port ${port} is not used`];
}
