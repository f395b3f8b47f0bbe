/**
 * Getting one record into one slot until the outcome is known: put; if the reply says that the name exists, or never
 * comes, read the same name back. A put may be performed at any time after it was sent, also after its sender gave up.
 */
import { describe, type JournalRecord } from "./journal-record.ts";
import { create, syncSlot, withLate } from "./vault.ts";
import { recordAt, spend, type Features, type Publication, type World } from "./world.ts";

export type Outcome =
  | { readonly type: "published" }
  | { readonly type: "taken"; readonly by: JournalRecord }
  | { readonly type: "refused" }
  /** Try again under the next name: only a wrong variant does that. */
  | { readonly type: "next slot" }
  | { readonly type: "going on"; readonly publication: Publication };

export interface Published {
  readonly label: string;
  readonly world: World;
  readonly outcome: Outcome;
}

export const put = (record: JournalRecord): Publication => ({ record, step: "putting", found: null });

const goOn = (publication: Publication, step: Publication["step"], found = publication.found): Outcome => ({
  type: "going on",
  publication: { ...publication, step, found },
});

export function publishSteps(world: World, publication: Publication, features: Features): readonly Published[] {
  switch (publication.step) {
    case "putting":
      return putSteps(world, publication, features);
    case "linked":
      return [{ label: "syncs the folder", world: syncSlot(world, publication.record.slot), outcome: PUBLISHED }];
    case "reading":
      return [readBack(world, publication, features)];
    case "syncing":
      return [
        {
          label: "syncs the folder of what it found",
          world: syncSlot(world, publication.record.slot),
          outcome: goOn(publication, "reading"),
        },
      ];
  }
}

const PUBLISHED: Outcome = { type: "published" };

function putSteps(world: World, publication: Publication, features: Features): readonly Published[] {
  const { record } = publication;
  if (record.slot > features.slots) return [];
  const name = describe(record);
  const made = create(world, record, features);
  const heard = made
    ? { label: `puts ${name}: created`, world: made, outcome: created(publication, features) }
    : { label: `puts ${name}: the name exists`, world, outcome: onExists(world, publication, features) };
  if (world.budget.losses === 0) return [heard];
  const outcome = onUnknown(publication, features);
  const late = { label: `puts ${name}: no reply, not performed yet`, world: spend(withLate(world, record), "losses") };
  const lost = made && { label: `puts ${name}: performed, the reply is lost`, world: spend(made, "losses") };
  return [heard, { ...late, outcome }, ...(lost ? [{ ...lost, outcome }] : [])];
}

const created = (publication: Publication, { power, rules }: Features): Outcome =>
  power && rules.createdIs === "synced" ? goOn(publication, "linked") : PUBLISHED;

function onExists(world: World, publication: Publication, { rules }: Features): Outcome {
  switch (rules.exists) {
    case "read back":
      return goOn(publication, "reading");
    case "created":
      return PUBLISHED;
    case "another's":
      return { type: "taken", by: recordAt(world, publication.record.slot)! };
  }
}

function onUnknown(publication: Publication, { rules }: Features): Outcome {
  switch (rules.unknown) {
    case "read back":
      return goOn(publication, "reading");
    case "created":
      return PUBLISHED;
    case "refused":
      return { type: "refused" };
    case "not created: the next slot":
      return { type: "next slot" };
  }
}

function readBack(world: World, publication: Publication, { power, rules }: Features): Published {
  const found = recordAt(world, publication.record.slot);
  const where = `reads slot ${publication.record.slot} back`;
  if (found === null) {
    return { label: `${where}: nothing is there`, world, outcome: goOn(publication, "putting", null) };
  }
  const label = `${where}: ${describe(found)}`;
  const doubtful = power && rules.readBackIs === "synced and read again" && publication.found !== found;
  if (doubtful) return { label, world, outcome: goOn(publication, "syncing", found) };
  const own = found === publication.record || (rules.own === "the same owner" && isOwners(found, publication.record));
  return { label, world, outcome: own ? PUBLISHED : { type: "taken", by: found } };
}

const isOwners = (found: JournalRecord, mine: JournalRecord): boolean => found.owner === mine.owner;

/** A put that nobody waits for arrives. */
export function lateSteps(world: World, features: Features): readonly { label: string; state: World }[] {
  return world.vault.late.flatMap((record) => {
    const made = create(world, record, features);
    if (made === null) return [];
    const late = made.vault.late.filter((other) => other !== record);
    return [
      {
        label: `a put that nobody waits for is performed: ${describe(record)}`,
        state: { ...made, vault: { ...made.vault, late } },
      },
    ];
  });
}
