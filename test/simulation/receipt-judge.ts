/**
 * Judges what hosts write into their receipts by what really happened: the fence is the one of history, so is the one that
 * it deposed, it serves from a record of its own tenure, and a batch that is called void is in no history.
 */
import { decodeReceipt, decodeTenureEnd } from "../../shared/receipt/receipt-codec.ts";
import type { Receipt, ReceiptFence, TenureEnd } from "../../shared/receipt/receipt.ts";
import { parseReceiptName } from "../../shared/vault/layout.ts";
import type { DiskFile } from "../../shared/vault/memory-disk.ts";
import { check, type History } from "./history.ts";

const RECEIPT = /^\/pools\/main\/receipts\/([^/]+)$/;

/** What it is a receipt of; `null`: it is none. Throws what is wrong with it. */
export function judgeReceipt(path: string, file: DiskFile, history: History): "begin" | "end" | null {
  const name = parseReceiptName(RECEIPT.exec(path)?.[1] ?? "");
  if (!name) return null;
  const bytes = Buffer.from(file.bytes);
  const decoded = name.of === "begin" ? decodeReceipt(bytes) : decodeTenureEnd(bytes);
  check(decoded.type === "receipt", "receipt", () => `${path} is written and cannot be read`);
  const { receipt } = decoded;
  check(receipt.fence.epoch === name.epoch, "receipt", () => `${path} is of epoch ${receipt.fence.epoch}`);
  check(isHistory(receipt.fence, history), "receipt", () => `${path} names a fence that is not history`);
  if ("batch" in receipt) judgeEnd(path, receipt, history);
  else judgeBegin(path, receipt, history);
  return name.of;
}

function judgeBegin(path: string, { fence, previous, slot, voidFences }: Receipt, history: History): void {
  const deposed = previous === null ? fence.epoch === 1 : previous.epoch === fence.epoch - 1;
  check(deposed && (previous === null || isHistory(previous, history)), "receipt", () => `${path} deposed another`);
  check(history.at(slot)?.head.fence.id === fence.id, "receipt", () => `${path} serves from slot ${slot}`);
  const real = voidFences.find((one) => isHistory(one, history));
  check(real === undefined, "receipt", () => `${path} calls the fence at slot ${real?.slot} void`);
}

function judgeEnd(path: string, { fence, batch }: TenureEnd, history: History): void {
  if (batch?.fate !== "void") return;
  const found = history.at(batch.slot)?.sealed.record.header;
  check(found !== undefined && found.epoch > fence.epoch, "receipt", () => `${path} calls slot ${batch.slot} void`);
}

const isHistory = ({ slot, id }: ReceiptFence, history: History): boolean => {
  const record = history.at(slot)?.sealed.record;
  return record?.kind === "fence" && record.header.id === id;
};
