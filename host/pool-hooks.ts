/** What else happens at certain moments of a pool; checkpoints and state hashes hang on these. */
import type { Slot } from "../shared/position.ts";

export interface PoolHooks {
  /** A record with commits was published by this host and is in its store. */
  readonly committed: (bytes: number) => void;
  /** A record that ends with a mark was applied or committed; nothing is applied before this resolves. */
  readonly marked: (at: Slot) => Promise<void>;
  /** This host now serves, or no longer does. */
  readonly serving: (is: "began" | "ended") => void;
  /** The application asks for a checkpoint soon. */
  readonly request: (reason: string) => void;
}
