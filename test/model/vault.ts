/** What the vault does: create if absent, show a listing, lose what was not synced, delete. */
import { describe, type JournalRecord } from "./journal-record.ts";
import { above, has, members, NO_SLOTS, plus, subsets, without, type SlotSet } from "./slot-set.ts";
import { observe, recordAt, withVault, type Features, type Vault, type World } from "./world.ts";

/** Creates `record` where nothing is, and reports `null` where something is. */
export function create(world: World, record: JournalRecord, { power }: Features): World | null {
  const { slot } = record;
  if (recordAt(world, slot) !== null) return null;
  const { vault, observer } = world;
  const unsynced = power ? plus(vault.unsynced, slot) : vault.unsynced;
  const made = withVault(withRecords(world, vault.records.with(slot - 1, record)), { unsynced });
  if (observer.history[slot - 1] !== null) return made;
  return observe(made, { history: observer.history.with(slot - 1, record) });
}

function withRecords(world: World, records: Vault["records"]): World {
  const { eraNames } = world.vault;
  return withVault(world, { records, eraNames: including(eraNames, namesIn(records)) });
}

/** In the order of numbers: which moment came first is of no account. */
const including = (moments: readonly SlotSet[], now: SlotSet): readonly SlotSet[] =>
  moments.includes(now) ? moments : [...moments, now].toSorted((one, other) => one - other);

export const syncSlot = (world: World, slot: number): World =>
  withVault(world, { unsynced: without(world.vault.unsynced, slot) });

export function remove(world: World, slot: number): World {
  const removed = withRecords(world, world.vault.records.with(slot - 1, null));
  return observe(removed, { cleaned: true });
}

export function publishCheckpoint(world: World, slot: number): World {
  const { vault } = world;
  const checkpoints = plus(vault.checkpoints, slot);
  return withVault(world, { checkpoints, eraCheckpoints: including(vault.eraCheckpoints, checkpoints) });
}

const namesIn = (records: Vault["records"]): SlotSet =>
  records.reduce((set: SlotSet, record) => (record === null ? set : plus(set, record.slot)), NO_SLOTS);

/** What a listing of the journal may show of the slots above `from`. */
export const listNames = ({ vault }: World, from: number, { stale }: Features): readonly SlotSet[] =>
  stale ? [...new Set(vault.eraNames.map((names) => above(names, from)))] : [above(namesIn(vault.records), from)];

export const listCheckpoints = ({ vault }: World, { stale }: Features): readonly SlotSet[] =>
  stale ? vault.eraCheckpoints : [vault.checkpoints];

/** Checkpoints that were there during all of the era. */
export const agedCheckpoints = ({ vault }: World): SlotSet =>
  vault.eraCheckpoints.reduce((common, moment) => common & moment, vault.checkpoints);

/** Was absent at a moment of the era. */
export const wasAbsent = ({ vault }: World, slot: number): boolean => vault.eraNames.some((names) => !has(names, slot));

/** Time passes: whatever a share caches is from now on not older than this. */
export function beginEra(world: World): World | null {
  const { vault } = world;
  if (vault.eraNames.length === 1 && vault.eraCheckpoints.length === 1) return null;
  return withVault(world, { eraNames: [namesIn(vault.records)], eraCheckpoints: [vault.checkpoints] });
}

/** A put for whose answer nobody waits any more. */
export function withLate(world: World, record: JournalRecord): World {
  const { late } = world.vault;
  if (late.includes(record)) return world;
  return withVault(world, { late: [...late, record].toSorted((one, other) => one.number - other.number) });
}

/** What a power cut may leave: any of the names that were not synced may be gone. */
export function powerCuts(world: World): readonly { readonly label: string; readonly world: World }[] {
  const { vault, observer } = world;
  return subsets(vault.unsynced)
    .filter((lost) => lost !== NO_SLOTS)
    .map((lost) => {
      const gone = members(lost);
      const names = gone.map((slot) => describe(recordAt(world, slot)!)).join(" and ");
      const records = vault.records.map((record, index) => (gone.includes(index + 1) ? null : record));
      const history = observer.history.map((record, index) => (gone.includes(index + 1) ? null : record));
      const after = observe(withVault(withRecords(world, records), { unsynced: NO_SLOTS }), { history });
      return { label: `the power fails; lost: ${names}`, world: after };
    });
}
