/**
 * What happens at a pool's marks. On the primary a mark is put into the journal when a checkpoint is due, and the
 * checkpoint is taken exactly there; on a standby the state is hashed there, so that a copy that went wrong is found
 * before it is needed. One image thread per store file: after a restore it is another file. With many pools it runs only around
 * marks: a thread that waits holds tens of megabytes.
 */
import { listCheckpoints } from "../shared/checkpoint/list-checkpoints.ts";
import type { Cancel, Clock } from "../shared/clock.ts";
import type { CheckpointConfig } from "../shared/config/config.ts";
import { HotspareError, isHotspareError } from "../shared/errors.ts";
import type { NodeId, PoolId, Sha256 } from "../shared/ids.ts";
import type { Log } from "../shared/log.ts";
import type { Slot } from "../shared/position.ts";
import type { Vault } from "../shared/vault/vault.ts";
import type { Answer } from "../shared/wire/messages.ts";
import type { ImageTurns } from "./checkpoint/image-turns.ts";
import { Checkpointer, type Taken } from "./checkpointer.ts";
import type { ImageTaker, OpenImages } from "./host-parts.ts";
import type { LocalCopy, StateHash } from "./local-copy.ts";
import type { PoolHooks } from "./pool-hooks.ts";
import type { HostedPool } from "./pool.ts";

export interface PoolCheckpointsOptions {
  readonly pool: PoolId;
  readonly host: NodeId;
  readonly copy: LocalCopy;
  readonly vault: Vault;
  readonly vaultDirectory: string;
  /** Folder of this pool's images in the making. */
  readonly temporary: string;
  readonly limits: () => CheckpointConfig;
  readonly clock: Clock;
  readonly log: Log;
  /** The checkpoints' folder cannot be made durable any more: this host must not go on. */
  readonly die: (error: unknown) => void;
  readonly openImages: OpenImages;
  /** `null`: the image thread waits for the next mark. Else it is started for each, when this pool has a turn. */
  readonly turns: ImageTurns | null;
  /** Told of each one that was tried. */
  readonly onTaken?: (taken: Taken) => void;
}

const LOOK_MS = 500;
const WARM_AFTER_MS = 1500;
/** A thread that is not kept ends so long after its mark, if it has nothing to do by then. */
const IDLE_MS = 500;
/** What a record is taken to have, where only their number is known. */
const USUAL_RECORD_BYTES = 4096;
/** Hashes that a host remembers, to be compared with others'. */
const HASHES_KEPT = 8;

export class PoolCheckpoints implements PoolHooks {
  readonly #options: PoolCheckpointsOptions;
  #pool: HostedPool | null = null;
  #worker: { readonly file: string; readonly worker: ImageTaker; readonly ready: Promise<ImageTaker> } | null = null;
  #beginning: Promise<void> = Promise.resolve();
  #checkpointer: Checkpointer | null = null;
  #timer: Cancel | null = null;
  #warming: Cancel | null = null;
  #resting: Cancel = () => undefined;
  #marking = false;
  #hashes: readonly StateHash[] = [];

  constructor(options: PoolCheckpointsOptions) {
    this.#options = options;
  }

  /**
   * The pool whose hooks these are. Warms the image thread, if it is kept, so that at a mark nothing waits for its start; a
   * little later, because at a host's start there is more urgent work.
   */
  attach(pool: HostedPool): void {
    this.#pool = pool;
    const { turns, clock } = this.#options;
    if (turns === null) this.#warming = clock.after(WARM_AFTER_MS, () => void this.#currentWorker());
  }

  /** The newest state hashes of this host's copy, oldest first. */
  get hashes(): readonly StateHash[] {
    return this.#worker?.file === this.#options.copy.store.file ? this.#hashes : [];
  }

  /** Checkpoints that this host's copy began with. */
  get restored(): readonly StateHash[] {
    const { restored } = this.#options.copy;
    return restored ? [restored] : [];
  }

  /** What the journal holds beyond the newest checkpoint; `null` where this host does not serve. */
  get journalBytes(): number | null {
    return this.#checkpointer?.journalBytes ?? null;
  }

  readonly committed = (bytes: number): void => this.#checkpointer?.noteCommit(bytes);

