/**
 * A pool without a vault: the same writes, keys and batches, kept by this host alone. No journal and no failover; what is
 * acknowledged survives a crash of the process and of the machine, because the store syncs each commit, not its disk.
 *
 * The store must be opened with full durability. If its commit fails, whether it happened cannot be told: nobody is
 * answered as if it had, and the pool is over (`fatal`).
 */
import { createHash } from "node:crypto";
import type { Clock } from "../shared/clock.ts";
import { assert, HotspareError, reasonOf } from "../shared/errors.ts";
import { randomId, type NodeId, type PoolId, type Sha256 } from "../shared/ids.ts";
import type { Head } from "../shared/journal/head.ts";
import { FIRST_WRITE_VERSION } from "../shared/journal/record-formats.ts";
import type { FenceRef } from "../shared/journal/record.ts";
import { epoch, lsn, nextSlot, slot, type Lsn } from "../shared/position.ts";
import type { Random } from "../shared/random.ts";
import { fillGroup, GROUP_BOUNDS, rejectGroup, settleGroup, type Group } from "./group.ts";
import type { Consistency, PoolAccess, PoolEvent, Written } from "./pool-access.ts";
import type { Batch, Db, SchemaEntry, Store, Write } from "./store/store.ts";
import { QUEUE_BOUNDS, WriteQueue } from "./write-queue.ts";

export interface StandalonePoolOptions {
  readonly id: PoolId;
  /** Owned by the pool from here on. */
  readonly store: Store;
  readonly schema: readonly SchemaEntry[];
  readonly clock: Clock;
  readonly random: Random;
  /** The local store failed; the process should end and start again. */
  readonly fatal: (error: HotspareError) => void;
}

const OWNER = "standalone" as NodeId;
/** Log time between two looks for keys whose life has passed. */
const PURGE_INTERVAL_MS = 60_000;

