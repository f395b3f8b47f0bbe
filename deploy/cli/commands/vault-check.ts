/** `hotspare vault check`: whether this machine can use the vault, and what follows from the kind of share it is. */
import type { Command } from "commander";
import { loadConfig } from "../../../shared/config/load-config.ts";
import type { Config, PoolConfig } from "../../../shared/config/config.ts";
import { isLinearizable, isNetwork, type FileSystem } from "../../../shared/vault/mount.ts";
import { probeVault } from "../../../shared/vault/probe-vault.ts";
import type { Space } from "../../../shared/vault/vault.ts";
import {
  withConfig,
  withExample,
  withJson,
  type CommandContext,
  type ConfigOption,
  type JsonOption,
} from "../command.ts";
import { plainTable } from "../plain-table.ts";
import { sizeText } from "../size-text.ts";
import { withVault, type OpenVault, type VaultChoice } from "../vault/open-vault.ts";
import { timeVault, type VaultTimes } from "../vault/time-vault.ts";

type CheckOptions = ConfigOption & JsonOption & VaultChoice;

interface Checked {
  readonly directory: string;
  readonly cluster: string;
  readonly vaultId: string;
  readonly mount: FileSystem;
  /** By pool: what a linearizable read is proven by. */
  readonly reads: Readonly<Record<string, "check" | "barrier">>;
  readonly space: Space;
  readonly times: VaultTimes;
  readonly remarks: readonly string[];
}

/** Well above what a network file system may cache. */
const NETWORK_CLEAN_DELAY_MS = 3_600_000;
const LITTLE_SPACE_BYTES = 1024 ** 3;

export function registerVaultCheck(group: Command, context: CommandContext): void {
  const command = group
    .command("check")
    .description(
      "Checks that the vault is this cluster's, can be written, creates a name exactly once, and how fast it is. Exit code 0, or that of the error.",
    )
    .option("--host <host>", "look through this host's mount point");
  withExample(withJson(withConfig(command, context)), "hotspare vault check --config hotspare.yaml").action(
    async (options: CheckOptions) => run(options, context),
  );
}

async function run(options: CheckOptions, context: CommandContext): Promise<void> {
  const config = loadConfig(options.config, context.env);
  const checked = await withVault(config, { ...options, clock: context.clock }, (open) => check(config, open, context));
  context.print(options.json ? JSON.stringify(checked) : textOf(checked));
}

async function check(config: Config, open: OpenVault, context: CommandContext): Promise<Checked> {
  const { vault, directory, identity } = open;
  await probeVault(open, context.random);
  const times = await timeVault(directory, context);
  const mount = await vault.fileSystem();
  const space = await vault.space();
  return {
    directory,
    ...identity,
    mount,
    reads: Object.fromEntries(config.pools.map((pool) => [pool.id, readsOf(pool, mount)])),
    space,
    times,
    remarks: remarksOn(config, mount, space),
  };
}

const readsOf = ({ reads }: PoolConfig, mount: FileSystem): "check" | "barrier" =>
  reads !== "auto" ? reads : isLinearizable(mount) ? "check" : "barrier";

function remarksOn({ pools, cleanDelayMs }: Config, mount: FileSystem, { freeBytes }: Space): readonly string[] {
  const unsafe = pools.filter(({ reads }) => reads === "check" && !isLinearizable(mount));
  return [
    ...unsafe.map(
      ({ id }) => `pool ${id}: reads: check is not known to be right on ${mount.type}; use auto or barrier`,
    ),
    ...(isNetwork(mount) && cleanDelayMs < NETWORK_CLEAN_DELAY_MS
      ? [`cleanDelay is ${cleanDelayMs / 1000} s; on a network file system set it to 1h or more`]
      : []),
    ...(freeBytes < LITTLE_SPACE_BYTES ? [`only ${sizeText(freeBytes)} are free`] : []),
  ];
}

function textOf({ directory, cluster, vaultId, mount, reads, space, times, remarks }: Checked): string {
  const { publishMs, contentsMs, linkMs, folderMs, tries } = times;
  const inodes = Number.isFinite(space.freeInodes) ? `, ${space.freeInodes} inodes` : "";
  return plainTable(
    ["vault", directory],
    [
      ["identity", `cluster ${cluster}, id ${vaultId}: as the configuration says`],
      ["writable", "yes; of several that created one name, exactly one won"],
      ["mount", `${mount.type} at ${mount.mountPoint} (${mount.options.join(",")})`],
      ...Object.entries(reads).map(([pool, mode]) => ["reads", `${mode} for pool ${pool}`]),
      ["free", `${sizeText(space.freeBytes)}${inodes}`],
      ["publish", `${publishMs} ms: contents ${contentsMs}, link ${linkMs}, folder ${folderMs} (medians of ${tries})`],
      ...remarks.map((remark) => ["remark", remark]),
    ],
  );
}
