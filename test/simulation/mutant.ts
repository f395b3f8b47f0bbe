/** Wrong variants of the protocol that look right. Each must be found by the simulation: the evidence that it can fail. */
import type { Swarm } from "./swarm.ts";

export const MUTANTS = [
  "acknowledge before the put",
  "an unknown outcome counts as created",
  "an unknown outcome counts as refused",
  "a name that exists counts as created",
  "a name that exists counts as another's",
  "apply before publishing",
  "serve before confirming",
  "skip the confirmation",
  "no sync after listing",
  "no sync before concluding from a record",
  "read without proof",
  "delete fences when cleaning",
  "clean without waiting",
] as const;

export type Mutant = (typeof MUTANTS)[number];

/** Few seeds by themselves have what this mutant needs: an old cache, and a journal that is cleaned behind it all the time. */
export function focus(swarm: Swarm, mutant: Mutant | null): Swarm {
  if (mutant !== "clean without waiting") return swarm;
  const { faults } = swarm;
  const busy = { hosts: 4, clients: 4, proxies: 0, thinkMs: 10, checkpointEverySlots: 2, cleanDelayMs: 260 };
  const often = { orderMs: 150, crashMs: null, cutMs: null, fullMs: null, corruptMs: null, pauseAtFence: 0.5 };
  return { ...swarm, ...busy, staleMs: 2_500, reads: "barrier", faults: { ...faults, ...often } };
}
