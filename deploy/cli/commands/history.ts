/** `hotspare history`: every failover of a pool, from the fences in the vault. No node has to run. */
import { InvalidArgumentError, type Command } from "commander";
import { loadConfig } from "../../../shared/config/load-config.ts";
import { HotspareError } from "../../../shared/errors.ts";
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
import { plainTable } from "../plain-table.ts";
import { printable } from "../printable.ts";
import { Spinner } from "../spinner.ts";
import { fenceHistory, type HistoricFence } from "../vault/fence-history.ts";
import { withVault, type VaultChoice } from "../vault/open-vault.ts";
import { wallText } from "../wall-text.ts";

interface HistoryOptions extends ConfigOption, JsonOption, PoolOption, VaultChoice {
  readonly epoch?: number;
}

export function historyCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("history")
    .summary("show every failover of a pool")
    .description("Shows the fences of a pool, newest first: who took over when, why, and by whose order.")
    .option("--epoch <number>", "only this epoch, with the votes", readEpoch)
    .option("--host <host>", "look through this host's mount point of the vault");
  withExample(withJson(withPool(withConfig(command, context))), "hotspare history --config hotspare.yaml").action(
    async (options: HistoryOptions) => run(options, context),
  );
}

async function run(options: HistoryOptions, context: CommandContext): Promise<void> {
  const config = loadConfig(options.config, context.env);
  const pool = choosePool(config, options.pool);
  const spinner = new Spinner(context, `reading the journal of pool ${pool}`);
  const { fences, broken } = await withVault(config, { ...options, clock: context.clock }, ({ vault }) =>
    fenceHistory({
      vault,
      pool,
      progress: (done, total) => spinner.progress(`journal of pool ${pool}`, done, total),
    }),
  ).finally(() => spinner.end());
  const shown = options.epoch === undefined ? fences : fences.filter(({ epoch }) => epoch === options.epoch);
  context.print(options.json ? JSON.stringify({ pool, fences: shown }) : textOf(shown, options));
  if (broken) throw broken;
  if (options.epoch !== undefined && shown.length === 0) {
    throw new HotspareError("HS_USAGE", { reason: `pool ${pool} never had an epoch ${options.epoch}` });
  }
}

function textOf(fences: readonly HistoricFence[], { epoch }: HistoryOptions): string {
  if (fences.length === 0) return "no fence yet: nobody ever served this pool";
  const rows = fences.map((fence) => [
    fence.epoch,
    fence.slot,
    wallText(fence.wallMs),
    fence.isVoid ? `${fence.owner} (void)` : fence.owner,
    fence.reason,
    fence.orderedBy,
    printable(fence.cause),
  ]);
  const table = plainTable(["epoch", "slot", "when", "owner", "reason", "ordered by", "cause"], rows);
  return epoch === undefined ? table : [table, ...fences.flatMap(detailsOf)].join("\n");
}

function detailsOf({ id, bootId, schema, votes }: HistoricFence): readonly string[] {
  const said = votes.map(({ by, verdict }) => printable(`${by}: ${verdict}`));
  return [
    `fence ${id}, boot ${bootId}`,
    `schema ${printable(schema.join(", ")) || "none"}`,
    `votes ${said.join("; ") || "none"}`,
  ];
}

function readEpoch(text: string): number {
  const epoch = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (epoch >= 1) return epoch;
  throw new InvalidArgumentError("accepted is a number from 1 on");
}
