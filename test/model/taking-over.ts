/**
 * A takeover: verify the journal to the first free slot, put a fence there, list afresh, and only if nothing lies beyond
 * the own fence apply what is left and serve.
 */
import type { Step } from "./checker.ts";
import { describe, follows, makeFence, makeRelease, type JournalRecord } from "./journal-record.ts";
import { alarm, doubt, judgeListing, listSteps } from "./following.ts";
import { put, publishSteps, type Outcome } from "./publishing.ts";
import { above, has, newest } from "./slot-set.ts";
import {
  primary,
  recordAt,
  slotAfter,
  STANDBY,
  UNLISTED,
  withNode,
  type Features,
  type Listing,
  type Node,
  type Publication,
  type Stage,
  type World,
} from "./world.ts";

const to = (world: World, index: number, label: string, change: Partial<Node>): Step<World> => ({
  label: `${world.nodes[index]!.name} ${label}`,
  state: withNode(world, index, change),
});

const giveUp = (world: World, index: number, why: string): readonly Step<World>[] => [
  to(world, index, why, { stage: STANDBY }),
];

const ownFrom = ({ applied }: Node): number => Math.max(0, (applied?.slot ?? 0) - 1);

/** Step 1 begins with a listing. */
export function beginTakeover(world: World, index: number, features: Features): readonly Step<World>[] {
  const node = world.nodes[index]!;
  const ordered: World = { ...world, budget: { ...world.budget, orders: world.budget.orders - 1 } };
  return listSteps(ordered, index, features, UNLISTED, ownFrom(node), (listing) => ({
    attempts: node.attempts + 1,
    stage: { type: "verifying", verified: node.applied, listing },
  })).map(({ label, state }) => ({ label: `ordered to take over, ${label}`, state }));
}

export function verifySteps(
  world: World,
  index: number,
  stage: Stage & { type: "verifying" },
  features: Features,
): readonly Step<World>[] {
  const { verified, listing } = stage;
  const node = world.nodes[index]!;
  if (listing.names === null || listing.checkpoints === null) {
    return listSteps(world, index, features, listing, ownFrom(node), (next) => ({
      stage: { ...stage, listing: next },
    }));
  }
  switch (judgeListing(verified, listing)) {
    case "read":
      return verifyNext(world, index, stage, features);
    case "late":
      return giveUp(world, index, "is late, and refuses the order");
    case "stop":
      return giveUp(alarm(world, verified), index, "misses a record, and refuses the order");
    case "caught up":
      return [fence(world, index, verified)];
  }
}

function verifyNext(
  world: World,
  index: number,
  stage: Stage & { type: "verifying" },
  features: Features,
): readonly Step<World>[] {
  const { verified, listing } = stage;
  const record = recordAt(world, slotAfter(verified));
  if (record === null) return giveUp(world, index, `finds slot ${slotAfter(verified)} gone, and refuses the order`);
  if (!follows(verified, record))
    return giveUp(world, index, `cannot follow ${describe(record)}, and refuses the order`);
  const doubts = doubt(world, record, listing, "any", features);
  if (doubts !== "none") {
    return giveUp(world, index, `finds that ${describe(record)} may be void, and refuses the order`);
  }
  return [to(world, index, `verifies ${describe(record)}`, { stage: { ...stage, verified: record } })];
}

/** Step 2. */
function fence(world: World, index: number, verified: JournalRecord | null): Step<World> {
  const record = makeFence(world.nodes[index]!, verified);
  return to(world, index, `will put its fence at ${record.slot}`, {
    stage: { type: "fencing", publication: put(record) },
  });
}

export function fenceSteps(
  world: World,
  index: number,
  publication: Publication,
  features: Features,
): readonly Step<World>[] {
  const { name } = world.nodes[index]!;
  return publishSteps(world, publication, features).map(({ label, world: after, outcome }) => ({
    label: `${name} ${label}`,
    state: withNode(after, index, onFence(after.nodes[index]!, publication, outcome)),
  }));
}

function onFence(node: Node, { record }: Publication, outcome: Outcome): Partial<Node> {
  switch (outcome.type) {
    case "going on":
      return { stage: { type: "fencing", publication: outcome.publication } };
    case "published":
      return afterFence(record);
    case "refused":
      return { stage: STANDBY };
    case "next slot":
      return { stage: { type: "fencing", publication: put(makeFence(node, record)) } };
    case "taken":
      return onTaken(node, record, outcome.by);
  }
}