  readonly marked = async (): Promise<void> => {
    const { head } = this.#options.copy.store;
    const reason = this.#checkpointer?.due();
    const checkpointer = this.#checkpointer;
    if (!checkpointer || !head || !reason) return await this.#hash();
    if ((await this.#startedWorker()) !== null) await checkpointer.take(head, reason);
  };

  readonly serving = (is: "began" | "ended"): void => {
    if (is === "began") this.#beginning = this.#begin();
    else this.#end();
  };

  /** Asks for one soon, after a system event. */
  readonly request = (reason: string): void => {
    void this.#beginning.then(() => this.#checkpointer?.request(reason));
  };

  /** Takes one now. @throws {HotspareError} HS_NOT_PRIMARY, HS_CHECKPOINT_FAILED */
  async take(reason: string): Promise<Answer<"checkpoint">> {
    await this.#beginning;
    const checkpointer = this.#checkpointer;
    if (!checkpointer) throw new HotspareError("HS_NOT_PRIMARY", { pool: this.#options.pool });
    const taken = checkpointer.request(reason, "now");
    this.#look();
    const result = await taken;
    if (result.type !== "published") throw result.error;
    const { manifest, durationMs } = result;
    const { head, stateHash, fileBytes } = manifest;
    return { slot: head.slot, stateHash, bytes: fileBytes, durationMs };
  }

  async stop(): Promise<void> {
    this.#warming?.();
    this.#end();
    await this.#worker?.worker.stop();
    this.#worker = null;
    this.#resting();
    this.#resting = () => undefined;
    this.#options.turns?.end(this);
  }

  // --- As primary ---------------------------------------------------------------------------------------------------

  async #begin(): Promise<void> {
    const worker = await this.#currentWorker();
    const journalBytes = await this.#journalBytes();
    if (!this.#pool?.serving || this.#checkpointer) return;
    const { pool, clock, limits, copy } = this.#options;
    this.#checkpointer = new Checkpointer({
      pool,
      clock,
      worker,
      limits,
      imageBytes: copy.store.imageBytes,
      journalBytes,
      taken: (taken) => this.#note(taken),
    });
    this.#schedule();
  }

  #end(): void {
    this.#timer?.();
    this.#timer = null;
    const ended = this.#checkpointer;
    this.#checkpointer = null;
    void ended?.stop();
  }

  #schedule(): void {
    this.#timer = this.#options.clock.after(LOOK_MS, () => {
      this.#look();
      if (this.#checkpointer) this.#schedule();
    });
  }

  /** Puts a mark into the journal if a checkpoint is due. */
  #look(): void {
    const checkpointer = this.#checkpointer;
    if (!checkpointer || this.#marking || checkpointer.taking !== null || checkpointer.due() === null) return;
    this.#marking = true;
    void this.#mark().finally(() => {
      this.#marking = false;
    });
  }

  async #mark(): Promise<void> {
    try {
      // Now, while clients are answered: at the mark they would wait for the thread's start.
      if ((await this.#startedWorker()) !== null) await this.#pool?.mark();
    } catch (error) {
      // Deposed, or the vault refuses: there is another look, or none.
      if (!isHotspareError(error)) this.#options.die(error);
    }
  }

  /** What the journal holds beyond the newest checkpoint, by the number of its records. */
  async #journalBytes(): Promise<number> {
    const { vault, pool, copy } = this.#options;
    const [newest] = await listCheckpoints(vault, pool).catch(() => []);
    return Math.max(0, (copy.store.head?.slot ?? 0) - (newest?.slot ?? 0)) * USUAL_RECORD_BYTES;
  }

  #note(taken: Taken): void {
    const { log, die, onTaken } = this.#options;
    onTaken?.(taken);
    switch (taken.type) {
      case "published": {
        const { head, stateHash, imageBytes, fileBytes } = taken.manifest;
        this.#remember({ slot: head.slot as Slot, hash: stateHash as Sha256 });
        const durationMs = Math.round(taken.durationMs);
        return log.info(
          { slot: head.slot, imageBytes, fileBytes, durationMs, reason: taken.reason },
          "checkpoint published",
        );
      }
      case "failed":
        return log.warn({ code: taken.error.code, reason: taken.error.message }, "checkpoint failed");
      case "undurable":
        return die(taken.error);
    }
  }

  // --- At any mark --------------------------------------------------------------------------------------------------

  /** Fixes the snapshot at the mark; the hash itself is made while records are applied on. */
  async #hash(): Promise<void> {
    const worker = await this.#startedWorker();
    const begun = await worker?.begin();
    if (!worker || begun?.type !== "begun" || begun.head === null) return;
    const { slot } = begun.head;
    void worker.hash().then((hashed) => {
      if (hashed.type === "hashed") this.#remember({ slot, hash: hashed.stateHash });
    });
  }

  #remember(hash: StateHash): void {
    this.#hashes = [...this.#hashes, hash].slice(-HASHES_KEPT);
    this.#options.log.debug(hash, "state hash");
  }

  /** Of the store's file now; its thread runs. `null`: it is not this pool's turn. */
  async #startedWorker(): Promise<ImageTaker | null> {
    const { turns } = this.#options;
    if (turns === null) return await this.#currentWorker();
    if (!turns.take(this)) return null;
    this.#restLater(turns);
    const worker = await this.#currentWorker();
    await worker.start();
    return worker;
  }

  /** The same; its thread runs if it is kept. */
  #currentWorker(): Promise<ImageTaker> {
    const { copy, pool, host, temporary, vaultDirectory, turns } = this.#options;
    const { file } = copy.store;
    if (this.#worker?.file === file) return this.#worker.ready;
    const worker = this.#options.openImages({ store: file, temporary, vaultDirectory, pool, host });
    const old = this.#worker?.worker;
    const ready = Promise.all([turns === null && worker.start(), old?.stop()]).then(() => worker);
    this.#worker = { file, worker, ready };
    this.#hashes = [];
    return ready;
  }

  #restLater(turns: ImageTurns): void {
    this.#resting();
    const due = this.#options.clock.after(IDLE_MS, () => {
      void (this.#worker?.worker.rest() ?? Promise.resolve(true)).then((rests) => {
        // It was needed again while it went to rest, and has the turn for that; or the pool stops.
        if (this.#resting !== due) return;
        if (rests) turns.end(this);
        else this.#restLater(turns);
      });
    });
    this.#resting = due;
  }
}
