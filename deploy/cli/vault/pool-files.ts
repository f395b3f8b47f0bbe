/** What a pool has in the vault, by name: what to look at. Nothing is concluded from a name alone. */
import { listCheckpoints } from "../../../shared/checkpoint/list-checkpoints.ts";
import type { CheckpointId } from "../../../shared/checkpoint/manifest-codec.ts";
import type { Config } from "../../../shared/config/config.ts";
import { HotspareError, isHotspareError } from "../../../shared/errors.ts";
import { parsePoolId, type PoolId } from "../../../shared/ids.ts";
import { slot, type Slot } from "../../../shared/position.ts";
import { journalFolder, parseNumber, poolsFolder, shardFolder } from "../../../shared/vault/layout.ts";
import type { Vault } from "../../../shared/vault/vault.ts";

export interface PoolFiles {
  /** Newest first. */
  readonly checkpoints: readonly CheckpointId[];
  /** Of the journal's records, ascending. */
  readonly slots: readonly Slot[];
}

/** Checkpoints before records: a checkpoint that let a record be deleted then shows if the record does not. */
export async function listPoolFiles(vault: Vault, pool: PoolId): Promise<PoolFiles> {
  const checkpoints = await listCheckpoints(vault, pool);
  const slots: Slot[] = [];
  for (const shard of numbers(await vault.list(journalFolder(pool)))) {
    for (const at of numbers(await vault.list(shardFolder(pool, shard)))) slots.push(slot(at));
  }
  return { checkpoints, slots };
}

/**
 * The pools that the vault has, or the one that is asked for.
 * @throws {HotspareError} HS_USAGE if that one is neither in the vault nor in the configuration.
 */
export async function choosePools(vault: Vault, config: Config, name: string | undefined): Promise<readonly PoolId[]> {
  const configured = config.pools.map(({ id }) => id);
  const known = [...new Set([...configured, ...(await listPools(vault))])].toSorted();
  if (name === undefined) return known;
  const found = known.find((id) => id === name);
  if (found) return [found];
  throw new HotspareError("HS_USAGE", { reason: `there is no pool ${name}; there are ${known.join(", ")}` });
}

async function listPools(vault: Vault): Promise<readonly PoolId[]> {
  return (await vault.list(poolsFolder)).flatMap((name) => poolNamed(name) ?? []);
}

function poolNamed(name: string): PoolId | null {
  try {
    return parsePoolId(name);
  } catch (error) {
    if (isHotspareError(error)) return null; // Whatever else lies there is no pool.
    throw error;
  }
}

const numbers = (names: readonly string[]): readonly number[] => names.flatMap((name) => parseNumber(name) ?? []);
