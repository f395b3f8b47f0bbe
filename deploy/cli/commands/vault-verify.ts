/** `hotspare vault verify`: reads everything in the vault and says whether all of it is right. */
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
import { sizeText } from "../size-text.ts";
import { Spinner } from "../spinner.ts";
import { withVault, type OpenVault, type VaultChoice } from "../vault/open-vault.ts";
import { choosePools } from "../vault/pool-files.ts";
import { verifyPool, type PoolVerification } from "../vault/verify-pool.ts";

interface VerifyOptions extends ConfigOption, JsonOption, PoolOption, VaultChoice {}

/** Problems that are printed; one is enough to be told that something is wrong. */
const MOST_PROBLEMS = 20;

export function registerVaultVerify(group: Command, context: CommandContext): void {
  const command = group
    .command("verify")
    .description(
      "Reads every record and every checkpoint and verifies checksums, chain and contents. Exit code 0, or 65 and the first that is wrong.",
    )
    .option("--host <host>", "look through this host's mount point");
  withExample(withJson(withPool(withConfig(command, context))), "hotspare vault verify --config hotspare.yaml").action(
    async (options: VerifyOptions) => run(options, context),
  );
}

async function run(options: VerifyOptions, context: CommandContext): Promise<void> {
  const config = loadConfig(options.config, context.env);
  const spinner = new Spinner(context, "reading the vault");
  const verifyAll = async ({ vault }: OpenVault): Promise<PoolVerification[]> => {
    const verified: PoolVerification[] = [];
    for (const pool of await choosePools(vault, config, options.pool)) {
      verified.push(await verifyPool({ vault, pool, progress: (...step) => spinner.progress(...step) }));
    }
    return verified;
  };
  const pools = await withVault(config, { ...options, clock: context.clock }, verifyAll).finally(() => spinner.end());
  context.print(options.json ? JSON.stringify({ pools: pools.map(jsonOf) }) : pools.map(textOf).join("\n"));
  const [first] = pools.flatMap(({ problems }) => problems);
  if (first) throw first;
}

function jsonOf({ problems, ...rest }: PoolVerification): object {
  return { ...rest, problems: problems.map(({ code, message, details }) => ({ code, message, details })) };
}

function textOf({
  pool,
  records,
  bytes,
  first,
  head,
  checkpoints,
  gaps,
  voidFences,
  receipts,
  damagedReceipts,
  problems,
}: PoolVerification): string {
  const range = first === null ? "" : ` from slot ${first}`;
  const end = head === null ? "" : ` to slot ${head.slot} (LSN ${head.lsn}, epoch ${head.fence.epoch})`;
  const more = problems.length - MOST_PROBLEMS;
  return [
    `pool ${pool}: ${problems.length === 0 ? "everything is right" : "NOT RIGHT"}`,
    `  ${records} records${range}${end}, ${sizeText(bytes)}`,
    ...checkpoints.map((checkpoint) => `  checkpoint at slot ${checkpoint.slot}, ${sizeText(checkpoint.bytes)}`),
    ...gaps.map(({ from, to, coveredBy }) => {
      const cover = coveredBy === null ? "no checkpoint covers them" : `covered by the checkpoint at slot ${coveredBy}`;
      return `  slots ${from} to ${to} are not there: ${cover}`;
    }),
    ...voidFences.map(({ slot, owner, epoch }) => `  void fence of ${owner} at slot ${slot}, epoch ${epoch}`),
    `  ${receipts} receipts`,
    ...damagedReceipts.map(
      ({ epoch, of, reason }) =>
        `  the receipt of the ${of} of epoch ${epoch} is damaged, nothing rests on it: ${reason}`,
    ),
    ...problems.slice(0, MOST_PROBLEMS).map(({ message, code }) => `  ${message} (${code})`),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ].join("\n");
}
