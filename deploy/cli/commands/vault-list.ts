/** `hotspare vault list`: which records, checkpoints and receipts there are. */
import type { Command } from "commander";
import { loadConfig } from "../../../shared/config/load-config.ts";
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
import { plainTable } from "../plain-table.ts";
import { printable } from "../printable.ts";
import { sizeText } from "../size-text.ts";
import { Spinner } from "../spinner.ts";
import { listPool, type ListedCheckpoint, type PoolListing } from "../vault/list-pool.ts";
import { withVault, type OpenVault, type VaultChoice } from "../vault/open-vault.ts";
import { choosePools } from "../vault/pool-files.ts";
import { wallText } from "../wall-text.ts";

interface ListOptions extends ConfigOption, JsonOption, PoolOption, VaultChoice {}

export function registerVaultList(group: Command, context: CommandContext): void {
  const command = group
    .command("list")
    .description("Lists records by runs and kinds, checkpoints with who vouches for them, and receipts of takeovers.")
    .option("--host <host>", "look through this host's mount point");
  withExample(withJson(withPool(withConfig(command, context))), "hotspare vault list --config hotspare.yaml").action(
    async (options: ListOptions) => run(options, context),
  );
}

async function run(options: ListOptions, context: CommandContext): Promise<void> {
  const config = loadConfig(options.config, context.env);
  const hosts = config.hosts.map(({ id }) => id);
  const spinner = new Spinner(context, "reading the vault");
  const listAll = async ({ vault }: OpenVault): Promise<PoolListing[]> => {
    const listed: PoolListing[] = [];
    for (const pool of await choosePools(vault, config, options.pool)) {
      const progress = (done: number, total: number): void => spinner.progress(`records of pool ${pool}`, done, total);
      listed.push(await listPool({ vault, pool, hosts, progress }));
    }
    return listed;
  };
  const pools = await withVault(config, { ...options, clock: context.clock }, listAll).finally(() => spinner.end());
  context.print(options.json ? JSON.stringify({ pools }) : pools.map(textOf).join("\n\n"));
}

function textOf({ pool, records, checkpoints, receipts }: PoolListing): string {
  const runs = records.map((run) => [
    run.from,
    run.to,
    run.records,
    run.batch,
    run.fence,
    run.release,
    run.format,
    run.unreadable,
  ]);
  const head = ["from", "to", "records", "batch", "fence", "release", "format", "unreadable"];
  return [
    `pool ${pool}`,
    runs.length === 0 ? "no records" : plainTable(head, runs),
    checkpoints.length === 0 ? "no checkpoints" : checkpointTable(checkpoints),
    receiptsText(receipts),
  ].join("\n");
}

function receiptsText(receipts: PoolListing["receipts"]): string {
  const [first, last] = [receipts[0], receipts.at(-1)];
  if (!first || !last) return "no receipts";
  const begins = receipts.filter(({ of }) => of === "begin").length;
  const ends = receipts.length - begins;
  return `receipts of ${begins} takeovers, of ${ends} ends of tenures; epochs ${first.epoch} to ${last.epoch}`;
}

function checkpointTable(checkpoints: readonly ListedCheckpoint[]): string {
  const rows = checkpoints.map(({ slot, wallMs, bytes, imageBytes, by, reason, stateHash, ...word }) => [
    slot,
    wallMs === null ? "unreadable" : wallText(wallMs),
    bytes === null ? null : sizeText(bytes),
    imageBytes === null ? null : sizeText(imageBytes),
    by === null ? null : printable(by),
    reason === null ? null : printable(reason),
    word.contradictedBy === null ? (word.attestedBy ?? "nobody yet") : `CONTRADICTED by ${word.contradictedBy}`,
    stateHash.slice(0, 12),
  ]);
  return plainTable(["checkpoint", "when", "file", "image", "by", "reason", "attested by", "state"], rows);
}
