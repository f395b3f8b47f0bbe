/** The pool as an application sees it: the public API, without how it is kept. */
import type { FastifyRequest } from "fastify";
import type { Commit, Db } from "../store/store.ts";
import type { PoolEvent } from "../pool-access.ts";

/** Changes the state through `db`. Synchronous; touches only `db`; may run again, as another commit. Returns what JSON can hold. */
export type WriteRun<T> = (db: Db, commit: Commit) => T;
/** Looks at the state through `db`. Synchronous; may run again. */
export type ReadRun<T> = (db: Db) => T;

export interface WriteResult<T> {
  /** What `run` returned, read back from the JSON that was stored; the same the first time and in every replay. */
  readonly value: T;
  /** The commit's number; for a replay, that of the first time. */
  readonly lsn: number;
  /** The key was settled before: `run` was not run, or what it did this time was forgotten. */
  readonly replayed: boolean;
}

export interface Pool {
  readonly id: string;

  /**
   * Journals what `run` changes and resolves when it is durable: exactly once for a request that came through a proxy or
   * brought an `Idempotency-Key`, and for a key given as text (kept for 24 h). A second write in one request needs a name.
   *
   * @throws {HotspareError} HS_WRITE_MISUSE if a write of this request has the same name, in a GET or other safe method,
   *   after the answer was sent, or while the application registers; HS_NOT_PRIMARY, HS_NOT_APPLIED,
   *   HS_OUTCOME_UNKNOWN: the answer is then made by the host, whatever the handler returns; HS_KEY_REUSED,
   *   HS_KEY_EXPIRED, HS_WRITE_OVERLOAD, HS_WRITE_TOO_LARGE, HS_WRITE_ASYNC, HS_WRITE_DENIED; or what `run` threw.
   */
  write<T>(from: FastifyRequest | string, run: WriteRun<T>): Promise<WriteResult<T>>;
  write<T>(from: FastifyRequest | string, name: string, run: WriteRun<T>): Promise<WriteResult<T>>;

  /**
   * Runs `run` on a read-only view and resolves with what it returned. A request reads linearizably unless its fields
   * say otherwise (`Hotspare-Lsn`: a session, `Hotspare-Consistency: local`: as it is). Outside a request, name one:
   * `local` is for caches, and works on a standby too.
   *
   * @throws {HotspareError} HS_NOT_PRIMARY (see `write`), HS_LSN_AHEAD, HS_WRITE_MISUSE; or what `run` threw.
   */
  read<T>(from: FastifyRequest | "linearizable" | "local", run: ReadRun<T>): Promise<T>;

  /** For caches and timers. `primary`, `standby`: the role began; `change`: something was applied. Returns the stop. */
  on(event: PoolEvent, listener: () => void): () => void;

  /** Asks for a checkpoint soon, after something that should not be replayed for long. */
  checkpoint(reason: string): void;
}
