/** What befalls hosts and vault: crashes, starts, power cuts, the end of a lease. */
import type { Step } from "./checker.ts";
import type { JournalRecord } from "./journal-record.ts";
import { newestFence } from "./journal-record.ts";
import { powerCuts, withLate } from "./vault.ts";
import {
  DOWN,
  primary,
  spend,
  STANDBY,
  withNode,
  type Features,
  type Node,
  type Publication,
  type Stage,
  type World,
} from "./world.ts";

/** What it had sent may still arrive. Its store may come back without what it committed last, since that is not synced. */
export function crashSteps(world: World, index: number, { slots }: Features): readonly Step<World>[] {
  const { name, applied, stage } = world.nodes[index]!;
  if (world.budget.crashes === 0 || stage.type === "down") return [];
  const sent = publicationsOf(stage).filter(({ step, record }) => step === "putting" && record.slot <= slots);
  const after = sent.reduce((state, { record }) => withLate(state, record), spend(world, "crashes"));
  const down = (label: string, head: JournalRecord | null): Step<World> => ({
    label: `${name} ${label}`,
    state: withNode(after, index, { applied: head, stage: DOWN, attempts: 0, seen: null, deleting: null }),
  });
  const fence = stage.type === "primary" && applied !== stage.fence ? stage.fence : null;
  return [down("crashes", applied), ...(fence ? [down("crashes, and its store loses its last commits", fence)] : [])];
}

function publicationsOf(stage: Stage): readonly Publication[] {
  if (stage.type === "fencing") return [stage.publication];
  return stage.type === "primary" ? stage.publications : [];
}

/** A new life; its boot id is a new one. */
export function startSteps(world: World, index: number, { rules }: Features): readonly Step<World>[] {
  const { name, life, applied, stage } = world.nodes[index]!;
  if (stage.type !== "down") return [];
  const fence = applied && newestFence(applied);
  if (rules.restart === "resumes its epoch" && fence?.owner === name && fence.life === life) {
    return [
      {
        label: `${name} starts and goes on in epoch ${fence.epoch}`,
        state: withNode(world, index, { stage: primary(fence, false) }),
      },
    ];
  }
  return [{ label: `${name} starts as a standby`, state: withNode(world, index, { life: life + 1, stage: STANDBY }) }];
}

/** Puts that were under way have an unknown outcome afterwards. */
export function powerCutSteps(world: World, { power }: Features): readonly Step<World>[] {
  if (!power || world.budget.powerCuts === 0) return [];
  return powerCuts(spend(world, "powerCuts")).map(({ label, world: after }) => ({
    label,
    state: { ...after, nodes: after.nodes.map(unsure) },
  }));
}

const unsure = (node: Node): Node => {
  const { stage } = node;
  if (stage.type === "fencing") return { ...node, stage: { ...stage, publication: reread(stage.publication) } };
  if (stage.type === "primary") return { ...node, stage: { ...stage, publications: stage.publications.map(reread) } };
  return node;
};

const reread = (publication: Publication): Publication =>
  publication.step === "linked" ? { ...publication, step: "reading" } : publication;

export function leaseSteps(world: World, index: number): readonly Step<World>[] {
  const { name, stage } = world.nodes[index]!;
  if (stage.type !== "primary" || !stage.lease) return [];
  return [{ label: `${name}'s lease ends`, state: withNode(world, index, { stage: { ...stage, lease: false } }) }];
}
