/** Linearizable reads: the proof that the host was still primary at a moment after the reader came. */
import type { Step } from "./checker.ts";
import { makeBatch, type JournalRecord } from "./journal-record.ts";
import { put } from "./publishing.ts";
import { wasAbsent } from "./vault.ts";
import { observe, recordAt, spend, withNode, type Features, type Primary, type Read, type World } from "./world.ts";

export function readSteps(world: World, index: number, stage: Primary, features: Features): readonly Step<World>[] {
  const { read } = stage;
  if (read === null) return world.budget.reads > 0 ? begin(world, index, stage, features) : [];
  const done = read.looks.length === 0 && read.barrier === null;
  return [
    ...(done ? [reply(world, index, stage, read)] : []),
    ...read.looks.flatMap((slot) => look(world, index, stage, read, slot, features)),
    ...joinSteps(world, index, stage, read, features),
  ];
}

const newestAcknowledged = ({ observer }: World): number =>
  observer.acknowledged.reduce((newest, { slot }) => Math.max(newest, slot), 0);

function begin(world: World, index: number, stage: Primary, features: Features): readonly Step<World>[] {
  const { name, applied } = world.nodes[index]!;
  const floor = newestAcknowledged(world);
  const began = spend(world, "reads");
  const step = (how: string, change: Partial<Primary>): readonly Step<World>[] => [
    { label: `a reader comes to ${name}${how}`, state: withNode(began, index, { stage: { ...stage, ...change } }) },
  ];
  const looks = (slots: readonly number[]): Read => ({ floor, looks: slots, barrier: null });
  const [inFlight] = stage.publications;
  switch (features.rules.proof) {
    case "none":
      return step("", { read: looks([]) });
    case "lease":
      return stage.lease ? step("; the lease has not ended", { read: looks([]) }) : [];
    case "check":
    case "check before the reader came":
      return step("", { read: looks(slotsToLook(applied!, inFlight?.record)) });
    case "check of the slot after the head":
      return step("", { read: looks([applied!.slot + 1]) });
    case "barrier with the batch under way":
      if (inFlight)
        return step(", and waits for the batch under way", { read: { floor, looks: [], barrier: inFlight.record } });
      return barrier(world, index, stage, floor, features);
    case "barrier":
      return barrier(world, index, stage, floor, features);
  }
}

/** The slot after the last one whose publish was started, and the slot of what is unresolved. */
const slotsToLook = (applied: JournalRecord, inFlight: JournalRecord | undefined): readonly number[] =>
  inFlight ? [inFlight.slot, inFlight.slot + 1] : [applied.slot + 1];

/** Only where nothing is in flight; a reader who comes sooner waits, which is the same as coming later. */
function barrier(
  world: World,
  index: number,
  stage: Primary,
  floor: number,
  { slots }: Features,
): readonly Step<World>[] {
  const node = world.nodes[index]!;
  const isBusy = stage.publications.length > 0 || stage.unanswered.length > 0;
  if (isBusy || node.applied!.slot >= slots) return [];
  const record = makeBatch(node, node.applied!, 0);
  const read: Read = { floor, looks: [], barrier: record };
  const state = withNode(spend(world, "reads"), index, { stage: { ...stage, publications: [put(record)], read } });
  return [{ label: `a reader comes to ${node.name}, which will put an empty batch at ${record.slot}`, state }];
}

function look(
  world: World,
  index: number,
  stage: Primary,
  read: Read,
  slot: number,
  { rules }: Features,
): readonly Step<World>[] {
  const { name, life } = world.nodes[index]!;
  const found = recordAt(world, slot);
  const isOwn = found !== null && found.kind !== "fence" && found.epoch === stage.fence.epoch && found.life === life;
  const left = { ...read, looks: read.looks.filter((other) => other !== slot) };
  const passed = (how: string): Step<World> => ({
    label: `${name} looks at slot ${slot}: ${how}`,
    state: withNode(world, index, { stage: { ...stage, read: left } }),
  });
  if (found === null) return [passed("absent")];
  if (isOwn) return [passed("its own")];
  const failed = withNode(world, index, { stage: { ...stage, read: null } });
  const truth = { label: `${name} looks at slot ${slot}, and is not primary any more`, state: failed };
  const isStale = rules.absence === "stale" && wasAbsent(world, slot);
  return isStale ? [truth, passed("absent, says the share's cache")] : [truth];
}

/** Another reader comes while the proof runs. Who joins it has a proof that began too early. */
function joinSteps(
  world: World,
  index: number,
  stage: Primary,
  read: Read,
  { rules }: Features,
): readonly Step<World>[] {
  const floor = newestAcknowledged(world);
  if (rules.proof !== "check before the reader came" || read.floor === floor) return [];
  const state = withNode(world, index, { stage: { ...stage, read: { ...read, floor } } });
  return [{ label: `another reader comes to ${world.nodes[index]!.name}, and joins`, state }];
}

function reply(world: World, index: number, stage: Primary, read: Read): Step<World> {
  const { name, applied } = world.nodes[index]!;
  const isStale = applied!.slot < read.floor;
  const answered = observe(world, { reads: world.observer.reads + 1, staleRead: world.observer.staleRead || isStale });
  return {
    label: `${name} answers the reader from its state after slot ${applied!.slot}`,
    state: withNode(answered, index, { stage: { ...stage, read: null } }),
  };
}
