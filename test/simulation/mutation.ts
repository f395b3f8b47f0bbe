/** A mistake in the production code, and what finds it. */
import type { Swarm as CoreSwarm } from "./core/swarm.ts";
import type { Swarm } from "./swarm.ts";

/** What is found exactly once in a file becomes something else. */
export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Mutation {
  readonly name: string;
  readonly edits: readonly Edit[];
  /**
   * The simulation that finds it: of whole hosts; of the cores alone, which is faster, where rare interleavings matter; or
   * of whole hosts with one fault (`plots.ts`), where it is no safety that breaks.
   */
  readonly by: "hosts" | "cores" | "plots";
  /** The plot that shows it. */
  readonly plot?: string;
  /** What must be dense for it to show soon. */
  readonly focus?: (swarm: Swarm) => Swarm;
  readonly coreFocus?: (swarm: CoreSwarm) => CoreSwarm;
}
