/** A `PoolAccess` whose every answer the test decides, for what the host does around the pool. */
import { pino, type Logger } from "pino";
import type { Consistency, PoolAccess, PoolEvent, Written } from "../../../host/pool-access.ts";
import type { Db, Write } from "../../../host/store/store.ts";
import type { NodeId, PoolId, RecordId, Sha256, BootId } from "../../../shared/ids.ts";
import type { FenceRef } from "../../../shared/journal/record.ts";
import { epoch, lsn, slot } from "../../../shared/position.ts";

export const silent: Logger = pino({ level: "silent" });
export const FENCE_ID = "ab".repeat(16);

export const fenceOf = (at: number): FenceRef => ({
  slot: slot(9),
  id: FENCE_ID as RecordId,
  hash: "cd".repeat(32) as Sha256,
  epoch: epoch(at),
  owner: "host-b" as NodeId,
  bootId: "ef".repeat(16) as BootId,
});

export class FakePoolAccess implements PoolAccess {
  readonly id = "main" as PoolId;
  readonly writes: Write[] = [];
  readonly reads: Consistency[] = [];
  readonly checkpoints: string[] = [];
  fence: FenceRef | null = fenceOf(3);
  lsn = lsn(7);
  serving = true;
  /** What the next calls do. */
  onWrite: (write: Write) => Promise<Written> = async (write) => {
    const at = lsn(this.lsn + 1);
    const value = JSON.stringify(write.run({} as Db, { lsn: at, logTimeMs: 0 }) ?? null);
    this.lsn = at;
    return { value, lsn: at, replayed: false };
  };
  onRead: () => Promise<void> = async () => undefined;
  readonly #listeners = new Map<PoolEvent, Set<() => void>>();

  async write(write: Write): Promise<Written> {
    this.writes.push(write);
    return await this.onWrite(write);
  }

  async read<T>(consistency: Consistency, run: (db: Db) => T): Promise<T> {
    this.reads.push(consistency);
    await this.onRead();
    return run({} as Db);
  }

  checkpoint(reason: string): void {
    this.checkpoints.push(reason);
  }

  on(event: PoolEvent, listener: () => void): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  tell(event: PoolEvent): void {
    for (const listener of this.#listeners.get(event) ?? []) listener();
  }
}
