/**
 * A primary's checkpoints of one pool. The pool asks `due` before it forms a batch; if there is a reason, it puts a `mark`
 * last into that batch and calls `take` right after the batch's local commit, with no next batch begun: the snapshot is
 * then exactly at the mark. `take` comes back at once; the checkpoint is made while commits go on.
 *
 * A checkpoint that fails costs nothing but time: it is tried again later.
 */
import type { Manifest } from "../shared/checkpoint/manifest.ts";
import { sameHead } from "../shared/checkpoint/same-head.ts";
import type { Clock } from "../shared/clock.ts";
import { assert, HotspareError } from "../shared/errors.ts";
import type { PoolId } from "../shared/ids.ts";
import type { Head } from "../shared/journal/head.ts";
import type { Slot } from "../shared/position.ts";
import {
  beginPolicy,
  dueReason,
  step,
  type CheckpointEvent,
  type CheckpointLimits,
  type CheckpointPolicy,
  type Urgency,
} from "./core/checkpoint-policy.ts";
import type { Imaged, ImageProgress, ImageWorker } from "./checkpoint/image-worker.ts";

export interface CheckpointerOptions {
  readonly pool: PoolId;
  readonly clock: Clock;
  readonly worker: Pick<ImageWorker, "begin" | "image" | "release" | "cancel">;
  readonly limits: () => CheckpointLimits;
  /** Size of the store now. */
  readonly imageBytes: number;
  /** What the journal holds beyond the newest checkpoint, as far as known. */
  readonly journalBytes: number;
  readonly progress?: ImageProgress;
  /** Called with each result, also of those that nobody asked for. */
  readonly taken?: (taken: Taken) => void;
}

/** `undurable`: syncing the checkpoints' folder failed: this host must step down. */
export type Taken =
  | {
      readonly type: "published";
      readonly manifest: Manifest;
      readonly reason: string;
      readonly durationMs: number;
    }
  | { readonly type: "undurable"; readonly error: HotspareError; readonly reason: string }
  | { readonly type: "failed"; readonly error: HotspareError; readonly reason: string };

export class Checkpointer {
  readonly #options: CheckpointerOptions;
  #policy: CheckpointPolicy;
  #waiting: ((taken: Taken) => void)[] = [];
  #running: ((taken: Taken) => void)[] = [];
  #background: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: CheckpointerOptions) {
    this.#options = options;
    this.#policy = beginPolicy(options.imageBytes, options.journalBytes, options.clock.monotonicMs());
  }

  /** A batch that changed something was published and committed: the bytes of its record. */
  noteCommit(bytes: number): void {
    this.#step({ type: "committed", bytes });
  }

  /**
   * Asks for a checkpoint of the state as it is now or later; resolves when it is there or has failed. Never rejects.
   * `now`: nodes are stuck until there is one.
   */
  request(reason: string, urgency: Urgency = "soon"): Promise<Taken> {
    if (this.#stopped) return Promise.resolve(this.#failed(reason, "this host is not the primary any more"));
    this.#step({ type: "requested", reason, urgency });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Why a checkpoint is due now; `null` if none is. To be asked before each batch, and now and then when idle. */
  due(): string | null {
    const { clock, limits } = this.#options;
    return this.#stopped ? null : dueReason(this.#policy, limits(), clock.monotonicMs());
  }

  /** Journal beyond the newest checkpoint that is published. */
  get journalBytes(): number {
    return this.#policy.journalBytes + (this.#policy.running?.journalBytes ?? 0);
  }

  /** Slot of the checkpoint that is being made, if one is. */
  taking: Slot | null = null;

  /**
   * Takes the checkpoint that was due, at `head`: to be called right after the local commit of the batch that ends with
   * a mark. The next batch may begin when this has resolved. Never rejects for what goes wrong with the checkpoint.
   */
  async take(head: Head, reason: string): Promise<void> {
    assert(this.taking === null, "one checkpoint at a time");
    this.taking = head.slot;
    this.#step({ type: "began" });
    this.#running = this.#waiting.splice(0);
    const beganMs = this.#options.clock.monotonicMs();
    const begun = await this.#options.worker.begin();
    switch (begun.type) {
      case "busy":
        return this.#end(this.#failed(reason, "the image thread is busy"));
      case "failed":
        return this.#end({ type: "failed", error: begun.error, reason });
      case "begun":
        if (begun.head && sameHead(begun.head, head)) this.#background = this.#make(reason, beganMs);
        else await this.#refuse(reason, begun.head);
    }
  }

  /** Ends what is under way; whoever waits is told that it failed. The thread stays. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.taking !== null) this.#options.worker.cancel();
    const reason = "this host is not the primary any more";
    for (const resolve of this.#waiting.splice(0)) resolve(this.#failed("", reason));
    await this.#background;
  }

  async #make(reason: string, beganMs: number): Promise<void> {
    const imaged = await this.#options.worker.image(reason, this.#options.progress);
    this.#end(this.#taken(imaged, reason, beganMs));
  }

  /** Nothing was committed between the mark and the snapshot, or the pool breaks its own order. */
  async #refuse(reason: string, found: Head | null): Promise<void> {
    await this.#options.worker.release();
    this.#end(this.#failed(reason, `the snapshot is at slot ${found?.slot ?? 0}, not at ${this.taking}`));
  }

  #end(taken: Taken): void {
    this.taking = null;
    if (taken.type === "published") this.#step({ type: "published", imageBytes: taken.manifest.imageBytes });
    else this.#step({ type: "failed" });
    for (const resolve of this.#running.splice(0)) resolve(taken);
    this.#options.taken?.(taken);
  }

  #taken(imaged: Imaged, reason: string, beganMs: number): Taken {
    if (imaged.type !== "published") return { ...imaged, reason };
    return { ...imaged, reason, durationMs: this.#options.clock.monotonicMs() - beganMs };
  }

  #failed(reason: string, why: string): Taken {
    const { pool } = this.#options;
    return { type: "failed", error: new HotspareError("HS_CHECKPOINT_FAILED", { pool, reason: why }), reason };
  }

  #step(event: CheckpointEvent): void {
    this.#policy = step(this.#policy, event, this.#options.clock.monotonicMs());
  }
}
