/** `hotspare history`: every failover of a pool, from fences and receipts in the vault. No node has to run. */
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
import { takeoverText } from "../takeover-text.ts";
import { fenceHistory } from "../vault/fence-history.ts";
import { withVault, type OpenVault, type VaultChoice } from "../vault/open-vault.ts";
import { takeoverHistory, type Takeover } from "../vault/takeover-history.ts";
import { wallText } from "../wall-text.ts";

interface HistoryOptions extends ConfigOption, JsonOption, PoolOption, VaultChoice {
  readonly epoch?: number;
}

interface History {
  readonly shown: readonly Takeover[];
  readonly broken: HotspareError | null;
}

export function historyCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("history")
    .summary("show every failover of a pool")
    .description(
      "Shows every takeover of a pool, newest first: who took over when, why, by whose order, and how long it took.",
    )
    .option("--epoch <number>", "the whole receipt of this epoch", readEpoch)
    .option("--host <host>", "look through this host's mount point of the vault");
  withExample(withJson(withPool(withConfig(command, context))), "hotspare history --config hotspare.yaml").action(
    async (options: HistoryOptions) => run(options, context),
  );
}

async function run(options: HistoryOptions, context: CommandContext): Promise<void> {
  const config = loadConfig(options.config, context.env);
  const pool = choosePool(config, options.pool);
  const spinner = new Spinner(context, `reading the journal of pool ${pool}`);
  const read = async ({ vault }: OpenVault): Promise<History> => {
    const progress = (done: number, total: number): void => spinner.progress(`journal of pool ${pool}`, done, total);
    const { fences, broken } = await fenceHistory({ vault, pool, progress });
    return { shown: await takeoverHistory({ vault, pool, fences, epoch: options.epoch }), broken };
  };
  const { shown, broken } = await withVault(config, { ...options, clock: context.clock }, read).finally(() =>
    spinner.end(),
  );
  context.print(options.json ? JSON.stringify({ pool, fences: shown }) : textOf(shown, options));
  if (broken) throw broken;
  if (options.epoch !== undefined && shown.length === 0) {
    throw new HotspareError("HS_USAGE", { reason: `pool ${pool} never had an epoch ${options.epoch}` });
  }
}

function textOf(takeovers: readonly Takeover[], { epoch }: HistoryOptions): string {
  if (takeovers.length === 0) return "no fence yet: nobody ever served this pool";
  return epoch === undefined ? tableOf(takeovers) : takeovers.map(takeoverText).join("\n\n");
}

function tableOf(takeovers: readonly Takeover[]): string {
  const rows = takeovers.map((takeover) => [
    takeover.epoch,
    takeover.slot,
    wallText(takeover.wallMs),
    takeover.isVoid ? `${takeover.owner} (void)` : takeover.owner,
    takeover.reason,
    takeover.orderedBy,
    takeover.tookMs === null ? null : Math.round(takeover.tookMs),
    printable(takeover.cause),
  ]);
  return plainTable(["epoch", "slot", "when", "owner", "reason", "ordered by", "ms", "cause"], rows);
}

function readEpoch(text: string): number {
  const epoch = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (epoch >= 1) return epoch;
  throw new InvalidArgumentError("accepted is a number from 1 on");
}
