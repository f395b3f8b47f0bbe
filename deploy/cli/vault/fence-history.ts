/**
 * The history of a pool's failovers: its fences, walked back from the newest along the references that each carries.
 * The newest is the one that the records after the newest checkpoint end with, never one found by listing. Fences that the
 * walk does not reach are void. Reads the vault alone, and works while every node is down.
 */
import { readManifest } from "../../../shared/checkpoint/read-manifest.ts";
import { HotspareError } from "../../../shared/errors.ts";
import type { PoolId } from "../../../shared/ids.ts";
import { extend, slotAfter, type Head } from "../../../shared/journal/head.ts";
import { decodeRecord, MAX_RECORD_BYTES, PEEK_BYTES, peekKind } from "../../../shared/journal/record-codec.ts";
import type { FencePayload, FenceRef } from "../../../shared/journal/record.ts";
import { slot, type Slot } from "../../../shared/position.ts";
import { recordName } from "../../../shared/vault/layout.ts";
import type { Vault } from "../../../shared/vault/vault.ts";
import { JournalReader } from "../../../host/journal-reader.ts";
import { listPoolFiles, type PoolFiles } from "./pool-files.ts";

export interface HistoryOptions {
  readonly vault: Vault;
  readonly pool: PoolId;
  readonly progress?: (done: number, total: number) => void;
}

export type HistoricFence = FenceRef &
  FencePayload & {
    /** Not part of history: nothing in its tenure was acknowledged. */
    readonly isVoid: boolean;
  };

export interface FenceHistory {
  /** Newest first, void ones at their slots. */
  readonly fences: readonly HistoricFence[];
  /** What ended the walk before its beginning; `null` if nothing did. */
  readonly broken: HotspareError | null;
}

type Link = NonNullable<FencePayload["previous"]>;

/** Records that are read at once. */
const READS = 8;

/** @throws {HotspareError} HS_VAULT_IO. */
export async function fenceHistory(options: HistoryOptions): Promise<FenceHistory> {
  const files = await listPoolFiles(options.vault, options.pool);
  const anchor = await newestHead(options, files);
  const { head, broken } = await follow(options, files, anchor);
  const walk = head ? await walkBack(options, head.fence) : { fences: [], broken: null };
  const chain = new Set<number>(walk.fences.map((fence) => fence.slot));
  const isWhole = broken === null && walk.broken === null;
  const voids = isWhole ? await findVoids(options, files, { chain, below: anchor?.slot ?? slot(0) }) : [];
  const fences = [...walk.fences, ...voids].toSorted((one, other) => other.slot - one.slot);
  return { fences, broken: broken ?? walk.broken };
}

/** Where the newest checkpoint stands whose manifest can be read. */
async function newestHead({ vault, pool }: HistoryOptions, { checkpoints }: PoolFiles): Promise<Head | null> {
  for (const id of checkpoints) {
    const read = await readManifest(vault, pool, id);
    if (read.type === "manifest") return read.head;
  }
  return null;
}

/** The head of the journal, as far as it can be followed from `anchor`. */
async function follow(
  { vault, pool, progress }: HistoryOptions,
  { slots }: PoolFiles,
  anchor: Head | null,
): Promise<{ readonly head: Head | null; readonly broken: HotspareError | null }> {
  const reader = new JournalReader(vault, pool);
  const last = slots.at(-1) ?? slot(0);
  const total = last - (anchor?.slot ?? 0);
  let head = anchor;
  while (slotAfter(head) <= last) {
    const from = slotAfter(head);
    const { records, stop } = await reader.read(from, slot(Math.min(last, from + READS - 1)));
    for (const sealed of records) {
      const extension = extend(head, sealed);
      if (!extension.ok) return { head, broken: invalid(pool, sealed.record.header.slot, extension.violation.reason) };
      head = extension.head;
    }
    if (stop?.type === "absent") {
      return { head, broken: new HotspareError("HS_RECORD_MISSING", { pool, slot: slotAfter(head) }) };
    }
    if (stop) return { head, broken: invalid(pool, slotAfter(head), whyNot(stop)) };
    progress?.(total - (last - slotAfter(head) + 1), total);
  }
  return { head, broken: null };
}

const whyNot = (stop: { readonly reason: string } | { readonly version: number }): string =>
  "reason" in stop ? stop.reason : `its format ${stop.version} is newer than this program reads`;

async function walkBack(options: HistoryOptions, newest: FenceRef): Promise<FenceHistory> {
  const fences: HistoricFence[] = [];
  for (let link: Link | null = newest; link;) {
    const found = await readFence(options, link.slot);
    if ("error" in found) return { fences, broken: found.error };
    if (found.hash !== link.hash || found.id !== link.id || (found.previous?.slot ?? 0) >= found.slot) {
      return { fences, broken: invalid(options.pool, link.slot, "it is another fence than a later one refers to") };
    }
    fences.push(found);
    link = found.previous;
  }
  return { fences, broken: null };
}

async function readFence(
  { vault, pool }: HistoryOptions,
  at: Slot,
): Promise<HistoricFence | { readonly error: HotspareError }> {
  const bytes = await vault.get(recordName(pool, at), { offset: 0, maxBytes: MAX_RECORD_BYTES + 1 });
  if (!bytes) return { error: new HotspareError("HS_RECORD_MISSING", { pool, slot: at }) };
  const decoded = decodeRecord(bytes);
  if (decoded.type !== "record") return { error: invalid(pool, at, whyNot(decoded)) };
  const { record, hash } = decoded.sealed;
  if (record.kind !== "fence") return { error: invalid(pool, at, "it is no fence") };
  const { id, epoch, owner, bootId } = record.header;
  return { slot: at, id, hash, epoch, owner, bootId, ...record.fence, isVoid: false };
}

/** A void fence lies where a name was deleted before: below a checkpoint. */
async function findVoids(
  options: HistoryOptions,
  { slots }: PoolFiles,
  { chain, below }: { readonly chain: ReadonlySet<number>; readonly below: Slot },
): Promise<readonly HistoricFence[]> {
  const { vault, pool, progress } = options;
  const candidates = slots.filter((at) => at < below && !chain.has(at));
  const voids: HistoricFence[] = [];
  for (let index = 0; index < candidates.length; index += READS) {
    const some = candidates.slice(index, index + READS);
    const peeks = await Promise.all(
      some.map((at) => vault.get(recordName(pool, at), { offset: 0, maxBytes: PEEK_BYTES })),
    );
    for (const [offset, bytes] of peeks.entries()) {
      const at = some[offset];
      if (at === undefined || !bytes || peekKind(bytes) !== "fence") continue;
      const found = await readFence(options, at);
      if (!("error" in found)) voids.push({ ...found, isVoid: true });
    }
    progress?.(index, candidates.length);
  }
  return voids;
}

const invalid = (pool: PoolId, at: Slot, reason: string): HotspareError =>
  new HotspareError("HS_RECORD_INVALID", { name: recordName(pool, at), reason });
