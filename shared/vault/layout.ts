/**
 * The names inside a vault, built from validated ids and numbers only. Nothing else in the system makes such a name.
 * Numbers are written with 16 digits so that names sort as the numbers do; `docs/formats.md` has the table.
 */
import type { Brand } from "../brand.ts";
import type { NodeId, PoolId, Sha256 } from "../ids.ts";
import { epoch, slot, type Epoch, type Slot } from "../position.ts";

/** A file's path relative to the vault's root, with `/`. */
export type VaultName = Brand<string, "VaultName">;
/** A folder's path relative to the vault's root, with `/`, without one at the end. */
export type VaultFolder = Brand<string, "VaultFolder">;

/** Records per folder of the journal, so that no folder grows without bound. */
export const SHARD_SLOTS = 4096;

const DIGITS = 16;
const NUMBER = /^\d{16}$/;
const RECEIPT = /^(\d{16})(-end)?\.json$/;
const CHECKPOINT = /^(\d{16})-([0-9a-f]{64})\.json$/;

const pad = (value: number): string => String(value).padStart(DIGITS, "0");

export const clusterName = "cluster.json" as VaultName;
export const hostsFolder = "hosts" as VaultFolder;
export const poolsFolder = "pools" as VaultFolder;
export const revisionsFolder = "revisions" as VaultFolder;
export const temporaryFolder = "tmp" as VaultFolder;

/** A name among the temporary files, for a probe; `token` is random, in hex. */
export const temporaryName = (token: string): VaultName => `${temporaryFolder}/${token}` as VaultName;

export const hostHintName = (host: NodeId): VaultName => `hosts/${host}.json` as VaultName;
export const probeName = (host: NodeId): VaultName => `hosts/${host}.probe` as VaultName;

export const revisionName = (number: number): VaultName => `${revisionsFolder}/${pad(number)}` as VaultName;

export const journalFolder = (pool: PoolId): VaultFolder => `pools/${pool}/journal` as VaultFolder;
export const shardOf = (at: Slot): number => Math.floor(at / SHARD_SLOTS);
export const shardFolder = (pool: PoolId, shard: number): VaultFolder =>
  `${journalFolder(pool)}/${pad(shard)}` as VaultFolder;
export const recordFolder = (pool: PoolId, at: Slot): VaultFolder => shardFolder(pool, shardOf(at));
export const recordName = (pool: PoolId, at: Slot): VaultName => `${recordFolder(pool, at)}/${pad(at)}` as VaultName;

export const checkpointsFolder = (pool: PoolId): VaultFolder => `pools/${pool}/checkpoints` as VaultFolder;
export const checkpointImageName = (pool: PoolId, at: Slot, stateHash: Sha256): VaultName =>
  `${checkpointsFolder(pool)}/${pad(at)}-${stateHash}.zst` as VaultName;
export const checkpointManifestName = (pool: PoolId, at: Slot, stateHash: Sha256): VaultName =>
  `${checkpointsFolder(pool)}/${pad(at)}-${stateHash}.json` as VaultName;

export const receiptsFolder = (pool: PoolId): VaultFolder => `pools/${pool}/receipts` as VaultFolder;
export const receiptName = (pool: PoolId, of: Epoch): VaultName =>
  `${receiptsFolder(pool)}/${pad(of)}.json` as VaultName;

export const tenureEndName = (pool: PoolId, of: Epoch): VaultName =>
  `${receiptsFolder(pool)}/${pad(of)}-end.json` as VaultName;

/** What a listed receipt is of: how a tenure began, or how it ended. `null` for whatever else lies there. */
export function parseReceiptName(name: string): { readonly epoch: Epoch; readonly of: "begin" | "end" } | null {
  const match = RECEIPT.exec(name);
  return match ? { epoch: epoch(Number(match[1])), of: match[2] ? "end" : "begin" } : null;
}

/** The number that a listed shard or record name stands for; `null` for whatever else lies there. */
export function parseNumber(name: string): number | null {
  return NUMBER.test(name) ? Number(name) : null;
}

/** The slot and state hash of a listed manifest; `null` for whatever else lies there. */
export function parseManifestName(name: string): { readonly slot: Slot; readonly stateHash: Sha256 } | null {
  const match = CHECKPOINT.exec(name);
  if (!match?.[1] || !match[2]) return null;
  return { slot: slot(Number(match[1])), stateHash: match[2] as Sha256 };
}
