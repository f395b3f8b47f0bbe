/** `hotspare restore`: a pool's state out of the vault as a plain SQLite file. Reads the vault only; no node has to run. */
import { resolve } from "node:path";
import { InvalidArgumentError, type Command } from "commander";
import { loadConfig } from "../../../shared/config/load-config.ts";
import { HotspareError, isHotspareError, reasonOf } from "../../../shared/errors.ts";
import type { PoolId } from "../../../shared/ids.ts";
import { lsn, type Lsn } from "../../../shared/position.ts";
import type { Vault } from "../../../shared/vault/vault.ts";
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
import { fetchNamed } from "../restore/fetch-checkpoint.ts";
import { followHistory, type Followed } from "../restore/follow-history.ts";
import { writePlainDatabase, type PlainDatabase } from "../restore/plain-database.ts";
import { withTarget } from "../restore/target-file.ts";
import { sizeText } from "../size-text.ts";
import { Spinner } from "../spinner.ts";
import { vaultDirectory, withVault, type VaultChoice } from "../vault/open-vault.ts";

interface RestoreOptions extends ConfigOption, JsonOption, PoolOption, VaultChoice {
  readonly to: string;
  readonly checkpoint?: string;
  readonly lsn?: Lsn;
  readonly force?: true;
}

type Restored = Followed & PlainDatabase;

export function restoreCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("restore")
    .summary("write a pool's state into a plain SQLite file")
    .description(
      "Writes a pool's state from the vault into a plain SQLite file: as it is now, or as it was. Changes nothing in the vault.",
    )
    .requiredOption("--to <file>", "the file to write")
    .option("--checkpoint <slot>", "the state of exactly this checkpoint")
    .option("--lsn <number>", "the state after exactly this commit; not before the oldest checkpoint", readLsn)
    .option("--force", "replace the file if it is there")
    .option("--host <host>", "look through this host's mount point of the vault");
  withExample(
    withJson(withPool(withConfig(command, context))),
    "hotspare restore --to app.db --config hotspare.yaml",
  ).action(async (options: RestoreOptions) => run(options, context));
}

async function run(options: RestoreOptions, context: CommandContext): Promise<void> {
  if (options.checkpoint !== undefined && options.lsn !== undefined) {
    throw new HotspareError("HS_USAGE", { reason: "--checkpoint and --lsn are two ways to say which state: give one" });
  }
  const config = loadConfig(options.config, context.env);
  const pool = choosePool(config, options.pool);
  const target = {
    file: options.to,
    force: options.force === true,
    vaultDirectory: vaultDirectory(config, options.host),
  };
  const spinner = new Spinner(context, `reading pool ${pool}`);
  const restored = await withVault(config, { ...options, clock: context.clock }, ({ vault }) =>
    withTarget(target, async (folder, file): Promise<Restored> => {
      const followed = await fetchState(options, { vault, pool, folder, spinner }, context);
      spinner.say("writing and checking the file");
      return { ...followed, ...writePlainDatabase(pool, followed.file, file) };
    }),
  )
    .catch((error: unknown) => {
      throw isHotspareError(error) ? error : failure(pool, error);
    })
    .finally(() => spinner.end());
  tell(restored, { pool, file: resolve(options.to), json: options.json === true }, context);
}

interface Reading {
  readonly vault: Vault;
  readonly pool: PoolId;
  readonly folder: string;
  readonly spinner: Spinner;
}

async function fetchState(
  { checkpoint, lsn: goal = null }: { readonly checkpoint?: string; readonly lsn?: Lsn | null },
  { vault, pool, folder, spinner }: Reading,
  { clock }: CommandContext,
): Promise<Followed> {
  const progress = (text: string, done: number, total: number): void => spinner.progress(text, done, total);
  if (checkpoint === undefined) return followHistory({ vault, pool, folder, goal, clock, progress });
  const file = `${folder}/image.db`;
  const { id, head } = await fetchNamed({ vault, pool, file, atLeast: null, atMostLsn: null, progress }, checkpoint);
  return { file, head, checkpoint: id, records: 0, skipped: [] };
}

function tell(
  { head, checkpoint, records, skipped, bytes, tables, foreignKeyViolations }: Restored,
  { pool, file, json }: { readonly pool: PoolId; readonly file: string; readonly json: boolean },
  { print, warn }: CommandContext,
): void {
  if (json) {
    const damaged = skipped.map(({ id, error: { code, message } }) => ({ slot: id.slot, code, message }));
    const { slot, lsn: last, fence } = head;
    const place = { slot, lsn: last, epoch: fence.epoch, checkpoint: checkpoint?.slot ?? null, records };
    return print(JSON.stringify({ pool, file, ...place, bytes, tables, foreignKeyViolations, skipped: damaged }));
  }
  for (const { error } of skipped) warn(`${error.message} (${error.code}): an older one is used`);
  const from = checkpoint === null ? "the beginning of the journal" : `the checkpoint at slot ${checkpoint.slot}`;
  print(`pool ${pool}, slot ${head.slot}, LSN ${head.lsn}: ${sizeText(bytes)}, ${tables} tables in ${file}`);
  print(`from ${from} and ${records} records after it`);
  if (foreignKeyViolations > 0) warn(`${foreignKeyViolations} rows refer to rows that are not there`);
}

const failure = (pool: PoolId, error: unknown): HotspareError =>
  new HotspareError("HS_RESTORE_FAILED", { pool, reason: reasonOf(error) }, { cause: error });

function readLsn(text: string): Lsn {
  const number = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (number >= 1) return lsn(number);
  throw new InvalidArgumentError("accepted is a number from 1 on");
}
