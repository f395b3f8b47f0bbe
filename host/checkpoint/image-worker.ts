/**
 * The main thread's hold on the image thread of one pool's store. Between two batches the pool calls `begin`, which fixes
 * the snapshot at exactly that slot and comes back at once; then `hash`, `image` or `release` while commits go on.
 *
 * One snapshot at a time: whoever comes meanwhile is told `busy`. A thread that dies is started anew with the next
 * `begin`; what it was doing has failed, and nothing of it counts.
 */
import { Worker } from "node:worker_threads";
import type { Manifest } from "../../shared/checkpoint/manifest.ts";
import { HotspareError, reasonOf, unreachable } from "../../shared/errors.ts";
import type { Sha256 } from "../../shared/ids.ts";
import type { Head } from "../../shared/journal/head.ts";
import { unpackError } from "../../shared/thread-error.ts";
import { SMALL_THREAD } from "../../shared/thread-memory.ts";
import { threadUrl } from "../../shared/thread-url.ts";
import type { ImageAnswer, ImageMessage, ImageQuestion, ImageThreadData } from "./image-messages.ts";
import type { Phase } from "./make-checkpoint.ts";

export type ImageWorkerOptions = Omit<ImageThreadData, "cancelled">;

type Failed = { readonly type: "failed"; readonly error: HotspareError };

/** `begun`: the snapshot is exactly at `head`; `null` before slot 1, and then there is no snapshot. */
export type Begun = { readonly type: "begun"; readonly head: Head | null } | { readonly type: "busy" } | Failed;
export type Hashed = { readonly type: "hashed"; readonly stateHash: Sha256 } | Failed;
/** `undurable`: syncing the checkpoints' folder failed: this process must never acknowledge there again. */
export type Imaged =
  | { readonly type: "published"; readonly manifest: Manifest }
  | { readonly type: "undurable"; readonly error: HotspareError }
  | Failed;

export type ImageProgress = (phase: Phase, bytes: number, totalBytes: number) => void;

type State =
  | { readonly type: "idle" }
  | { readonly type: "snapshot" }
  | { readonly type: "asking"; readonly settle: (answer: ImageAnswer) => void; readonly progress: ImageProgress };

export class ImageWorker {
  readonly #options: ImageWorkerOptions;
  readonly #cancelled = new Int32Array(new SharedArrayBuffer(4));
  #thread: Worker | null = null;
  #state: State = { type: "idle" };
  #stopped = false;

  constructor(options: ImageWorkerOptions) {
    this.#options = options;
  }

  /** Starts the thread, so that the first `begin` does not wait for it. */
  async start(): Promise<void> {
    if (this.#thread || this.#stopped || this.#state.type !== "idle") return;
    await new Promise<ImageAnswer>((settle) => {
      this.#state = { type: "asking", settle, progress: ignore };
      this.#spawn();
    });
    this.#state = { type: "idle" };
  }

  /** Whether a `begin` now would be answered `busy`. */
  get busy(): boolean {
    return this.#state.type !== "idle";
  }

  /** Fixes a snapshot of what is committed now. The next batch may begin when this has resolved. Never rejects. */
  async begin(): Promise<Begun> {
    if (this.#stopped) return { type: "failed", error: this.#gone("it was stopped") };
    if (this.#state.type !== "idle") return { type: "busy" };
    Atomics.store(this.#cancelled, 0, 0);
    await this.start();
    const answer = await this.#ask({ type: "begin" }, ignore);
    if (answer.type !== "begun") return this.#failure(answer);
    this.#state = answer.head ? { type: "snapshot" } : { type: "idle" };
    return answer;
  }

  /** The state hash at the snapshot, which this ends. Never rejects. */
  async hash(): Promise<Hashed> {
    const answer = await this.#use({ type: "hash" }, ignore);
    return answer.type === "hashed" ? answer : this.#failure(answer);
  }

  /** Makes a checkpoint of the snapshot, which this ends, and publishes it. Never rejects. */
  async image(reason: string, progress: ImageProgress = ignore): Promise<Imaged> {
    const answer = await this.#use({ type: "image", reason }, progress);
    if (answer.type === "made") return { type: "published", manifest: answer.manifest };
    const failed = this.#failure(answer);
    const undurable = answer.type === "failed" && answer.durability === "undurable";
    return undurable ? { type: "undurable", error: failed.error } : failed;
  }

  /** Ends a snapshot that nobody needs. */
  async release(): Promise<void> {
    if (this.#state.type === "snapshot") await this.#use({ type: "release" }, ignore);
  }

  /** Ends what is under way, soon: it fails with HS_CHECKPOINT_FAILED. */
  cancel(): void {
    Atomics.store(this.#cancelled, 0, 1);
    Atomics.notify(this.#cancelled, 0);
  }

  /** Ends the thread, unless it is at work (`false`); the next `start` or `begin` starts another one. */
  async rest(): Promise<boolean> {
    if (this.#state.type !== "idle") return false;
    const thread = this.#thread;
    this.#thread = null;
    await thread?.terminate();
    return true;
  }

  /** Ends the thread. Waits for ever if it hangs in the share: then the process must end itself by SIGKILL. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.cancel();
    await this.#thread?.terminate();
  }

  async #use(question: ImageQuestion, progress: ImageProgress): Promise<ImageAnswer> {
    if (this.#state.type !== "snapshot") return this.#lost("there is no snapshot");
    return this.#ask(question, progress);
  }

  async #ask(question: ImageQuestion, progress: ImageProgress): Promise<ImageAnswer> {
    const thread = this.#thread;
    if (!thread) return this.#lost("its thread did not start");
    const answer = await new Promise<ImageAnswer>((settle) => {
      this.#state = { type: "asking", settle, progress };
      thread.postMessage(question);
    });
    this.#state = { type: "idle" };
    return answer;
  }

  #spawn(): void {
    const workerData: ImageThreadData = { ...this.#options, cancelled: this.#cancelled };
    const thread = new Worker(threadUrl("./image-thread", import.meta.url), {
      workerData,
      name: "hotspare-image",
      resourceLimits: SMALL_THREAD,
    });
    thread.unref();
    thread.on("message", (message: ImageMessage) => this.#heard(message));
    thread.on("error", (error) => this.#ended(thread, reasonOf(error)));
    thread.on("exit", () => this.#ended(thread, "its thread ended"));
    this.#thread = thread;
  }

  #heard(message: ImageMessage): void {
    if (this.#state.type !== "asking") return;
    switch (message.type) {
      case "answer":
        return this.#state.settle(message.answer);
      case "progress":
        return this.#state.progress(message.phase, message.bytes, message.totalBytes);
      default:
        unreachable(message);
    }
  }

  #ended(thread: Worker, reason: string): void {
    if (this.#thread !== thread) return;
    this.#thread = null;
    const state = this.#state;
    this.#state = { type: "idle" };
    if (state.type === "asking") state.settle(this.#lost(reason));
  }

  #failure(answer: ImageAnswer): Failed {
    if (answer.type === "failed") return { type: "failed", error: unpackError(answer.error) };
    return { type: "failed", error: this.#gone(`the thread answered ${answer.type}`) };
  }

  #lost(reason: string): ImageAnswer {
    const { code, details } = this.#gone(reason);
    return { type: "failed", error: { code, details }, durability: "fine" };
  }

  #gone(reason: string): HotspareError {
    return new HotspareError("HS_CHECKPOINT_FAILED", { pool: this.#options.pool, reason });
  }
}

const ignore: ImageProgress = () => undefined;
