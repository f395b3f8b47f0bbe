/**
 * A standby: it lists the journal, then checkpoints, reads what is next and applies it, or finds that it is late and
 * restores. A void fence must not deceive it, however long it sleeps between any two of these.
 */
import { describe, follows, newestFence, type JournalRecord } from "./journal-record.ts";
import type { Step } from "./checker.ts";
import { above, has, newest, type SlotSet } from "./slot-set.ts";
import { listCheckpoints, listNames, syncSlot } from "./vault.ts";
import {
  observe,
  recordAt,
  slotAfter,
  STANDBY,
  UNLISTED,
  primary,
  withNode,
  type Features,
  type Listing,
  type Node,
  type World,
} from "./world.ts";

export const beginsToFollow = (world: World, index: number, features: Features): readonly Step<World>[] =>
  listSteps(world, index, features, UNLISTED, 0, (listing) => ({ stage: { type: "following", listing } }));

/** One of the two lists, in the order of the rules; afterwards what was listed is durable. */
export function listSteps(
  world: World,
  index: number,
  features: Features,
  listing: Listing,
  above: number,
  change: (listing: Listing) => Partial<Node>,
): readonly Step<World>[] {
  const { name } = world.nodes[index]!;
  const isJournal = features.rules.lists === "journal first" ? listing.names === null : listing.checkpoints !== null;
  const shown = isJournal ? listNames(world, above, features) : listCheckpoints(world, features);
  return shown.map((set) => {
    const next = isJournal ? { ...listing, names: set } : { ...listing, checkpoints: set };
    const label = `${name} lists ${isJournal ? "the journal" : "checkpoints"}${isJournal ? show(set, above) : show(set, 0)}`;
    return { label, state: withNode(syncListed(world, next, features), index, change(next)) };
  });
}

function show(set: SlotSet, from: number): string {
  const slots = Array.from({ length: newest(set) }, (_, at) => at + 1).filter((slot) => has(set, slot));
  return `${from > 0 ? ` from ${from + 1} on` : ""}: ${slots.length === 0 ? "none" : slots.join(", ")}`;
}

/** Once both lists are there, the folder of each listed name is synced. */
function syncListed(world: World, { names, checkpoints }: Listing, { power, rules }: Features): World {
  if (!power || names === null || checkpoints === null || rules.syncsListing === "no") return world;
  let synced = world;
  for (let slot = 1; slot <= newest(names); slot += 1) if (has(names, slot)) synced = syncSlot(synced, slot);
  return synced;
}

type Verdict = "read" | "late" | "caught up" | "stop";

/** What a listing says of the slot after `head`. `stop`: a record is missing, or the vault is older than the host. */
export function judgeListing(head: JournalRecord | null, { names, checkpoints }: Listing): Verdict {
  const next = slotAfter(head);
  const beyond = newest(checkpoints!);
  if (head !== null && !has(names!, head.slot) && beyond < head.slot) return "stop";
  if (head === null && beyond > 0) return "late";
  if (has(names!, next)) return "read";
  if (beyond >= next) return "late";
  return above(names!, next) === 0 ? "caught up" : "stop";
}

export function followSteps(world: World, index: number, listing: Listing, features: Features): readonly Step<World>[] {
  const node = world.nodes[index]!;
  const from = Math.max(0, (node.applied?.slot ?? 0) - 1);
  if (listing.names === null || listing.checkpoints === null) {
    return listSteps(world, index, features, listing, from, (next) => ({
      stage: { type: "following", listing: next },
    }));
  }
  const idle = (label: string): Step<World> => ({ label, state: withNode(world, index, { stage: STANDBY }) });
  switch (judgeListing(node.applied, listing)) {
    case "read":
      return readNext(world, index, listing, features);
    case "late":
      return [restore(world, index, listing)];
    case "caught up":
      return [idle(`${node.name} is at the head`)];
    case "stop":
      return [
        {
          label: `${node.name} has an alarm and waits`,
          state: withNode(alarm(world, node.applied), index, { stage: STANDBY }),
        },
      ];
  }
}

/** Somebody who misses a record that was cleaned away did not know how late it is. */
export function alarm(world: World, head: JournalRecord | null): World {
  const missed = slotAfter(head);
  const isCleaned = (world.observer.history[missed - 1] ?? null) !== null && recordAt(world, missed) === null;
  return isCleaned ? observe(world, { falseAlarm: true }) : world;
}

/** The state of the newest checkpoint that was listed replaces its own. */
function restore(world: World, index: number, listing: Listing): Step<World> {
  const { name, applied } = world.nodes[index]!;
  const slot = newest(listing.checkpoints!);
  const restored = slot > (applied?.slot ?? 0) ? world.observer.history[slot - 1]! : applied;
  return {
    label: `${name} is late, and restores the checkpoint of slot ${slot}`,
    state: withNode(world, index, { applied: restored, seen: null, stage: STANDBY }),
  };
}

function readNext(world: World, index: number, listing: Listing, features: Features): readonly Step<World>[] {
  const { name, applied, seen } = world.nodes[index]!;
  const record = recordAt(world, slotAfter(applied));
  const stay = (label: string, change: Partial<Node> = {}): readonly Step<World>[] => [
    { label: `${name} ${label}`, state: withNode(world, index, { ...change, stage: STANDBY }) },
  ];
  if (record === null) return stay(`finds slot ${slotAfter(applied)} gone`);
  const what = describe(record);
  if (record.previous !== applied) {
    const { label, state } = restore(world, index, listing);
    return [{ label: `${name} reads ${what}, which does not follow its state: ${label}`, state }];
  }
  if (!follows(applied, record)) return stay(`cannot pass ${what}`);
  switch (doubt(world, record, listing, seen, features)) {
    case "void":
      return [restore(world, index, listing)];
    case "unlisted":
      return stay(`reads ${what}, and will list once more`, { seen: record });
    case "unproven":
      return stay(`cannot read what proves ${what}`);
    case "none": {
      if (record.kind === "release" && features.rules.release === "its successor serves at once") {
        const stage = primary(newestFence(record), false);
        return [
          {
            label: `${name} applies ${what}, which names it, and serves`,
            state: withNode(world, index, { applied: record, stage }),
          },
        ];
      }
      const more = above(listing.names!, record.slot) !== 0;
      const stage = more ? ({ type: "following", listing } as const) : STANDBY;
      return [
        { label: `${name} applies ${what}`, state: withNode(world, index, { applied: record, seen: null, stage }) },
      ];
    }
  }
}

type Doubt = "none" | "void" | "unlisted" | "unproven";

/**
 * Whether a fence may be believed: the record after it carries its hash; or no checkpoint lies beyond it, by a listing
 * that was made after it was seen. `seen`: that record; `"any"`: it may be proven later.
 */
export function doubt(
  world: World,
  record: JournalRecord,
  { names, checkpoints }: Listing,
  seen: JournalRecord | "any" | null,
  { rules }: Features,
): Doubt {
  if (record.kind !== "fence" || rules.fenceApplies === "always") return "none";
  const next = record.slot + 1;
  const listed = has(names!, next);
  if (listed && recordAt(world, next)?.previous === record) return "none";
  const covered = newest(checkpoints!) > record.slot;
  if (covered) return listed && recordAt(world, next) === null ? "unproven" : "void";
  return seen === "any" || seen === record || rules.fenceApplies === "listed, then read" ? "none" : "unlisted";
}
