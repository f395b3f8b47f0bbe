/**
 * What must hold in every state. History is the first record ever created at each slot; all else is judged by it. The
 * numbers are those of the invariants that the simulation checks, too.
 */
import { holdsWrite, type JournalRecord } from "./journal-record.ts";
import { safeBase } from "./cleaning.ts";
import { recordAt, type Features, type Node, type Primary, type World } from "./world.ts";

export const INVARIANTS = {
  "unique history": "a slot that was cleaned away is taken again by the same record or by a void fence only",
  chain: "each record of history follows the one before it",
  prefix: "what a host has applied is the beginning of history",
  acknowledged: "what was acknowledged is in history, and stays there",
  "no hole": "nothing is acknowledged behind a hole in history",
  "one tenure": "who serves owns its epoch, by a fence that is in history",
  "fresh reads": "a read sees what was acknowledged before it came",
  once: "no write takes effect twice",
  "not applied": "what was answered not applied never appears in history",
  recoverable: "the state can be had from the vault, also if the newest checkpoint is damaged",
  "no false alarm": "who misses a record that was cleaned away finds out that it is late",
} as const;

export type Invariant = keyof typeof INVARIANTS;

const NAMES = Object.keys(INVARIANTS) as Invariant[];

/** The first of `looked` that does not hold; `null`: all do. */
export const judge = (world: World, features: Features, looked: readonly Invariant[] = NAMES): Invariant | null =>
  looked.find((invariant) => !holds(invariant, world, features)) ?? null;

function holds(invariant: Invariant, world: World, features: Features): boolean {
  const { observer, nodes } = world;
  switch (invariant) {
    case "unique history":
      return isUnique(world);
    case "chain":
      return observer.history.every((record, index) => isChained(record, observer.history[index - 1] ?? null));
    case "prefix":
      return nodes.every(({ applied }) => applied === null || isHistory(world, applied));
    case "acknowledged":
      return observer.acknowledged.every((record) => isHistory(world, record));
    case "no hole":
      return observer.acknowledged.every((record) => hasNoHole(world, record));
    case "one tenure":
      return nodes.every((node) => node.stage.type !== "primary" || ownsEpoch(world, node, node.stage));
    case "fresh reads":
      return !observer.staleRead;
    case "once":
      return observer.history.every((record) => record === null || !repeats(record));
    case "not applied":
      return observer.refused.every((record) => observer.history[record.slot - 1] !== record);
    case "recoverable":
      return !features.cleaning || isRecoverable(world);
    case "no false alarm":
      return !observer.falseAlarm;
  }
}

const isChained = (record: JournalRecord | null, before: JournalRecord | null): boolean =>
  record === null || record.previous === before;

const ownsEpoch = (world: World, { name, life }: Node, { fence }: Primary): boolean =>
  fence.owner === name && fence.life === life && isHistory(world, fence);

/** The record and all before it. */
function isHistory({ observer }: World, record: JournalRecord): boolean {
  for (let at: JournalRecord | null = record; at !== null; at = at.previous) {
    if (observer.history[at.slot - 1] !== at) return false;
  }
  return true;
}

const hasNoHole = ({ observer }: World, { slot }: JournalRecord): boolean =>
  observer.history[slot - 1] === null || observer.history.slice(0, slot).every((record) => record !== null);

const isUnique = ({ vault, observer }: World): boolean =>
  vault.records.every(
    (record, index) => record === null || record.kind === "fence" || record === observer.history[index],
  );

const repeats = ({ write, previous }: JournalRecord): boolean => write !== 0 && holdsWrite(previous, write);

function isRecoverable(world: World): boolean {
  const base = safeBase(world.vault.checkpoints);
  return world.observer.history.every(
    (record) => record === null || record.slot <= base || recordAt(world, record.slot) === record,
  );
}
