/** What the vault does: create if absent, show a listing, lose what was not synced, delete. */
import { describe, type JournalRecord } from "./journal-record.ts";
import { above, members, NO_SLOTS, plus, subsets, without, type SlotSet } from "./slot-set.ts";
import { observe, recordAt, withVault, type Features, type Vault, type World } from "./world.ts";

/** Creates `record` where nothing is, and reports `null` where something is. */
export function create(world: World, record: JournalRecord, { power }: Features): World | null {
  const { slot } = record;
  if (recordAt(world, slot) !== null) return null;
  const { vault, observer } = world;
  const made = withVault(world, {
    records: vault.records.with(slot - 1, record),
    unsynced: power ? plus(vault.unsynced, slot) : vault.unsynced,
  });
  if (observer.history[slot - 1] !== null) return made;
  return observe(made, { history: observer.history.with(slot - 1, record) });
}

export const syncSlot = (world: World, slot: number): World =>
  withVault(world, { unsynced: without(world.vault.unsynced, slot) });

export const syncAll = (world: World): World => withVault(world, { unsynced: NO_SLOTS });

export function remove(world: World, slot: number): World {
  const removed = withVault(world, { records: world.vault.records.with(slot - 1, null) });
  return observe(removed, { cleaned: true });
}

export const namesIn = ({ records }: Vault): SlotSet =>
  records.reduce((set: SlotSet, record) => (record === null ? set : plus(set, record.slot)), NO_SLOTS);

/** What a listing of the journal may show of the slots above `from`. */
export const listNames = ({ vault }: World, from: number, { stale }: Features): readonly SlotSet[] =>
  mixes(above(namesIn(vault), from), stale ? above(vault.eraNames, from) : null);

export const listCheckpoints = ({ vault }: World, { stale }: Features): readonly SlotSet[] =>
  mixes(vault.checkpoints, stale ? vault.eraCheckpoints : null);

/** Each name is shown as it is, or as it was when the era began: more than any share does that shows one moment. */
function mixes(now: SlotSet, then: SlotSet | null): readonly SlotSet[] {
  if (then === null || now === then) return [now];
  return subsets(now ^ then).map((differing) => (now & then) | differing);
}

/** Forgets that a put may still arrive, or notes that it may. */
export function withLate(world: World, record: JournalRecord): World {
  const { late } = world.vault;
  if (late.includes(record)) return world;
  return withVault(world, { late: [...late, record].toSorted((one, other) => one.number - other.number) });
}

export const withoutLate = (world: World, record: JournalRecord): World =>
  withVault(world, { late: world.vault.late.filter((other) => other !== record) });

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
      const after = observe(withVault(world, { records, unsynced: NO_SLOTS }), { history });
      return { label: `the power fails; lost: ${names}`, world: after };
    });
}
