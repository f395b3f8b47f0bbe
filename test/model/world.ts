/**
 * A state of the model: three hosts, a vault, what may still happen, and what an observer remembers who sees everything.
 * All of it is plain, immutable data; a step copies the parts that it changes.
 */
import type { JournalRecord, NodeName } from "./journal-record.ts";
import type { Rules } from "./rules.ts";
import type { SlotSet } from "./slot-set.ts";

export interface World {
  readonly nodes: readonly Node[];
  readonly vault: Vault;
  readonly observer: Observer;
  readonly budget: Budget;
}

export interface Vault {
  /** What is there now, by slot. */
  readonly records: readonly (JournalRecord | null)[];
  /** Names whose folder was not synced: a power cut takes any of them away. Each slot has a folder of its own. */
  readonly unsynced: SlotSet;
  /** Slots of checkpoints. One is the state after that slot of history. */
  readonly checkpoints: SlotSet;
  /** What there was at each moment of this era, and is now: a listing may show any of them. */
  readonly eraNames: readonly SlotSet[];
  readonly eraCheckpoints: readonly SlotSet[];
  /** Puts for whose answers nobody waits any more, and that may be performed yet. */
  readonly late: readonly JournalRecord[];
}

export interface Node {
  readonly name: NodeName;
  /** Starts of its process. */
  readonly life: number;
  /** Its tries to fence in this life. */
  readonly attempts: number;
  /** Its local state: the chain up to this record. */
  readonly applied: JournalRecord | null;
  /** A fence that was read, and is applied if a listing shows that nothing proves it void. */
  readonly seen: JournalRecord | null;
  /** A record that its cleaner found deletable; it is deleted however much later. */
  readonly deleting: number | null;
  readonly stage: Stage;
}

export type Stage =
  | { readonly type: "down" }
  | { readonly type: "standby" }
  | { readonly type: "following"; readonly listing: Listing }
  | { readonly type: "verifying"; readonly verified: JournalRecord | null; readonly listing: Listing }
  | { readonly type: "fencing"; readonly publication: Publication }
  | { readonly type: "confirming"; readonly fence: JournalRecord; readonly listing: Listing }
  | { readonly type: "catching up"; readonly fence: JournalRecord }
  | Primary
  /** The slot of its batch is another's. */
  | { readonly type: "deposed"; readonly lost: JournalRecord };

export interface Primary {
  readonly type: "primary";
  readonly fence: JournalRecord;
  readonly publications: readonly Publication[];
  /** Published, and not answered yet. */
  readonly unanswered: readonly JournalRecord[];
  readonly read: Read | null;
  /** Reads are answered without asking while it has this. */
  readonly lease: boolean;
}

export interface Listing {
  readonly names: SlotSet | null;
  readonly checkpoints: SlotSet | null;
}

export interface Publication {
  readonly record: JournalRecord;
  /** `linked`: created, and not synced. */
  readonly step: "putting" | "linked" | "reading" | "syncing";
  /** What was read back before the last sync. */
  readonly found: JournalRecord | null;
}

export interface Read {
  /** The newest slot that was acknowledged when the read arrived. */
  readonly floor: number;
  /** What must still be found absent or own. `null`: a slot was looked at already. */
  readonly looks: readonly number[];
  /** The empty batch that proves it. */
  readonly barrier: JournalRecord | null;
}

/** What was seen by one who sees everything. */
export interface Observer {
  /** The first record ever created at each slot, but for those that a power cut took away. */
  readonly history: readonly (JournalRecord | null)[];
  readonly acknowledged: readonly JournalRecord[];
  /** Their clients were told that they were not applied. */
  readonly refused: readonly JournalRecord[];
  readonly staleRead: boolean;
  /** A host took a record for lost that was cleaned away. */
  readonly falseAlarm: boolean;
  readonly reads: number;
  /** Notes on what happened, for the proof that a run was not empty. Only what no state shows. */
  readonly cleaned: boolean;
}

/** How often each of these may still happen. */
export interface Budget {
  readonly writes: number;
  readonly orders: number;
  readonly losses: number;
  readonly crashes: number;
  readonly releases: number;
  readonly checkpoints: number;
  readonly powerCuts: number;
  readonly reads: number;
  readonly eras: number;
}

/** What a scope turns on. What is off costs no states. */
export interface Features {
  /** Slots that the model has; nothing is put beyond. */
  readonly slots: number;
  readonly rules: Rules;
  /** Names are lost in power cuts unless they were synced. */
  readonly power: boolean;
  /** A listing may show any moment of the era. */
  readonly stale: boolean;
  /** Hosts that may be ordered to take over, and those that follow of their own. */
  readonly takers: readonly NodeName[];
  readonly followers: readonly NodeName[];
  readonly cleaning: boolean;
  /**
   * Where no name goes away, what was listed cannot change any more: to read it later is to read it at once. So a host
   * reads, verifies and applies in the same step in which it lists.
   */
  readonly hurried: boolean;
}

export const UNLISTED: Listing = { names: null, checkpoints: null };
export const STANDBY: Stage = { type: "standby" };
export const DOWN: Stage = { type: "down" };

export const withNode = (world: World, index: number, change: Partial<Node>): World => ({
  ...world,
  nodes: world.nodes.with(index, { ...world.nodes[index]!, ...change }),
});

export const withVault = (world: World, change: Partial<Vault>): World => ({
  ...world,
  vault: { ...world.vault, ...change },
});

export const observe = (world: World, change: Partial<Observer>): World => ({
  ...world,
  observer: { ...world.observer, ...change },
});

/** One less of something that may happen. */
export const spend = (world: World, what: keyof Budget): World => ({
  ...world,
  budget: { ...world.budget, [what]: world.budget[what] - 1 },
});

export const recordAt = ({ vault }: World, slot: number): JournalRecord | null => vault.records[slot - 1] ?? null;

export const slotAfter = (record: JournalRecord | null): number => (record?.slot ?? 0) + 1;

export const primary = (fence: JournalRecord, lease: boolean): Primary => ({
  type: "primary",
  fence,
  publications: [],
  unanswered: [],
  read: null,
  lease,
});
