/** The receipts that a pool has in the vault, and whether each can be read. */
import type { PoolId } from "../../../shared/ids.ts";
import type { Epoch } from "../../../shared/position.ts";
import { decodeReceipt, decodeTenureEnd } from "../../../shared/receipt/receipt-codec.ts";
import { readReceiptFile } from "../../../shared/receipt/read-receipt.ts";
import { parseReceiptName, receiptName, receiptsFolder, tenureEndName } from "../../../shared/vault/layout.ts";
import type { Vault } from "../../../shared/vault/vault.ts";

export interface ListedReceipt {
  readonly epoch: Epoch;
  /** Of how the tenure began, or of how it ended. */
  readonly of: "begin" | "end";
}

export interface DamagedReceipt extends ListedReceipt {
  readonly reason: string;
}

/** By epoch. @throws {HotspareError} HS_VAULT_IO. */
export async function listReceipts(vault: Pick<Vault, "list">, pool: PoolId): Promise<readonly ListedReceipt[]> {
  return (await vault.list(receiptsFolder(pool))).flatMap((name) => parseReceiptName(name) ?? []);
}

/** Those that cannot be read, or are under the name of another epoch. */
export async function damagedReceipts(
  vault: Pick<Vault, "get">,
  pool: PoolId,
  listed: readonly ListedReceipt[],
): Promise<readonly DamagedReceipt[]> {
  const damaged: DamagedReceipt[] = [];
  for (const { epoch, of } of listed) {
    const found =
      of === "begin"
        ? await readReceiptFile(vault, receiptName(pool, epoch), decodeReceipt)
        : await readReceiptFile(vault, tenureEndName(pool, epoch), decodeTenureEnd);
    if (found.type === "damaged") damaged.push({ epoch, of, reason: found.reason });
    if (found.type === "receipt" && found.receipt.fence.epoch !== epoch)
      damaged.push({ epoch, of, reason: `it is of epoch ${found.receipt.fence.epoch}` });
  }
  return damaged;
}
