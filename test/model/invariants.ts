/**
 * What must hold in every state. History is the first record ever created at each slot; all else is judged by it. The
 * numbers are those of the invariants that the simulation checks, too.
 */
import { holdsWrite, type JournalRecord } from "./journal-record.ts";
import { safeBase } from "./cleaning.ts";
import { recordAt, type Features, type World } from "./world.ts";

export const INVARIANTS = {
  "unique history": "a slot that was cleaned away is taken again by the same record or by a void fence only",
  prefix: "what a host has applied is the beginning of history",
  acknowledged: "what was acknowledged is in history, and stays there",
  "no hole": "nothing is acknowledged behind a hole in history",
  "one tenure": "whoever serves owns a fence that is in history",
  "fresh reads": "a read sees what was acknowledged before it came",
  once: "no write takes effect twice",
  "not applied": "what was answered not applied never appears in history",
  recoverable: "the state can be had from the vault, also if the newest checkpoint is damaged",
} as const;

export type Invariant = keyof typeof INVARIANTS;

export function judge(world: World, features: Features): Invariant | null {
  const { observer, nodes } = world;
  if (!observer.acknowledged.every((record) => hasNoHole(world, record))) return "no hole";
  if (!observer.acknowledged.every((record) => isHistory(world, record))) return "acknowledged";
  if (nodes.some(({ stage }) => stage.type === "primary" && !isHistory(world, stage.fence))) return "one tenure";
  if (nodes.some(({ applied }) => applied !== null && !isHistory(world, applied))) return "prefix";
  if (observer.staleRead) return "fresh reads";
  if (observer.refused.some((record) => observer.history[record.slot - 1] === record)) return "not applied";
  if (!isUnique(world)) return "unique history";
  if (observer.history.some((record) => record !== null && repeats(record))) return "once";
  return features.cleaning && !isRecoverable(world) ? "recoverable" : null;
}

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
