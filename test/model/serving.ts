/**
 * A primary: batches, one in flight, each answered after it was published; its release; and what it tells the requests
 * of a batch whose slot turned out to be another's.
 */
import type { Step } from "./checker.ts";
import { describe, holdsWrite, makeBatch, makeRelease, type JournalRecord } from "./journal-record.ts";
import { publishSteps, put, type Outcome } from "./publishing.ts";
import { newest } from "./slot-set.ts";
import { listCheckpoints } from "./vault.ts";
import {
  observe,
  spend,
  STANDBY,
  withNode,
  type Features,
  type Node,
  type Primary,
  type Publication,
  type World,
} from "./world.ts";

export function serveSteps(world: World, index: number, stage: Primary, features: Features): readonly Step<World>[] {
  return [
    ...stage.publications.flatMap((publication) => publicationSteps(world, index, stage, publication, features)),
    ...stage.unanswered.map((record) => answer(world, index, stage, record)),
    ...beginSteps(world, index, stage, features),
  ];
}

// --- Beginning ------------------------------------------------------------------------------------------------------

function beginSteps(world: World, index: number, stage: Primary, features: Features): readonly Step<World>[] {
  const node = world.nodes[index]!;
  const { publications, unanswered } = stage;
  const [inFlight] = publications;
  const ends = inFlight?.record.kind === "release";
  const most = features.rules.inFlight === "one" ? 1 : 2;
  if (ends || publications.length >= most || (most === 1 && unanswered.length > 0)) return [];
  const head = inFlight?.record ?? node.applied!;
  if (head.slot >= features.slots) return [];
  const batch = beginBatch(world, index, stage, head, features);
  const release = world.budget.releases > 0 && publications.length === 0 ? [beginRelease(world, index, stage)] : [];
  return batch ? [batch, ...release] : release;
}

/** The first write that this primary has not settled yet: clients repeat under their keys whatever was not answered. */
function beginBatch(
  world: World,
  index: number,
  stage: Primary,
  head: JournalRecord,
  { rules }: Features,
): Step<World> | null {
  const node = world.nodes[index]!;
  const write = nextWrite(world, head, rules.keys);
  if (write === null) return null;
  const record = makeBatch(node, head, write);
  const began = withNode(world, index, { stage: { ...stage, publications: [...stage.publications, put(record)] } });
  const early = rules.acknowledge === "before the put" ? acknowledge(began, record) : began;
  const state = rules.applies === "what is on its way" ? leak(early, record) : early;
  return { label: `${node.name} will put ${describe(record)}`, state };
}

function nextWrite({ budget, observer }: World, head: JournalRecord, keys: "looked up" | "forgotten"): number | null {
  const isSettled = (write: number): boolean =>
    observer.acknowledged.some((record) => record.write === write) ||
    (keys === "looked up" ? holdsWrite(head, write) : head.write === write);
  for (let write = 1; write <= budget.writes; write += 1) if (!isSettled(write)) return write;
  return null;
}

/** Standbys that are told by message apply before anything is published. */
function leak(world: World, record: JournalRecord): World {
  const index = world.nodes.findIndex(({ stage, applied }) => stage.type === "standby" && applied === record.previous);
  return index < 0 ? world : withNode(world, index, { applied: record });
}

function beginRelease(world: World, index: number, stage: Primary): Step<World> {
  const node = world.nodes[index]!;
  const record = makeRelease(node, node.applied!);
  const state = withNode(spend(world, "releases"), index, { stage: { ...stage, publications: [put(record)] } });
  return { label: `${node.name} will put ${describe(record)}`, state };
}

// --- Publishing -----------------------------------------------------------------------------------------------------

function publicationSteps(
  world: World,
  index: number,
  stage: Primary,
  publication: Publication,
  features: Features,
): readonly Step<World>[] {
  const { name } = world.nodes[index]!;
  return publishSteps(world, publication, features).map(({ label, world: after, outcome }) => ({
    label: `${name} ${label}`,
    state: settle(after, index, stage, publication, outcome, features),
  }));
}

