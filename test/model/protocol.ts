/** The protocol as a whole: what may happen next in a state, whoever does it. */
import type { Model, Step } from "./checker.ts";
import { checkpointSteps, cleanSteps, eraSteps } from "./cleaning.ts";
import { crashSteps, leaseSteps, powerCutSteps, startSteps } from "./fault-steps.ts";
import { beginsToFollow, followSteps } from "./following.ts";
import { judge, type Invariant } from "./invariants.ts";
import { lateSteps } from "./publishing.ts";
import { readSteps } from "./reading.ts";
import type { Scope } from "./scope.ts";
import { deposedSteps, serveSteps } from "./serving.ts";
import { SITUATIONS } from "./situations.ts";
import { beginTakeover, catchUpSteps, confirmSteps, fenceSteps, verifySteps } from "./taking-over.ts";
import { keyOf } from "./world-key.ts";
import type { Features, Stage, World } from "./world.ts";

/** `looked`: the only invariant that is looked at; none: all of them. */
export const protocolModel = ({ initial, features, meets }: Scope, looked?: Invariant): Model<World, Invariant> => ({
  initial,
  next: (world) => next(world, features),
  encode: keyOf,
  judge: (world) => judge(world, features, looked && [looked]),
  situations: new Map(meets.map((name) => [name, ({ state, label }) => SITUATIONS[name](state, label)])),
});

function next(world: World, features: Features): readonly Step<World>[] {
  return [
    ...world.nodes.flatMap((_, index) => hostSteps(world, index, features)),
    ...lateSteps(world, features),
    ...powerCutSteps(world, features),
    ...(features.stale ? eraSteps(world) : []),
  ];
}

function hostSteps(world: World, index: number, features: Features): readonly Step<World>[] {
  const steps = stageSteps(world, index, features);
  return [
    ...(features.hurried ? steps.map((step) => hurry(step, index, features)) : steps),
    ...crashSteps(world, index, features),
    ...(features.cleaning ? [...checkpointSteps(world, index), ...cleanSteps(world, index, features)] : []),
  ];
}

/** Goes on with what depends on nobody else. */
function hurry(step: Step<World>, index: number, features: Features): Step<World> {
  let { label, state } = step;
  for (;;) {
    const { stage } = state.nodes[index]!;
    if (!PRIVATE.has(stage.type) || isUnlisted(stage)) return { label, state };
    const [only, other] = stageSteps(state, index, features);
    if (!only || other) return { label, state };
    label = `${label}; ${only.label}`;
    ({ state } = only);
  }
}

const PRIVATE: ReadonlySet<Stage["type"]> = new Set(["following", "verifying", "confirming", "catching up", "deposed"]);

/** Where the next thing is to list the journal: that shows what others did meanwhile. */
const isUnlisted = (stage: Stage): boolean => stage.type === "confirming" && stage.listing.names === null;

function stageSteps(world: World, index: number, features: Features): readonly Step<World>[] {
  const { stage } = world.nodes[index]!;
  switch (stage.type) {
    case "down":
      return startSteps(world, index, features);
    case "standby":
      return standbySteps(world, index, features);
    case "following":
      return followSteps(world, index, stage.listing, features);
    case "verifying":
      return verifySteps(world, index, stage, features);
    case "fencing":
      return fenceSteps(world, index, stage.publication, features);
    case "confirming":
      return confirmSteps(world, index, stage, features);
    case "catching up":
      return catchUpSteps(world, index, stage.fence, features);
    case "primary":
      return [
        ...serveSteps(world, index, stage, features),
        ...readSteps(world, index, stage, features),
        ...leaseSteps(world, index),
      ];
    case "deposed":
      return deposedSteps(world, index, stage.lost, features);
  }
}

function standbySteps(world: World, index: number, features: Features): readonly Step<World>[] {
  const { name } = world.nodes[index]!;
  const mayTake = features.takers.includes(name) && world.budget.orders > 0;
  return [
    ...(mayTake ? beginTakeover(world, index, features) : []),
    ...(features.followers.includes(name) ? beginsToFollow(world, index, features) : []),
  ];
}
