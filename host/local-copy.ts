/** A pool's state on this host's own disk: the open store, and how it is replaced. Implemented by `pool-copy.ts`. */
import type { OriginId, Sha256 } from "../shared/ids.ts";
import type { Slot } from "../shared/position.ts";
import type { Restored } from "./core/pool-state.ts";
import type { Store } from "./store/store.ts";

/** What a state was at a slot. */
export interface StateHash {
  readonly slot: Slot;
  readonly hash: Sha256;
}

export interface LocalCopy {
  /** The open store. Another object after `restore` and `startAfresh`. */
  readonly store: Store;
  /** The checkpoint that this copy began with, if this process restored it. */
  readonly restored: StateHash | null;

  /**
   * Installs the newest valid checkpoint, at least at `atLeast`. The old copy serves local reads until the new one is
   * there; if `aside` says what is wrong with it, it is then kept aside, else removed.
   */
  restore(wish: RestoreWish): Promise<Restored>;

  close(): Promise<void>;
}

export interface RestoreWish {
  readonly atLeast: Slot | null;
  readonly origin: OriginId | null;
  readonly aside: string | null;
  readonly signal: AbortSignal;
}
