/** The checkpoint that a restore begins with: the newest that can be used, not beyond a given commit. */
import { listCheckpoints } from "../../../shared/checkpoint/list-checkpoints.ts";
import type { CheckpointId } from "../../../shared/checkpoint/manifest-codec.ts";
import { readManifest } from "../../../shared/checkpoint/read-manifest.ts";
import { HotspareError } from "../../../shared/errors.ts";
import type { PoolId } from "../../../shared/ids.ts";
import type { Head } from "../../../shared/journal/head.ts";
import type { Lsn, Slot } from "../../../shared/position.ts";
import type { Vault } from "../../../shared/vault/vault.ts";
import { restoreCheckpoint, type RestoreOptions, type Skipped } from "../../../host/checkpoint/restore-checkpoint.ts";

export interface FetchOptions {
  readonly vault: Vault;
  readonly pool: PoolId;
  /** Absent before. */
  readonly file: string;
  readonly atLeast: Slot | null;
  readonly atMostLsn: Lsn | null;
  readonly progress: (text: string, done: number, total: number) => void;
}

export type Fetched =
  | {
      readonly type: "fetched";
      readonly id: CheckpointId;
      readonly head: Head;
      readonly skipped: readonly Skipped[];
    }
  | { readonly type: "none"; readonly skipped: readonly Skipped[] };

/** @throws {HotspareError} that of the newest if none can be used; HS_USAGE if all lie beyond the commit; HS_VAULT_IO. */
export async function fetchCheckpoint(options: FetchOptions): Promise<Fetched> {
  if (options.atMostLsn === null) return fetch(options, {});
  const skipped: Skipped[] = [];
  for (const only of await upTo(options, options.atMostLsn)) {
    const fetched = await fetch(options, { only }).catch((error: unknown) => skipping(skipped, only, error));
    if (fetched?.type === "fetched") return { ...fetched, skipped };
  }
  const [newest] = skipped;
  if (newest) throw newest.error;
  return { type: "none", skipped };
}

/** The checkpoint at that slot. @throws {HotspareError} HS_USAGE if there is none; HS_CHECKPOINT_INVALID, HS_VAULT_IO. */
export async function fetchNamed(options: FetchOptions, name: string): Promise<Fetched & { type: "fetched" }> {
  const only = named(options.pool, await listCheckpoints(options.vault, options.pool), name);
  const fetched = await fetch(options, { only });
  if (fetched.type === "fetched") return fetched;
  throw new HotspareError("HS_RESTORE_FAILED", {
    pool: options.pool,
    reason: `the checkpoint ${name} was cleaned away`,
  });
}

async function fetch(
  { vault, pool, file, atLeast, progress }: FetchOptions,
  choice: Pick<RestoreOptions, "only">,
): Promise<Fetched> {
  const restored = await restoreCheckpoint({
    vault,
    pool,
    file,
    ...(atLeast === null ? {} : { atLeastSlot: atLeast }),
    ...choice,
    progress: ({ slot, bytes, totalBytes }) => progress(`reading the checkpoint at slot ${slot}`, bytes, totalBytes),
  });
  switch (restored.type) {
    case "restored": {
      const { head, manifest, skipped } = restored;
      return { type: "fetched", id: { slot: head.slot, stateHash: manifest.stateHash as never }, head, skipped };
    }
    case "none":
      return { type: "none", skipped: [] };
    case "failed":
      throw restored.error;
  }
}

function skipping(skipped: Skipped[], id: CheckpointId, error: unknown): null {
  if (!(error instanceof HotspareError)) throw error;
  skipped.push({ id, error });
  return null;
}

/** Newest first. @throws {HotspareError} HS_USAGE if there are some, and all lie beyond `goal`. */
async function upTo({ vault, pool, atLeast }: FetchOptions, goal: Lsn): Promise<readonly CheckpointId[]> {
  const usable: CheckpointId[] = [];
  let oldest: Head | null = null;
  for (const id of await listCheckpoints(vault, pool)) {
    if (id.slot < (atLeast ?? 0)) continue;
    const read = await readManifest(vault, pool, id);
    // A manifest that cannot be read is told by whoever tries it.
    if (read.type === "damaged" || (read.type === "manifest" && read.head.lsn <= goal)) usable.push(id);
    if (read.type === "manifest") oldest = read.head;
  }
  if (usable.length > 0 || oldest === null) return usable;
  const reason = `LSN ${goal} cannot be restored: the oldest checkpoint that would do is of LSN ${oldest.lsn}`;
  throw new HotspareError("HS_USAGE", { reason });
}

/** `12`, or where two hosts made different states of one slot `12-<beginning of the state hash>`. */
function named(pool: PoolId, ids: readonly CheckpointId[], name: string): CheckpointId {
  const [, at = "", hash = ""] = /^0*(\d+)(?:-([0-9a-f]+))?$/.exec(name) ?? [];
  const found = ids.filter(({ slot, stateHash }) => String(slot) === at && stateHash.startsWith(hash));
  const [only, second] = found;
  if (only && !second) return only;
  const known = (second ? found : ids).map(({ slot, stateHash }) => `${slot}-${stateHash.slice(0, 12)}`);
  const there = known.length === 0 ? "it has none" : `there are ${known.join(", ")}`;
  const wrong = second
    ? `several checkpoints of pool ${pool} are at slot ${at}`
    : `pool ${pool} has no checkpoint ${name}`;
  throw new HotspareError("HS_USAGE", { reason: `${wrong}; ${there}` });
}
