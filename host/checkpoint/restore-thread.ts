/** The thread of one restore: reading, inflating and checking a large image must not stop a host's other pools. */
import { parentPort, workerData } from "node:worker_threads";
import { assert } from "../../shared/errors.ts";
import { systemRandom } from "../../shared/random.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { packError, type ThreadError } from "../../shared/thread-error.ts";
import { DirectoryVault } from "../../shared/vault/directory-vault.ts";
import { restoreCheckpoint, type Restored, type Skipped } from "./restore-checkpoint.ts";
import type { PackedRestored, PackedSkipped, RestoreMessage, RestoreThreadData } from "./restore-messages.ts";

const { options, vaultDirectory } = workerData as RestoreThreadData;
assert(parentPort !== null, "the restore thread was started as a thread");
const port = parentPort;

const PROGRESS_MS = 100;
const vault = new DirectoryVault({ directory: vaultDirectory, random: systemRandom, clock: systemClock });
let reportedMs = 0;

const result = await restoreCheckpoint({
  ...options,
  vault,
  progress: (progress) => {
    const nowMs = systemClock.monotonicMs();
    if (nowMs - reportedMs < PROGRESS_MS && progress.bytes < progress.totalBytes) return;
    reportedMs = nowMs;
    send({ type: "progress", progress });
  },
});
vault.close();
send({ type: "done", result: pack(result) });

function pack(restored: Restored): PackedRestored {
  switch (restored.type) {
    case "none":
      return restored;
    case "restored":
      return { ...restored, skipped: restored.skipped.map(packSkipped) };
    case "failed":
      return { ...restored, error: packed(restored.error), skipped: restored.skipped.map(packSkipped) };
  }
}

function packSkipped({ id, error }: Skipped): PackedSkipped {
  return { id, error: packed(error) };
}

function packed(error: unknown): ThreadError {
  return packError(error, { code: "HS_RESTORE_FAILED", details: { pool: options.pool } });
}

function send(message: RestoreMessage): void {
  port.postMessage(message);
}
