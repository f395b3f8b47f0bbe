/**
 * Reads a pool's journal from the vault: listings made safe to act on, and records, decoded. Concludes nothing: what it
 * found goes to the core.
 */
import { reasonOf } from "../shared/errors.ts";
import type { PoolId } from "../shared/ids.ts";
import { slotAfter, type Head } from "../shared/journal/head.ts";
import { decodeRecord, MAX_RECORD_BYTES } from "../shared/journal/record-codec.ts";
import type { SealedRecord } from "../shared/journal/record.ts";
import { slot, type Slot } from "../shared/position.ts";
import {
  checkpointsFolder,
  journalFolder,
  parseManifestName,
  parseNumber,
  recordFolder,
  recordName,
  shardFolder,
  shardOf,
  type VaultFolder,
} from "../shared/vault/layout.ts";
import type { Vault } from "../shared/vault/vault.ts";
import type { Found } from "./core/publication.ts";
import type { Run, Survey } from "./core/survey.ts";

/** Reads that are under way at once: enough to hide the thread's round trip, few enough to bound memory. */
const READS_AT_ONCE = 8;

export class JournalReader {
  readonly #vault: Vault;
  readonly #pool: PoolId;

  constructor(vault: Vault, pool: PoolId) {
    this.#vault = vault;
    this.#pool = pool;
  }

  /**
   * Records from `from` on, then checkpoints, then the sync of every folder of records: the order that the core's
   * conclusions rest on. @throws {HotspareError} HS_VAULT_IO.
   */
  async survey(from: Slot): Promise<Survey> {
    const slots: Slot[] = [];
    const shards: number[] = [];
    for (const shard of await this.#shards(shardOf(from))) {
      const folder = shardFolder(this.#pool, shard);
      const listed = numbers(await this.#vault.list(folder)).filter((at) => at >= from);
      slots.push(...listed.map((at) => slot(at)));
      shards.push(shard);
    }
    const checkpoints = await this.#checkpoints();
    for (const shard of shards) await this.#vault.sync(shardFolder(this.#pool, shard));
    if (shards.length > 0) await this.#vault.sync(journalFolder(this.#pool));
    return { slots, checkpoints };
  }

  /** Records `from` to `to`, in order, up to the first that is not there as it should be. */
  async read(from: Slot, to: Slot): Promise<Run> {
    const records: SealedRecord[] = [];
    for (let first: number = from; first <= to; first += READS_AT_ONCE) {
      const last = Math.min(first + READS_AT_ONCE - 1, to);
      const wanted = Array.from({ length: last - first + 1 }, (_, index) => slot(first + index));
      for (const found of await Promise.all(wanted.map((at) => this.find(at)))) {
        if (found.type !== "record") return { records, stop: found };
        records.push(found.sealed);
      }
    }
    return { records, stop: null };
  }

  /** What is under one name. */
  async find(at: Slot): Promise<Found> {
    try {
      const bytes = await this.#vault.get(recordName(this.#pool, at), { offset: 0, maxBytes: MAX_RECORD_BYTES + 1 });
      if (bytes === null) return { type: "absent" };
      const decoded = decodeRecord(bytes);
      if (decoded.type !== "record") return decoded;
      if (decoded.sealed.record.header.slot === at) return decoded;
      return { type: "invalid", reason: `it says that it is slot ${decoded.sealed.record.header.slot}` };
    } catch (error) {
      return { type: "unreadable", reason: reasonOf(error) };
    }
  }

  /** The folder in which the record after `head` will appear. */
  folderAfter(head: Head | null): VaultFolder {
    return recordFolder(this.#pool, slotAfter(head));
  }

  sync(at: Slot): Promise<void> {
    return this.#vault.sync(recordFolder(this.#pool, at));
  }

  async #checkpoints(): Promise<readonly Slot[]> {
    const names = await this.#vault.list(checkpointsFolder(this.#pool));
    const slots = names.flatMap((name) => parseManifestName(name)?.slot ?? []);
    return slots.toSorted((a, b) => a - b);
  }

  async #shards(first: number): Promise<readonly number[]> {
    return numbers(await this.#vault.list(journalFolder(this.#pool))).filter((shard) => shard >= first);
  }
}

const numbers = (names: readonly string[]): number[] => names.flatMap((name) => parseNumber(name) ?? []);
