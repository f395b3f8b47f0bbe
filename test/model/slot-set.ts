/** Sets of slots as bits of one number: small to copy, and the same set is the same number. */
export type SlotSet = number;

export const NO_SLOTS: SlotSet = 0;
export const has = (set: SlotSet, slot: number): boolean => (set & (1 << slot)) !== 0;
export const plus = (set: SlotSet, slot: number): SlotSet => set | (1 << slot);
export const without = (set: SlotSet, slot: number): SlotSet => set & ~(1 << slot);
/** Those above `slot`. */
export const above = (set: SlotSet, slot: number): SlotSet => set & ~((1 << (slot + 1)) - 1);
export const newest = (set: SlotSet): number => (set === NO_SLOTS ? 0 : 31 - Math.clz32(set));
/** The newest below the newest. */
export const secondNewest = (set: SlotSet): number => newest(without(set, newest(set)));

export const members = (set: SlotSet): readonly number[] =>
  Array.from({ length: newest(set) }, (_, index) => index + 1).filter((slot) => has(set, slot));

/** All subsets, the set itself first. */
export function subsets(set: SlotSet): readonly SlotSet[] {
  const all: SlotSet[] = [set];
  for (let subset = set; subset !== NO_SLOTS; ) {
    subset = (subset - 1) & set;
    all.push(subset);
  }
  return all;
}
