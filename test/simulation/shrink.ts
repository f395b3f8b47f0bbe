/**
 * Which faults of a failing seed it needs to fail: takes one kind after the other away, for good where the same invariant
 * breaks without it. Cheap, and so not minimal: a seed without a fault is another run, which may fail otherwise.
 */
import { simulate } from "./simulation.ts";
import type { Faults, Swarm } from "./swarm.ts";

export async function shrink(seed: number, invariant: string): Promise<string> {
  let drawn: Faults | null = null;
  const off = new Set<keyof Faults>();
  const fails = async (without: ReadonlySet<keyof Faults>): Promise<boolean> => {
    const focus = (swarm: Swarm): Swarm => {
      drawn ??= swarm.faults;
      return { ...swarm, faults: lessFaults(swarm.faults, without) };
    };
    return (await simulate({ seed, lines: 1, focus })).failure?.invariant === invariant;
  };
  await fails(off);
  for (const fault of activeIn(drawn)) {
    if (await fails(new Set([...off, fault]))) off.add(fault);
  }
  return activeIn(drawn)
    .filter((fault) => !off.has(fault))
    .join(", ");
}

function activeIn(faults: Faults | null): readonly (keyof Faults)[] {
  if (faults === null) return [];
  const names = Object.keys(faults) as (keyof Faults)[];
  return names.filter((name) => !NO_FAULTS.has(name) && faults[name] !== null && faults[name] !== 0);
}

function lessFaults(faults: Faults, without: ReadonlySet<keyof Faults>): Faults {
  const none = [...without].map((name) => [name, name.endsWith("Ms") ? null : 0]);
  return { ...faults, ...(Object.fromEntries(none) as Partial<Faults>) };
}

/** Bounds of others. */
const NO_FAULTS: ReadonlySet<keyof Faults> = new Set(["longestPauseMs", "longestPartitionMs"]);
