/** Sets of slots as bits of one number: small to copy, and the same set is the same number. */
export type SlotSet = number;

export const NO_SLOTS: SlotSet = 0;
export const has = (set: SlotSet, slot: number): boolean => (set & bit(slot)) !== 0;
export const plus = (set: SlotSet, slot: number): SlotSet => set | bit(slot);
export const without = (set: SlotSet, slot: number): SlotSet => set & ~bit(slot);
export const above = (set: SlotSet, slot: number): SlotSet => (set >> slot) << slot;
export const below = (set: SlotSet, slot: number): SlotSet => (slot === 0 ? NO_SLOTS : set & (bit(slot) - 1));
/** 0: there is none. */
export const newest = (set: SlotSet): number => 32 - Math.clz32(set);

const bit = (slot: number): number => (slot === 0 ? 0 : 1 << (slot - 1));

export const members = (set: SlotSet): readonly number[] =>
  Array.from({ length: newest(set) }, (_, index) => index + 1).filter((slot) => has(set, slot));

/** All subsets, the set itself first. */
export function subsets(set: SlotSet): readonly SlotSet[] {
  const all: SlotSet[] = [set];
  for (let subset = set; subset !== NO_SLOTS;) {
    subset = (subset - 1) & set;
    all.push(subset);
  }
  return all;
}