const afterFence = (fence: JournalRecord): Partial<Node> => ({
  stage: { type: "confirming", fence, listing: UNLISTED },
});

/** A record took the slot. If it is a fence, somebody else won. */
function onTaken(node: Node, mine: JournalRecord, by: JournalRecord): Partial<Node> {
  if (!follows(mine.previous, by) || by.kind === "fence") return { stage: STANDBY };
  return { stage: { type: "fencing", publication: put(makeFence(node, by)) } };
}

/** Step 3. */
export function confirmSteps(
  world: World,
  index: number,
  stage: Stage & { type: "confirming" },
  features: Features,
): readonly Step<World>[] {
  const { fence: own, listing } = stage;
  const short = confirmShortly(world, own, features);
  if (short !== null) {
    const label = short ? "finds its fence confirmed" : "does not find its fence confirmed";
    return [to(world, index, label, { stage: short ? { type: "catching up", fence: own } : STANDBY })];
  }
  if (listing.names === null || listing.checkpoints === null) {
    return listSteps(world, index, features, listing, own.slot, (next) => ({ stage: { ...stage, listing: next } }));
  }
  return [judgeConfirmation(world, index, own, listing)];
}

function judgeConfirmation(world: World, index: number, own: JournalRecord, listing: Listing): Step<World> {
  if (has(listing.names!, own.slot + 1)) return examine(world, index, own);
  const beyond = above(listing.names!, own.slot) !== 0 || newest(listing.checkpoints!) >= own.slot;
  if (beyond) return to(world, index, "finds its fence void: it was too late", { stage: STANDBY });
  return to(world, index, "finds nothing beyond its fence", { stage: { type: "catching up", fence: own } });
}

function examine(world: World, index: number, own: JournalRecord): Step<World> {
  const next = recordAt(world, own.slot + 1);
  if (next === null) {
    return to(world, index, "cannot read what follows its fence, and lists again", {
      stage: { type: "confirming", fence: own, listing: UNLISTED },
    });
  }
  const label = next.previous === own ? "was deposed again already" : "finds its fence void";
  return to(world, index, `${label}: ${describe(next)} follows`, { stage: STANDBY });
}

/** The shorter confirmations of wrong variants; `null`: there is none, list. */
function confirmShortly(world: World, own: JournalRecord, { rules }: Features): boolean | null {
  const before = recordAt(world, own.slot - 1);
  switch (rules.confirms) {
    case "predecessor exists":
      return before !== null;
    case "predecessor is right":
      return before === own.previous;
    case "newest fence that is listed":
      return world.vault.records.findLast((record) => record?.kind === "fence") === own;
    case "nothing":
      return true;
    case "fresh listing":
      return null;
  }
}

/** Step 4. Each fence before the own one is proven by the record after it, or not at all. */
export function catchUpSteps(
  world: World,
  index: number,
  own: JournalRecord,
  features: Features,
): readonly Step<World>[] {
  const { applied } = world.nodes[index]!;
  if (applied === own) return serve(world, index, own, features);
  const record = recordAt(world, slotAfter(applied));
  const isProven =
    record !== null &&
    (record === own || record.kind !== "fence" || recordAt(world, record.slot + 1)?.previous === record);
  if (record === null || !follows(applied, record) || !isProven) return [resign(world, index, own)];
  return [to(world, index, `applies ${describe(record)}`, { applied: record })];
}

/** The fence is history, but this host cannot bring its own state to it: it says so, and another may follow. */
function resign(world: World, index: number, own: JournalRecord): Step<World> {
  const release = put(makeRelease(world.nodes[index]!, own));
  return to(world, index, "cannot catch up, and will put a release", {
    stage: { ...primary(own, false), publications: [release] },
  });
}

function serve(world: World, index: number, own: JournalRecord, { rules }: Features): readonly Step<World>[] {
  const others = world.nodes.filter((_, at) => at !== index);
  const leased = others.some(({ stage }) => stage.type === "primary" && stage.lease);
  if (rules.proof === "lease" && rules.leaseEnds === "before another serves" && leased) return [];
  return [to(world, index, `serves in epoch ${own.epoch}`, { stage: primary(own, rules.proof === "lease") })];
}
