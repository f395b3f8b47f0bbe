/**
 * Deletes what a retention plan allows: records below the horizon, obsolete checkpoints, images that never got a manifest.
 * Idempotent, in portions with rests between them. Never concludes anything from a listing but what to look at.
 */
import type { CheckpointId } from "../shared/checkpoint/manifest-codec.ts";
import { sleep, type Clock } from "../shared/clock.ts";
import type { PoolId } from "../shared/ids.ts";
import { decodeRecord, MAX_RECORD_BYTES } from "../shared/journal/record-codec.ts";
import { slot, type Slot } from "../shared/position.ts";
import {
  checkpointImageName,
  checkpointManifestName,
  checkpointsFolder,
  journalFolder,
  parseManifestName,
  parseNumber,
  recordName,
  shardFolder,
  shardOf,
} from "../shared/vault/layout.ts";
import type { Vault } from "../shared/vault/vault.ts";
import { mayDelete } from "./core/retention-plan.ts";

export interface VaultCleaningOptions {
  readonly vault: Vault;
  readonly clock: Clock;
  readonly pool: PoolId;
}

export interface Permission {
  /** Asked before each deletion. */
  readonly mayGoOn: () => boolean;
  readonly signal: AbortSignal;
}

export type RecordPermission = Permission & {
  /** Slots of the fences that the chain reaches. */
  readonly chain: ReadonlySet<Slot>;
};

export interface RemovedRecords {
  readonly records: number;
  /** Slots of damaged records below the horizon. */
  readonly damaged: readonly number[];
}

const PORTION = 32;
const REST_MS = 5;
const IMAGE_ENDING = ".zst";

export class VaultCleaning {
  readonly #options: VaultCleaningOptions;
  /** Slots that were read and found to stay: they need not be read again in each pass. */
  readonly #staying = new Set<Slot>();
  readonly #damaged = new Set<Slot>();
  readonly #cleanShards = new Set<number>();

  constructor(options: VaultCleaningOptions) {
    this.#options = options;
  }

  /** Oldest first. Returns how many went, and the slots of damaged records, which stay. */
  async removeRecords(horizon: Slot, permission: RecordPermission): Promise<RemovedRecords> {
    let records = 0;
    for (const shard of await this.#shardsBelow(horizon)) {
      records += await this.#cleanShard(shard, horizon, permission);
      if (!permission.mayGoOn()) break;
    }
    return { records, damaged: [...this.#damaged] };
  }

  /** Manifest first, durably: an image without one does not count, a manifest without an image is damage. */
  async removeCheckpoints(
    horizon: Slot,
    obsolete: readonly CheckpointId[],
    { mayGoOn, signal }: Permission,
  ): Promise<number> {
    const { vault, pool } = this.#options;
    let checkpoints = 0;
    for (const id of obsolete) {
      signal.throwIfAborted();
      if (id.slot >= horizon || !mayGoOn()) continue;
      if (await vault.remove(checkpointManifestName(pool, id.slot, id.stateHash))) checkpoints += 1;
    }
    if (obsolete.length > 0) await vault.sync(checkpointsFolder(pool));
    await this.#removeOrphans(horizon, { mayGoOn, signal });
    return checkpoints;
  }

  /**
   * Images below the horizon that have no manifest: of a publish that did not end, or of a checkpoint just removed. One
   * whose publisher still sleeps would be obsolete the moment it got its manifest.
   */
  async #removeOrphans(horizon: Slot, { mayGoOn, signal }: Permission): Promise<void> {
    const { vault, pool } = this.#options;
    const names = await vault.list(checkpointsFolder(pool));
    const manifests = new Set(names.filter((name) => parseManifestName(name)));
    for (const name of names) {
      if (!name.endsWith(IMAGE_ENDING)) continue;
      const manifest = `${name.slice(0, -IMAGE_ENDING.length)}.json`;
      const id = parseManifestName(manifest);
      if (!id || id.slot >= horizon || manifests.has(manifest)) continue;
      signal.throwIfAborted();
      if (!mayGoOn()) return;
      await vault.remove(checkpointImageName(pool, id.slot, id.stateHash));
    }
  }

  /** Without those of which only what stays is left. */
  async #shardsBelow(horizon: Slot): Promise<number[]> {
    const { vault, pool } = this.#options;
    const shards = numbers(await vault.list(journalFolder(pool)));
    return shards.filter((shard) => shard <= shardOf(horizon) && !this.#cleanShards.has(shard));
  }

  async #cleanShard(shard: number, horizon: Slot, { chain, mayGoOn, signal }: RecordPermission): Promise<number> {
    const { vault, clock, pool } = this.#options;
    const listed = numbers(await vault.list(shardFolder(pool, shard))).filter((at) => at < horizon);
    const candidates = listed.map(slot).filter((at) => !chain.has(at) && !this.#staying.has(at));
    let records = 0;
    for (const [index, at] of candidates.entries()) {
      if (index % PORTION === PORTION - 1) await sleep(clock, REST_MS, signal);
      signal.throwIfAborted();
      if (!(await this.#isDeletable(at, horizon, chain))) continue;
      if (!mayGoOn()) return records;
      if (await vault.remove(recordName(pool, at))) records += 1;
    }
    // Found without anything to delete, and no more can come: whatever is created there now is void, and stays.
    if (candidates.length === 0 && shard < shardOf(horizon)) this.#cleanShards.add(shard);
    return records;
  }

  async #isDeletable(at: Slot, horizon: Slot, chain: ReadonlySet<Slot>): Promise<boolean> {
    const { vault, pool } = this.#options;
    const bytes = await vault.get(recordName(pool, at), { offset: 0, maxBytes: MAX_RECORD_BYTES + 1 });
    if (!bytes) return false;
    const decoded = decodeRecord(bytes);
    if (decoded.type !== "record") {
      // It may be a fence: nobody can tell.
      this.#damaged.add(at);
      return false;
    }
    this.#damaged.delete(at);
    const { record } = decoded.sealed;
    const deletable = record.header.slot === at && mayDelete(record, horizon, chain);
    if (!deletable) this.#staying.add(at);
    return deletable;
  }
}

const numbers = (names: readonly string[]): number[] =>
  names
    .map(parseNumber)
    .filter((number) => number !== null)
    .toSorted((one, other) => one - other);
