/**
 * The three counters of a pool's history. `Slot` numbers records, `Lsn` numbers commits, `Epoch` numbers tenures.
 * All start at 1 and have no gaps; 0 means "none yet". Kept as safe integers, written as unsigned 64 bit.
 */
import type { Brand } from "./brand.ts";
import { HotspareError } from "./errors.ts";

export type Slot = Brand<number, "Slot">;
export type Lsn = Brand<number, "Lsn">;
export type Epoch = Brand<number, "Epoch">;

export const slot = (value: number): Slot => check(value, "slot") as Slot;
export const lsn = (value: number): Lsn => check(value, "LSN") as Lsn;
export const epoch = (value: number): Epoch => check(value, "epoch") as Epoch;

export const nextSlot = (value: Slot): Slot => slot(value + 1);
export const nextEpoch = (value: Epoch): Epoch => epoch(value + 1);

function check(value: number, what: string): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new HotspareError("HS_ID_INVALID", { what, found: String(value), accepted: "a whole number from 0 to 2^53-1" });
}
