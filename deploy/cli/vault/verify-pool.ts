/**
 * Reads everything that a pool has in the vault and finds out whether it is right: the image of each checkpoint against
 * its manifest, then each record and the chain, then receipts. Changes nothing. Safe while the pool is served: what appears
 * meanwhile is left out, and what is cleaned away meanwhile is covered by a checkpoint.
 */
import type { CheckpointId } from "../../../shared/checkpoint/manifest-codec.ts";
import type { Manifest } from "../../../shared/checkpoint/manifest.ts";
import { listCheckpoints } from "../../../shared/checkpoint/list-checkpoints.ts";
import { readImage } from "../../../shared/checkpoint/read-image.ts";
import { readManifest } from "../../../shared/checkpoint/read-manifest.ts";
import { HotspareError } from "../../../shared/errors.ts";
import type { PoolId } from "../../../shared/ids.ts";
import type { Head } from "../../../shared/journal/head.ts";
import type { Slot } from "../../../shared/position.ts";
import { checkpointImageName } from "../../../shared/vault/layout.ts";
import type { Vault } from "../../../shared/vault/vault.ts";
import type { Found } from "../../../host/core/publication.ts";
import { JournalReader } from "../../../host/journal-reader.ts";
import { ChainAudit, type ChainReport } from "./chain-audit.ts";
import { damagedReceipts, listReceipts, type DamagedReceipt } from "./list-receipts.ts";
import { listPoolFiles } from "./pool-files.ts";

export interface VerifyOptions {
  readonly vault: Vault;
  readonly pool: PoolId;
  readonly progress?: (what: string, done: number, total: number) => void;
}

export interface PoolVerification extends ChainReport {
  readonly pool: PoolId;
  /** Checkpoints that are intact. */
  readonly checkpoints: readonly { readonly slot: Slot; readonly bytes: number }[];
  readonly receipts: number;
  /** No problem: nothing rests on a receipt. */
  readonly damagedReceipts: readonly DamagedReceipt[];
}

/** Records that are read at once. */
const READS = 8;
/** Fresh reads before something is taken to be damaged. */
const TRIES = 3;

/** @throws {HotspareError} HS_VAULT_IO where the vault cannot even be listed. */
export async function verifyPool(options: VerifyOptions): Promise<PoolVerification> {
  const { vault, pool } = options;
  const { checkpoints: ids, slots } = await listPoolFiles(vault, pool);
  const { intact, problems } = await verifyCheckpoints(options, ids);
  const audit = new ChainAudit(
    pool,
    intact.map(({ head }) => head),
  );
  await readRecords(options, slots, (at, found) => audit.add(at, found));
  const chain = audit.finish();
  const checkpoints = intact.map(({ head, manifest }) => ({ slot: head.slot, bytes: manifest.fileBytes }));
  const receipts = await listReceipts(vault, pool);
  return {
    pool,
    checkpoints,
    ...chain,
    receipts: receipts.length,
    damagedReceipts: await damagedReceipts(vault, pool, receipts),
    problems: [...chain.problems, ...problems],
  };
}

interface Intact {
  readonly head: Head;
  readonly manifest: Manifest;
}

async function verifyCheckpoints(
  options: VerifyOptions,
  ids: readonly CheckpointId[],
): Promise<{ readonly intact: readonly Intact[]; readonly problems: readonly HotspareError[] }> {
  const intact: Intact[] = [];
  const problems: HotspareError[] = [];
  for (const id of ids.toReversed()) {
    const verdict = await verifyCheckpoint(options, id);
    if (verdict instanceof HotspareError) problems.push(verdict);
    else if (verdict) intact.push(verdict);
  }
  return { intact, problems };
}

/** `null`: it was cleaned away meanwhile. */
async function verifyCheckpoint(options: VerifyOptions, id: CheckpointId): Promise<Intact | HotspareError | null> {
  const { vault, pool, progress } = options;
  const read = await readManifest(vault, pool, id);
  if (read.type === "absent") return null;
  if (read.type === "damaged") return read.error;
  const { manifest, head } = read;
  let bytes = 0;
  const write = (chunk: Buffer): void => {
    bytes += chunk.length;
    progress?.(`checkpoint at slot ${id.slot} of pool ${pool}`, bytes, manifest.imageBytes);
  };
  const image = await readImage({ vault, pool, facts: manifest, write });
  if (image.type === "intact") return { head, manifest };
  if (image.type === "damaged") return image.error;
  const name = checkpointImageName(pool, id.slot, id.stateHash);
  return (await isListed(options, id))
    ? new HotspareError("HS_CHECKPOINT_INVALID", { name, reason: "its manifest is there, its image is not" })
    : null;
}

async function isListed({ vault, pool }: VerifyOptions, id: CheckpointId): Promise<boolean> {
  const ids = await listCheckpoints(vault, pool);
  return ids.some(({ slot, stateHash }) => slot === id.slot && stateHash === id.stateHash);
}

async function readRecords(
  { vault, pool, progress }: VerifyOptions,
  slots: readonly Slot[],
  add: (at: Slot, found: Found) => void,
): Promise<void> {
  const reader = new JournalReader(vault, pool);
  for (let index = 0; index < slots.length; index += READS) {
    const some = slots.slice(index, index + READS);
    const found = await Promise.all(some.map((at) => findFresh(reader, at)));
    for (const [offset, at] of some.entries()) add(at, found[offset] ?? { type: "absent" });
    progress?.(`records of pool ${pool}`, index, slots.length);
  }
}

async function findFresh(reader: JournalReader, at: Slot): Promise<Found> {
  let found = await reader.find(at);
  for (let tries = 1; tries < TRIES && isDoubtful(found); tries += 1) found = await reader.find(at);
  return found;
}

const isDoubtful = ({ type }: Found): boolean => type === "invalid" || type === "unreadable";