function settle(
  world: World,
  index: number,
  stage: Primary,
  publication: Publication,
  outcome: Outcome,
  features: Features,
): World {
  const { record } = publication;
  const rest = stage.publications.filter((other) => other !== publication);
  if (outcome.type === "going on") {
    const publications = stage.publications.map((other) => (other === publication ? outcome.publication : other));
    return withNode(world, index, { stage: { ...stage, publications } });
  }
  if (record.kind === "release") return withNode(world, index, onReleased(world.nodes[index]!, record, outcome));
  switch (outcome.type) {
    case "published":
      return onPublished(world, index, { ...stage, publications: rest }, record, features);
    case "taken":
      return onTaken(world, index, record, features);
    case "refused":
      return withNode(refuse(world, record), index, { stage: { ...stage, publications: rest } });
    case "next slot": {
      const again = put(makeBatch(world.nodes[index]!, record, record.write));
      return withNode(world, index, { stage: { ...stage, publications: [...rest, again] } });
    }
  }
}

/** Whatever became of its release, it stands back. */
const onReleased = ({ applied }: Node, record: JournalRecord, outcome: Outcome): Partial<Node> => ({
  applied: outcome.type === "published" ? record : applied,
  stage: STANDBY,
});

/** Committed locally; then everybody in the batch is answered, and the reader whose barrier it was. */
function onPublished(world: World, index: number, stage: Primary, record: JournalRecord, { rules }: Features): World {
  const { applied } = world.nodes[index]!;
  const head = applied!.slot < record.slot ? record : applied;
  const isProof = stage.read?.barrier === record;
  const isAnswered = record.write === 0 || rules.acknowledge === "before the put";
  const next: Primary = {
    ...stage,
    unanswered: isAnswered ? stage.unanswered : [...stage.unanswered, record],
    read: isProof && stage.read ? { ...stage.read, looks: [], barrier: null } : stage.read,
    lease: rules.proof === "lease" ? true : stage.lease,
  };
  return withNode(world, index, { applied: head, stage: next });
}

function onTaken(world: World, index: number, record: JournalRecord, { rules }: Features): World {
  if (record.write === 0) return withNode(world, index, { stage: STANDBY });
  if (rules.deposed === "say not applied") return withNode(refuse(world, record), index, { stage: STANDBY });
  return withNode(world, index, { stage: { type: "deposed", lost: record } });
}

function answer(world: World, index: number, stage: Primary, record: JournalRecord): Step<World> {
  const unanswered = stage.unanswered.filter((other) => other !== record);
  const state = acknowledge(withNode(world, index, { stage: { ...stage, unanswered } }), record);
  return { label: `${world.nodes[index]!.name} acknowledges write ${record.write} of slot ${record.slot}`, state };
}

const byNumber = (one: JournalRecord, other: JournalRecord): number => one.number - other.number;

function acknowledge(world: World, record: JournalRecord): World {
  const { acknowledged } = world.observer;
  if (acknowledged.includes(record)) return world;
  return observe(world, { acknowledged: [...acknowledged, record].toSorted(byNumber) });
}

function refuse(world: World, record: JournalRecord): World {
  const { refused } = world.observer;
  return observe(world, { refused: [...refused, record].toSorted(byNumber) });
}

// --- Deposed --------------------------------------------------------------------------------------------------------

/** Only where no checkpoint lies at or beyond the slot was nothing cleaned there. */
export function deposedSteps(
  world: World,
  index: number,
  lost: JournalRecord,
  features: Features,
): readonly Step<World>[] {
  const { name } = world.nodes[index]!;
  const said = new Set(listCheckpoints(world, features).map((listed) => newest(listed) < lost.slot));
  return [...said].map((isNew) => ({
    label: `${name} tells write ${lost.write} ${isNew ? "that it was not applied" : "nothing: its slot may have been cleaned"}`,
    state: withNode(isNew ? refuse(world, lost) : world, index, { stage: STANDBY }),
  }));
}
