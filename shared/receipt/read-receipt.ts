/**
 * Reads what is said of a fence's tenure from the vault, bounded. Whatever is wrong with it is part of the answer: receipts
 * are for people, who are told, and who see the rest all the same.
 */
import { isHotspareError } from "../errors.ts";
import type { PoolId } from "../ids.ts";
import type { FenceRef } from "../journal/record.ts";
import { receiptName, tenureEndName, type VaultName } from "../vault/layout.ts";
import type { Vault } from "../vault/vault.ts";
import { decodeReceipt, decodeTenureEnd, type Decoded } from "./receipt-codec.ts";
import { MAX_RECEIPT_BYTES, type Receipt, type TenureEnd } from "./receipt.ts";

/** `missing`: nobody wrote it (yet): its writer died first, could not, or had no reason to. */
export type Read<T> = Decoded<T> | { readonly type: "missing" };

export interface ReceiptOf {
  readonly vault: Pick<Vault, "get">;
  readonly pool: PoolId;
  readonly fence: Pick<FenceRef, "id" | "epoch">;
}

export const readReceipt = ({ vault, ...of }: ReceiptOf): Promise<Read<Receipt>> =>
  readReceiptFile(vault, receiptName(of.pool, of.fence.epoch), (bytes) => ofThat(of, decodeReceipt(bytes)));

export const readTenureEnd = ({ vault, ...of }: ReceiptOf): Promise<Read<TenureEnd>> =>
  readReceiptFile(vault, tenureEndName(of.pool, of.fence.epoch), (bytes) => ofThat(of, decodeTenureEnd(bytes)));

/** Whatever lies under `name`. */
export async function readReceiptFile<T>(
  vault: Pick<Vault, "get">,
  name: VaultName,
  decode: (bytes: Buffer) => Decoded<T>,
): Promise<Read<T>> {
  try {
    const bytes = await vault.get(name, { offset: 0, maxBytes: MAX_RECEIPT_BYTES + 1 });
    return bytes ? decode(bytes) : { type: "missing" };
  } catch (error) {
    if (isHotspareError(error)) return { type: "damaged", reason: error.message };
    throw error;
  }
}

/** A void fence has an epoch that another fence has too. */
function ofThat<T extends Pick<Receipt, "pool" | "fence">>(
  { pool, fence: { id, epoch } }: Omit<ReceiptOf, "vault">,
  decoded: Decoded<T>,
): Decoded<T> {
  if (decoded.type === "damaged") return decoded;
  const { receipt } = decoded;
  const isThat = receipt.pool === pool && receipt.fence.id === id && receipt.fence.epoch === epoch;
  return isThat ? decoded : { type: "damaged", reason: "it is of another fence" };
}
