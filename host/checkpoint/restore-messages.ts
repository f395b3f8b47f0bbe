/** What is said between `restore-worker.ts` on the main thread and `restore-thread.ts`. */
import type { ThreadError } from "../../shared/thread-error.ts";
import type { Restored, RestoreOptions, RestoreProgress, Skipped } from "./restore-checkpoint.ts";

/** What the thread is started with. */
export interface RestoreThreadData {
  readonly options: Omit<RestoreOptions, "vault" | "progress" | "signal" | "zstd">;
  /** The vault's root, as this host mounts it. */
  readonly vaultDirectory: string;
}

export type PackedSkipped = Omit<Skipped, "error"> & { readonly error: ThreadError };

/** A result as it crosses over: errors in parts. */
export type PackedRestored =
  | (Omit<Restored & { type: "restored" }, "skipped"> & { readonly skipped: readonly PackedSkipped[] })
  | { readonly type: "none" }
  | { readonly type: "failed"; readonly error: ThreadError; readonly skipped: readonly PackedSkipped[] };

export type RestoreMessage =
  | { readonly type: "progress"; readonly progress: RestoreProgress }
  | { readonly type: "done"; readonly result: PackedRestored };
