/**
 * Brings the newest valid checkpoint into a local file. What is found in the vault is believed only as far as it has been
 * checked: format, schema and name of the manifest, origin, sizes, SHA-256, the database itself, and that its `hs_meta`
 * is the manifest's head. One that fails any of these is skipped, and the next older one is tried.
 *
 * The caller gives a file in a folder that nothing uses yet, and switches to it only after `restored`.
 */
import { closeSync, existsSync, fsyncSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { listCheckpoints } from "../../shared/checkpoint/list-checkpoints.ts";
import type { CheckpointId } from "../../shared/checkpoint/manifest-codec.ts";
import type { Manifest } from "../../shared/checkpoint/manifest.ts";
import { readImage } from "../../shared/checkpoint/read-image.ts";
import { readManifest } from "../../shared/checkpoint/read-manifest.ts";
import type { Zstd } from "../../shared/checkpoint/zstd.ts";
import { sameHead } from "../../shared/checkpoint/same-head.ts";
import { assert, HotspareError, isHotspareError, reasonOf } from "../../shared/errors.ts";
import type { OriginId, PoolId } from "../../shared/ids.ts";
import type { Head } from "../../shared/journal/head.ts";
import type { Slot } from "../../shared/position.ts";
import { checkpointImageName, checkpointsFolder } from "../../shared/vault/layout.ts";
import type { Vault } from "../../shared/vault/vault.ts";
import { inspectImage } from "./inspect-image.ts";

export interface RestoreOptions {
  readonly vault: Vault;
  readonly pool: PoolId;
  /** Where the image goes. Absent before; absent again unless it is restored. */
  readonly file: string;
  /** Only checkpoints at or beyond this slot: for a node that cannot pass a record. */
  readonly atLeastSlot?: Slot | undefined;
  /** Only checkpoints of this pool's history. Default: any, as a host without a state knows none. */
  readonly origin?: OriginId | undefined;
  /** Only this one. */
  readonly only?: CheckpointId | undefined;
  readonly progress?: ((progress: RestoreProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly zstd?: Zstd | undefined;
}

export interface RestoreProgress {
  readonly slot: Slot;
  /** Bytes of the image that are in the file. */
  readonly bytes: number;
  readonly totalBytes: number;
}

/** A checkpoint that could not be used, and why: HS_CHECKPOINT_INVALID, HS_VAULT_FORMAT, HS_VAULT_IO. */
export interface Skipped {
  readonly id: CheckpointId;
  readonly error: HotspareError;
}

/**
 * `none`: there is none that could be wanted. `failed`: there are some, but none could be used now; `error` is that of the
 * newest. Nothing is left in the file for either.
 */
export type Restored =
  | {
      readonly type: "restored";
      readonly file: string;
      readonly head: Head;
      readonly manifest: Manifest;
      readonly skipped: readonly Skipped[];
    }
  | { readonly type: "none" }
  | { readonly type: "failed"; readonly error: HotspareError; readonly skipped: readonly Skipped[] };

/** How often a checkpoint may vanish (deleted as old) before this gives up; each time the newest listing is tried. */
const MAX_LISTINGS = 8;

/** @throws the signal's reason. */
export async function restoreCheckpoint(options: RestoreOptions): Promise<Restored> {
  assert(!existsSync(options.file), "a restore goes into a file that is absent before");
  const tried = new Map<string, Skipped>();
  const vanished = new Set<string>();
  try {
    for (let listings = 0; listings < MAX_LISTINGS; listings += 1) {
      const result = await tryListed(options, tried, vanished);
      if (result !== "vanished") return result;
    }
    return failed(options, "checkpoints vanished faster than they could be read", tried);
  } catch (error) {
    rmSync(options.file, { force: true });
    options.signal?.throwIfAborted();
    if (isHotspareError(error)) return { type: "failed", error, skipped: [...tried.values()] };
    return failed(options, reasonOf(error), tried, error);
  }
}

/** `vanished`: what was listed is gone. Seen twice of the same one, it is the listing that is stale: the next one then. */
async function tryListed(
  options: RestoreOptions,
  tried: Map<string, Skipped>,
  vanished: Set<string>,
): Promise<Restored | "vanished"> {
  const ids = await wanted(options);
  for (const id of ids) {
    const key = `${id.slot}-${id.stateHash}`;
    if (tried.has(key)) continue;
    options.signal?.throwIfAborted();
    const attempt = await tryOne(options, id);
    if (attempt.type === "restored") return { ...attempt, skipped: [...tried.values()] };
    if (attempt.type === "vanished" && !vanished.has(key)) {
      vanished.add(key);
      return "vanished";
    }
    tried.set(key, { id, error: attempt.type === "vanished" ? missing(options, id) : attempt.error });
  }
  const [newest] = tried.values();
  if (!newest) return { type: "none" };
  return { type: "failed", error: newest.error, skipped: [...tried.values()] };
}

/** What was listed is made durable before anybody builds on it. */
async function wanted({ vault, pool, atLeastSlot, only }: RestoreOptions): Promise<readonly CheckpointId[]> {
  const ids = await listCheckpoints(vault, pool);
  if (ids.length > 0) await vault.sync(checkpointsFolder(pool));
  return ids.filter(
    ({ slot, stateHash }) =>
      slot >= (atLeastSlot ?? 0) && (!only || (slot === only.slot && stateHash === only.stateHash)),
  );
}

type Attempt =
  | { readonly type: "restored"; readonly file: string; readonly head: Head; readonly manifest: Manifest }
  | { readonly type: "vanished" }
  | { readonly type: "unusable"; readonly error: HotspareError };

async function tryOne(options: RestoreOptions, id: CheckpointId): Promise<Attempt> {
  try {
    const read = await readManifest(options.vault, options.pool, id);
    if (read.type === "absent") return { type: "vanished" };
    if (read.type === "damaged") return { type: "unusable", error: read.error };
    return await tryImage(options, id, read);
  } catch (error) {
    rmSync(options.file, { force: true });
    options.signal?.throwIfAborted();
    // A share that cannot be read here may be readable for an older one; a broken local disk is not helped by it.
    if (isHotspareError(error)) return { type: "unusable", error };
    throw error;
  }
}

async function tryImage(
  options: RestoreOptions,
  id: CheckpointId,
  { manifest, head }: { readonly manifest: Manifest; readonly head: Head },
): Promise<Attempt> {
  const refusal = refuse(options, manifest);
  if (refusal) return invalid(options, id, refusal);
  const read = await fetchImage(options, id, manifest);
  if (read.type === "intact") {
    const found = inspectImage(options.file, "quick");
    if (sameHead(found.head, head)) return { type: "restored", file: options.file, head, manifest };
    rmSync(options.file, { force: true });
    return invalid(options, id, `its image is of slot ${found.head.slot} with hash ${found.head.hash}`);
  }
  rmSync(options.file, { force: true });
  if (read.type === "damaged") return { type: "unusable", error: read.error };
  return (await isListed(options, id)) ? { type: "unusable", error: missing(options, id) } : { type: "vanished" };
}

/** Before the first byte is fetched. */
function refuse({ file, origin }: RestoreOptions, { head, imageBytes }: Manifest): string | null {
  if (origin && head.origin !== origin) return `it is of origin ${head.origin}, not ${origin}`;
  const { bsize, bavail } = statfsSync(dirname(file));
  if (imageBytes > bsize * bavail) return `it declares ${imageBytes} bytes, more than the ${bsize * bavail} free here`;
  return null;
}

async function fetchImage(
  { vault, pool, file, progress, signal, zstd }: RestoreOptions,
  { slot }: CheckpointId,
  manifest: Manifest,
): ReturnType<typeof readImage> {
  const totalBytes = manifest.imageBytes;
  let bytes = 0;
  const fd = openSync(file, "wx");
  try {
    const write = (chunk: Buffer): void => {
      signal?.throwIfAborted();
      for (let at = 0; at < chunk.length;) at += writeSync(fd, chunk, at);
      bytes += chunk.length;
      progress?.({ slot, bytes, totalBytes });
    };
    const read = await readImage({ vault, pool, facts: manifest, write, signal, zstd });
    signal?.throwIfAborted();
    if (read.type === "intact") fsyncSync(fd);
    return read;
  } finally {
    closeSync(fd);
  }
}

/** Whoever deletes a checkpoint deletes its manifest first: an image gone under a manifest is damage. */
async function isListed({ vault, pool }: RestoreOptions, id: CheckpointId): Promise<boolean> {
  const ids = await listCheckpoints(vault, pool);
  return ids.some(({ slot, stateHash }) => slot === id.slot && stateHash === id.stateHash);
}

const invalid = (options: RestoreOptions, id: CheckpointId, reason: string): Attempt => ({
  type: "unusable",
  error: problem(options, id, reason),
});

const missing = (options: RestoreOptions, id: CheckpointId): HotspareError =>
  problem(options, id, "it is listed, but it is not there");

const problem = ({ pool }: RestoreOptions, { slot, stateHash }: CheckpointId, reason: string): HotspareError =>
  new HotspareError("HS_CHECKPOINT_INVALID", { name: checkpointImageName(pool, slot, stateHash), reason });

const failed = (
  { pool }: RestoreOptions,
  reason: string,
  tried: ReadonlyMap<string, Skipped>,
  cause?: unknown,
): Restored => ({
  type: "failed",
  error: new HotspareError("HS_RESTORE_FAILED", { pool, reason }, { cause }),
  skipped: [...tried.values()],
});
