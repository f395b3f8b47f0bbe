/** Checkpoints, and what a primary deletes on the strength of them. */
import type { Step } from "./checker.ts";
import { describe, newestFence, type JournalRecord } from "./journal-record.ts";
import { below, has, newest, without, type SlotSet } from "./slot-set.ts";
import { agedCheckpoints, beginEra, publishCheckpoint, remove } from "./vault.ts";
import { recordAt, spend, withNode, type Features, type Node, type World } from "./world.ts";

/** Whoever has served in this life may still publish a checkpoint that it began then. */
export function checkpointSteps(world: World, index: number): readonly Step<World>[] {
  const { name, life, applied, stage } = world.nodes[index]!;
  if (world.budget.checkpoints === 0 || stage.type === "down" || applied?.kind !== "batch") return [];
  const fence = newestFence(applied);
  if (fence.owner !== name || fence.life !== life || has(world.vault.checkpoints, applied.slot)) return [];
  const state = publishCheckpoint(spend(world, "checkpoints"), applied.slot);
  return [{ label: `${name} publishes a checkpoint of slot ${applied.slot}`, state }];
}

/** Two steps: what was found deletable is deleted later, however late. */
export function cleanSteps(world: World, index: number, features: Features): readonly Step<World>[] {
  const node = world.nodes[index]!;
  if (node.deleting !== null) return [deletes(world, index, node.deleting)];
  if (node.stage.type !== "primary") return [];
  const below = horizon(world, node, features);
  return world.vault.records.flatMap((record) => {
    if (record === null || record.slot >= below || !mayDelete(record, features)) return [];
    const label = `${node.name} finds that ${describe(record)} may be deleted`;
    return [{ label, state: withNode(world, index, { deleting: record.slot }) }];
  });
}

function deletes(world: World, index: number, slot: number): Step<World> {
  const label = `${world.nodes[index]!.name} deletes slot ${slot}`;
  const done = withNode(world, index, { deleting: null });
  return { label, state: recordAt(world, slot) === null ? done : remove(done, slot) };
}

const mayDelete = (record: JournalRecord, { rules }: Features): boolean =>
  record.kind !== "fence" || rules.cleans === "fences too";

/** Nothing at or above it is touched. Who sees a checkpoint beyond its own state is primary no more, and touches nothing. */
function horizon(world: World, { applied }: Node, { rules }: Features): number {
  const { vault } = world;
  if (newest(vault.checkpoints) > applied!.slot) return 0;
  const old = rules.cleanWaits === "for an era" ? agedCheckpoints(world) : vault.checkpoints;
  switch (rules.cleanBelow) {
    case "the older checkpoint":
      return newest(below(vault.checkpoints, newest(old)));
    case "the newest checkpoint":
      return newest(old);
    case "the head":
      return newest(old) === 0 ? 0 : applied!.slot;
  }
}

export function eraSteps(world: World): readonly Step<World>[] {
  const state = world.budget.eras === 0 ? null : beginEra(spend(world, "eras"));
  return state === null ? [] : [{ label: "an era passes: no listing is older than this", state }];
}

/** The newest checkpoint but one: with the records after it, it gives the state even if the newest is damaged. */
export const safeBase = (checkpoints: SlotSet): number => newest(without(checkpoints, newest(checkpoints)));
