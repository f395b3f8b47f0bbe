/**
 * What is said between `image-worker.ts` on the main thread and `image-thread.ts`. One question at a time, each with
 * exactly one answer; `progress` comes in between.
 */
import type { Manifest } from "../../shared/checkpoint/manifest.ts";
import type { NodeId, PoolId, Sha256 } from "../../shared/ids.ts";
import type { Head } from "../../shared/journal/head.ts";
import type { ThreadError } from "../../shared/thread-error.ts";
import type { Phase } from "./make-checkpoint.ts";

/** What the thread is started with. */
export interface ImageThreadData {
  /** The store's database file. */
  readonly store: string;
  /** Local folder of this worker alone; emptied at start. */
  readonly temporary: string;
  /** The vault's root, as this host mounts it. */
  readonly vaultDirectory: string;
  readonly pool: PoolId;
  readonly host: NodeId;
  /** Becomes 1 when what is under way shall end. */
  readonly cancelled: Int32Array<SharedArrayBuffer>;
}

export type ImageQuestion =
  /** Open a read transaction: the snapshot. */
  | { readonly type: "begin" }
  /** State hash of the snapshot; ends it. */
  | { readonly type: "hash" }
  /** A published checkpoint of the snapshot; ends it. */
  | { readonly type: "image"; readonly reason: string }
  /** End the snapshot unused. */
  | { readonly type: "release" };

export type ImageAnswer =
  | { readonly type: "begun"; readonly head: Head | null }
  | { readonly type: "hashed"; readonly stateHash: Sha256 }
  | { readonly type: "made"; readonly manifest: Manifest }
  | { readonly type: "released" }
  /** `undurable`: syncing the checkpoints' folder failed: this process never acknowledges there again. */
  | { readonly type: "failed"; readonly error: ThreadError; readonly durability: "fine" | "undurable" };

export type ImageMessage =
  | { readonly type: "answer"; readonly answer: ImageAnswer }
  | { readonly type: "progress"; readonly phase: Phase; readonly bytes: number; readonly totalBytes: number };
