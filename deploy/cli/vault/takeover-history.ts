/**
 * The history of a pool's takeovers: its fences, each with the receipt that its owner wrote once it served, and with what
 * the deposed owner says of it.
 */
import type { PoolId } from "../../../shared/ids.ts";
import type { FencePayload, FenceRef } from "../../../shared/journal/record.ts";
import { readReceipt, readTenureEnd, type Read } from "../../../shared/receipt/read-receipt.ts";
import type { Receipt, TenureEnd } from "../../../shared/receipt/receipt.ts";
import type { Vault } from "../../../shared/vault/vault.ts";
import type { HistoricFence } from "./fence-history.ts";

export type Takeover = HistoricFence & {
  /** Whom it deposed; `null` if nobody, or if that fence cannot be read. */
  readonly deposed: Pick<FenceRef, "owner" | "epoch" | "slot"> | null;
  /** `null` for a void fence: nobody ever served by it. */
  readonly receipt: Read<Receipt> | null;
  /** How the tenure that it deposed ended, as its owner saw it; `null` where nobody was deposed. */
  readonly deposedEnd: Read<TenureEnd> | null;
  /** From the first sign to serving, as far as it is known; `null` without a receipt. */
  readonly tookMs: number | null;
};

/** Receipts that are read at once. */
const READS = 8;

export interface ReceiptOptions {
  readonly vault: Vault;
  readonly pool: PoolId;
  /** All fences of the pool. */
  readonly fences: readonly HistoricFence[];
  /** Default: all. */
  readonly epoch?: number | undefined;
}

/** In the order of the fences. What is wrong with a receipt is part of the result. */
export async function takeoverHistory({ epoch, ...options }: ReceiptOptions): Promise<readonly Takeover[]> {
  const wanted = options.fences.filter((fence) => epoch === undefined || fence.epoch === epoch);
  const takeovers: Takeover[] = [];
  for (let index = 0; index < wanted.length; index += READS) {
    const some = wanted.slice(index, index + READS);
    takeovers.push(...(await Promise.all(some.map((fence) => takeoverOf(options, fence)))));
  }
  return takeovers;
}

async function takeoverOf({ vault, pool, fences }: ReceiptOptions, fence: HistoricFence): Promise<Takeover> {
  const before = fence.isVoid ? undefined : fences.find(({ id }) => id === fence.previous?.id);
  const deposed = before ? { owner: before.owner, epoch: before.epoch, slot: before.slot } : null;
  const receipt = fence.isVoid ? null : await readReceipt({ vault, pool, fence });
  const deposedEnd = before ? await readTenureEnd({ vault, pool, fence: before }) : null;
  const tookMs = receipt?.type === "receipt" ? beforeOrderMs(fence) + receipt.receipt.phases.total : null;
  return { ...fence, deposed, receipt, deposedEnd, tookMs };
}

/** From the first sign to the order, where whoever ordered said so. */
export const beforeOrderMs = ({ phases = {} }: Pick<FencePayload, "phases">): number =>
  Object.values(phases).reduce((sum, ms) => sum + ms, 0);
