/**
 * What the application's side of a host asks of a pool. Implemented by `pool.ts` (journalled, in a vault) and by
 * `standalone-pool.ts` (no vault, no failover): same code, same API.
 */
import type { Lsn } from "../shared/position.ts";
import type { PoolId } from "../shared/ids.ts";
import type { FenceRef } from "../shared/journal/record.ts";
import type { Db, Write } from "./store/store.ts";

export interface PoolAccess {
  readonly id: PoolId;
  /** The newest fence that this host knows; `null` before the first. */
  readonly fence: FenceRef | null;
  /** LSN of the last commit in the state that reads see. */
  readonly lsn: Lsn;
  /** Whether this host serves the pool now. */
  readonly serving: boolean;

  /**
   * Journals what `write.run` changes, exactly once per key, and resolves when it is durable.
   * Rejects with what `run` threw; with HS_NOT_PRIMARY or HS_NOT_APPLIED if it certainly did not happen here; with
   * HS_OUTCOME_UNKNOWN if that cannot be told.
   */
  write(write: Write): Promise<Written>;

  /**
   * Runs `run` on a read-only view.
   * - `linearizable`: sees every write acknowledged anywhere before the call.
   * - `session`: sees at least the commit `lsn`.
   * - `local`: as it is; also on a standby.
   */
  read<T>(consistency: Consistency, run: (db: Db) => T): Promise<T>;

  /** Asks for a checkpoint soon. */
  checkpoint(reason: string): void;

  on(event: PoolEvent, listener: () => void): () => void;
}

export interface Written {
  /** JSON text of the value, as stored. */
  readonly value: string;
  readonly lsn: Lsn;
  readonly replayed: boolean;
}

export type Consistency =
  | { readonly type: "linearizable" }
  | { readonly type: "session"; readonly lsn: Lsn }
  | { readonly type: "local" };

/** `change`: something was applied; `primary`, `standby`: the role began. */
export type PoolEvent = "primary" | "standby" | "change";