export class StandalonePool implements PoolAccess {
  readonly id: PoolId;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #fatal: (error: HotspareError) => void;
  readonly #queue: WriteQueue;
  readonly #listeners: Record<PoolEvent, Set<() => void>> = {
    primary: new Set(),
    standby: new Set(),
    change: new Set(),
  };
  readonly #startMs: number;
  readonly #startLogTimeMs: number;
  #head: Head;
  #nextPurgeMs: number;
  #flush: NodeJS.Immediate | null = null;
  #closed = false;

  /** Brings the schema up to date and serves. @throws {HotspareError} HS_SCHEMA_REFUSED, HS_SCHEMA_UNKNOWN */
  static start(options: StandalonePoolOptions): StandalonePool {
    const { store, random, schema } = options;
    store.openForWriting();
    if (store.head === null) store.beginOperations([]).commit(firstHead(random));
    assert(store.head !== null, "a store has a head after its first commit");
    const pool = new StandalonePool(options, store.head);
    const pending = store.pendingSchema(schema);
    if (pending.length > 0) pool.#commitOperations(pending);
    return pool;
  }

  private constructor({ id, store, clock, fatal }: StandalonePoolOptions, head: Head) {
    this.id = id;
    this.#store = store;
    this.#clock = clock;
    this.#fatal = fatal;
    this.#head = head;
    this.#queue = new WriteQueue(QUEUE_BOUNDS, () => this.#schedule());
    this.#startMs = clock.monotonicMs();
    this.#startLogTimeMs = head.logTimeMs;
    this.#nextPurgeMs = head.logTimeMs;
  }

  get fence(): FenceRef {
    return this.#head.fence;
  }

  get lsn(): Lsn {
    return this.#head.lsn;
  }

  get serving(): boolean {
    return !this.#closed;
  }

  write(write: Write): Promise<Written> {
    return this.#queue.add(write);
  }

  // oxlint-disable-next-line require-await -- what `run` throws is a rejection
  async read<T>(consistency: Consistency, run: (db: Db) => T): Promise<T> {
    if (this.#closed) throw this.#notServing();
    if (consistency.type === "session" && consistency.lsn > this.lsn) {
      // All that was ever acknowledged here is applied: this LSN is from elsewhere, and waiting would be for nothing.
      throw new HotspareError("HS_LSN_AHEAD", { lsn: consistency.lsn, found: this.lsn });
    }
    return this.#store.read(run);
  }

  /** There are no checkpoints without a vault; the store itself is what a restart begins from. */
  checkpoint(): void {
    if (!this.#closed) this.#store.trimWal();
  }

  /** Tells the listeners, who came after the start, that this host is the primary. */
  announce(): void {
    this.#tell("primary");
  }

  on(event: PoolEvent, listener: () => void): () => void {
    this.#listeners[event].add(listener);
    return () => this.#listeners[event].delete(listener);
  }

  /** Finishes the writes that wait, then closes the store. Idempotent. */
  close(): void {
    if (this.#closed) return;
    while (this.#queue.length > 0 && !this.#closed) this.#runBatch();
    this.#end(this.#notServing());
  }

  /** Once per turn of the event loop: all writes that arrived in it share a batch, and its sync. */
  #schedule(): void {
    this.#flush ??= setImmediate(() => {
      this.#flush = null;
      if (this.#closed) return;
      this.#runBatch();
      if (this.#queue.length > 0) this.#schedule();
    });
  }

  #runBatch(): void {
    let group: Group = [];
    try {
      this.#maybePurge();
      const logTimeMs = this.#logTimeMs();
      const batch = this.#store.begin(lsn(this.#head.lsn + 1), logTimeMs);
      group = fillGroup(batch, this.#queue, GROUP_BOUNDS, this.#clock);
      const { outcomes } = batch.seal();
      const changed = this.#commitOrForget(batch, logTimeMs);
      settleGroup(group, outcomes);
      if (changed) this.#tell("change");
      this.#store.trimWal();
    } catch (error) {
      this.#fail(group, error);
    }
  }

  /** A batch of refusals and replays only has nothing to commit. */
  #commitOrForget(batch: Batch, logTimeMs: number): boolean {
    const { commits } = batch;
    if (commits === 0) batch.rollback();
    else this.#commit(batch, headAfter(this.#head, commits, logTimeMs));
    return commits > 0;
  }

  #maybePurge(): void {
    const nowMs = this.#logTimeMs();
    if (nowMs < this.#nextPurgeMs) return;
    this.#nextPurgeMs = nowMs + PURGE_INTERVAL_MS;
    const pending = this.#store.pendingPurge(nowMs);
    if (pending.length > 0) this.#commitOperations(pending);
  }

  #commitOperations(operations: Parameters<Store["beginOperations"]>[0]): void {
    this.#commit(this.#store.beginOperations(operations), headAfter(this.#head, 0, this.#logTimeMs()));
  }

  #commit(batch: Pick<Batch, "commit">, head: Head): void {
    batch.commit(head);
    this.#head = head;
  }

  #logTimeMs(): number {
    return this.#startLogTimeMs + Math.floor(this.#clock.monotonicMs() - this.#startMs);
  }

  #tell(event: PoolEvent): void {
    for (const listener of this.#listeners[event]) listener();
  }

  #fail(group: Group, cause: unknown): void {
    const unknown = new HotspareError("HS_OUTCOME_UNKNOWN", { reason: reasonOf(cause) }, { cause });
    rejectGroup(group, unknown);
    this.#end(unknown);
    this.#fatal(unknown);
  }

  #end(error: HotspareError): void {
    this.#closed = true;
    if (this.#flush) clearImmediate(this.#flush);
    this.#flush = null;
    this.#queue.close(error);
    this.#store.close();
  }

  #notServing(): HotspareError {
    return new HotspareError("HS_NOT_PRIMARY", { pool: this.id });
  }
}

/** Nobody follows this history, so its records are never made; the head still moves as if they were. */
function firstHead(random: Random): Head {
  const first = { slot: slot(1), hash: hashOf("", 1, 0) };
  const fence = {
    ...first,
    id: randomId<FenceRef["id"]>(random),
    epoch: epoch(1),
    owner: OWNER,
    bootId: randomId<FenceRef["bootId"]>(random),
  };
  const origin = randomId<Head["origin"]>(random);
  return { ...first, origin, lsn: lsn(0), logTimeMs: 0, writeVersion: FIRST_WRITE_VERSION, fence };
}

function headAfter(head: Head, commits: number, logTimeMs: number): Head {
  const next = { slot: nextSlot(head.slot), lsn: lsn(head.lsn + commits) };
  return { ...head, ...next, hash: hashOf(head.hash, next.slot, next.lsn), logTimeMs };
}

const hashOf = (previous: string, at: number, last: number): Sha256 =>
  createHash("sha256").update(`${previous} ${at} ${last}`).digest("hex") as Sha256;
