/** Runs one restore in a thread of its own, with a vault of its own. */
import { rmSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { HotspareError, reasonOf, unreachable } from "../../shared/errors.ts";
import { unpackError } from "../../shared/thread-error.ts";
import { SMALL_THREAD } from "../../shared/thread-memory.ts";
import { threadUrl } from "../../shared/thread-url.ts";
import type { Restored, RestoreOptions, RestoreProgress } from "./restore-checkpoint.ts";
import type { PackedRestored, PackedSkipped, RestoreMessage, RestoreThreadData } from "./restore-messages.ts";

export type RestoreInThreadOptions = Omit<RestoreOptions, "vault" | "zstd"> & {
  /** The vault's root, as this host mounts it. */
  readonly vaultDirectory: string;
};

/**
 * As `restoreCheckpoint`. A thread that dies is a failed restore. An abort ends the thread and rejects with its reason; a
 * thread that hangs in the share ends when the share answers.
 */
export async function restoreInThread(options: RestoreInThreadOptions): Promise<Restored> {
  const { vaultDirectory, progress, signal, ...rest } = options;
  signal?.throwIfAborted();
  const workerData: RestoreThreadData = { options: rest, vaultDirectory };
  const thread = new Worker(threadUrl("./restore-thread", import.meta.url), {
    workerData,
    name: "hotspare-restore",
    resourceLimits: SMALL_THREAD,
  });
  thread.unref();
  const { promise: aborted, reject: abort } = Promise.withResolvers<never>();
  const onAbort = (): void => abort(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([outcome(thread, options, progress), aborted]);
  } catch (error) {
    // Not awaited where it may hang in the share; the file is nobody's until it is switched to.
    void thread.terminate().then(() => rmSync(options.file, { force: true }));
    throw error;
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

function outcome(
  thread: Worker,
  { pool }: RestoreInThreadOptions,
  progress: ((progress: RestoreProgress) => void) | undefined,
): Promise<Restored> {
  return new Promise((resolve) => {
    const died = (reason: string): void =>
      resolve({ type: "failed", error: new HotspareError("HS_RESTORE_FAILED", { pool, reason }), skipped: [] });
    thread.on("message", (message: RestoreMessage) => {
      switch (message.type) {
        case "progress":
          return progress?.(message.progress);
        case "done":
          return resolve(unpack(message.result));
        default:
          return unreachable(message);
      }
    });
    thread.on("error", (error) => died(reasonOf(error)));
    thread.on("exit", () => died("its thread ended"));
  });
}

function unpack(result: PackedRestored): Restored {
  switch (result.type) {
    case "none":
      return result;
    case "restored":
      return { ...result, skipped: result.skipped.map(unpackSkipped) };
    case "failed":
      return { ...result, error: unpackError(result.error), skipped: result.skipped.map(unpackSkipped) };
  }
}

const unpackSkipped = ({ id, error }: PackedSkipped) => ({ id, error: unpackError(error) });
