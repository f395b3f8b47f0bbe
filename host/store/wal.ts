/**
 * Keeps the WAL small without making a commit wait for it. Moving pages into the database costs syncs, which a thread
 * does while commits go on (PASSIVE); what is left for the main thread is to cut a WAL that has been moved (TRUNCATE).
 *
 * Nobody is waited for: while a worker holds a snapshot for an image, the WAL grows, and is cut when that is done.
 * Fails, like every access to the file, where the disk does.
 */
import { Worker } from "node:worker_threads";
import { DatabaseSync } from "node:sqlite";
import { SMALL_THREAD } from "../../shared/thread-memory.ts";
import { threadUrl } from "../../shared/thread-url.ts";
import type { Connection } from "./connection.ts";

const MIB = 1024 * 1024;

/** From so much on that is not in the database yet, the thread is set to work. */
const PASSIVE_BYTES = 4 * MIB;
/** A WAL of this size is cut, once most of it has been moved. */
export const TRUNCATE_BYTES = 16 * MIB;
/** A WAL of this size is cut at once, though the caller waits: the thread cannot keep up. */
export const LIMIT_BYTES = 64 * MIB;
/** What the main thread moves itself without being noticed. */
const REST_BYTES = MIB;
/** After somebody's snapshot was in the way, so many calls pass before the next try. */
const PAUSE_CALLS = 64;
/** Longer than any PASSIVE takes; a thread that died of the disk does not answer. */
const CLOSE_TIMEOUT_MS = 10_000;

/** Who moves the WAL: a thread of its own, or, in the simulation, the caller between two batches. */
export type WalMover = "thread" | "caller";

export class WalTrimmer {
  readonly #file: string;
  readonly #connection: Connection;
  readonly #frameBytes: number;
  #thread: Worker | null = null;
  #threadIsBusy = false;
  /** 1 when the thread is done. */
  readonly #closed = new Int32Array(new SharedArrayBuffer(4));
  #failure: Error | null = null;
  #database: DatabaseSync | null = null;
  #pausedCalls = 0;

  readonly #mover: WalMover;

  /** `connection` is only asked how long the WAL is. */
  constructor(file: string, connection: Connection, mover: WalMover) {
    this.#file = file;
    this.#connection = connection;
    this.#mover = mover;
    this.#frameBytes = Number(connection.own("pragma page_size").get()?.["page_size"]) + FRAME_HEADER_BYTES;
  }

  /** To be called between batches. @throws what the thread or the disk failed with. */
  trim(): void {
    if (this.#failure) throw this.#failure;
    if (this.#pausedCalls > 0) {
      this.#pausedCalls -= 1;
      return;
    }
    const { walBytes, restBytes } = this.#measure();
    if (walBytes >= LIMIT_BYTES || (walBytes >= TRUNCATE_BYTES && restBytes <= REST_BYTES)) this.#truncate();
    else if (restBytes >= PASSIVE_BYTES) this.#movePassively();
  }

  /**
   * Waits until the thread has let go of the file: whoever closes a database last deletes the WAL by its name, and by
   * then another store may have that name.
   */
  close(): void {
    this.#database?.close();
    this.#database = null;
    if (this.#thread === null) return;
    this.#thread.postMessage("close" satisfies WalOrder);
    this.#thread = null;
    Atomics.wait(this.#closed, 0, 0, CLOSE_TIMEOUT_MS);
  }

  #measure(): { walBytes: number; restBytes: number } {
    const row = this.#connection.own("pragma wal_checkpoint(noop)").get();
    const frames = Number(row?.["log"]);
    return {
      walBytes: frames * this.#frameBytes,
      restBytes: (frames - Number(row?.["checkpointed"])) * this.#frameBytes,
    };
  }

  #truncate(): void {
    const busy = this.#impatient().prepare("pragma wal_checkpoint(truncate)").get()?.["busy"] !== 0;
    if (busy) this.#pausedCalls = PAUSE_CALLS;
  }

  /** A connection of its own, which does not wait for locks. */
  #impatient(): DatabaseSync {
    this.#database ??= new DatabaseSync(this.#file, { timeout: 0 });
    return this.#database;
  }

  #movePassively(): void {
    if (this.#mover === "caller") return this.#impatient().exec("pragma wal_checkpoint(passive)");
    if (this.#threadIsBusy) return;
    this.#thread ??= this.#startThread();
    this.#threadIsBusy = true;
    this.#thread.postMessage("passive" satisfies WalOrder);
  }

  #rest(): void {
    this.#threadIsBusy = false;
    this.#pausedCalls = PAUSE_CALLS;
  }

  #startThread(): Worker {
    const thread = new Worker(threadUrl("./wal-thread", import.meta.url), {
      resourceLimits: SMALL_THREAD,
      workerData: { file: this.#file, closed: this.#closed } satisfies WalThreadData,
      name: "hotspare-wal",
    });
    thread.on("message", (moved: WalReport) => {
      this.#threadIsBusy = false;
      if (moved === "blocked") this.#pausedCalls = PAUSE_CALLS;
    });
    thread.on("error", (error: Error) => {
      this.#thread = null;
      if (couldNotStart(error)) this.#rest();
      else this.#failure = error;
    });
    // It holds nothing that must be finished: a process may end while it works.
    thread.unref();
    return thread;
  }
}

/** This process has no descriptor or memory to spare now: the WAL grows meanwhile, which is no reason to die. */
const couldNotStart = (error: Error): boolean => "code" in error && error.code === "ERR_WORKER_INIT_FAILED";

export interface WalThreadData {
  readonly file: string;
  readonly closed: Int32Array<SharedArrayBuffer>;
}

export type WalOrder = "passive" | "close";
/** `blocked`: a snapshot holds back some of it. */
export type WalReport = "moved" | "blocked";

/** https://sqlite.org/fileformat2.html#walformat */
const FRAME_HEADER_BYTES = 24;
