/**
 * Has a separate process restore a checkpoint and compare its state hash: for clusters in which no other host can vouch
 * for it. The process is `attest-main.ts`; it is bounded in time and dies with the signal.
 */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Readable } from "node:stream";
import type { CheckpointId } from "../../shared/checkpoint/manifest-codec.ts";
import { reasonOf } from "../../shared/errors.ts";
import type { PoolId } from "../../shared/ids.ts";
import { threadUrl } from "../../shared/thread-url.ts";

export interface AttestOptions {
  readonly vaultDirectory: string;
  readonly pool: PoolId;
  readonly id: CheckpointId;
  /** Local folder of this call alone; removed afterwards. */
  readonly temporary: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** `different`: it was restored, and holds another state than it says. `failed`: that could not be found out. */
export type Attested =
  | { readonly type: "same" }
  | { readonly type: "different"; readonly stateHash: string }
  | { readonly type: "failed"; readonly reason: string };

/** What `attest-main.ts` is given as its only argument. */
export type AttestArgument = Pick<AttestOptions, "vaultDirectory" | "pool" | "id"> & { readonly file: string };

const MAX_OUTPUT_BYTES = 64 * 1024;

/** @throws the signal's reason. */
export async function attestInProcess(options: AttestOptions): Promise<Attested> {
  const { temporary, vaultDirectory, pool, id, signal } = options;
  signal.throwIfAborted();
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary, { recursive: true });
  try {
    const argument: AttestArgument = { vaultDirectory, pool, id, file: `${temporary}/state.db` };
    const output = await run(JSON.stringify(argument), options);
    signal.throwIfAborted();
    return judge(output, id);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** What the process wrote; resolves when it has ended, however. */
function run(argument: string, { timeoutMs, signal }: AttestOptions): Promise<string> {
  const main = fileURLToPath(threadUrl("./attest-main", import.meta.url));
  const child: ChildProcessByStdio<null, Readable, null> = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", main, argument],
    { stdio: ["ignore", "pipe", "ignore"], timeout: timeoutMs, killSignal: "SIGKILL", signal },
  );
  return new Promise((resolve) => {
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (output.length < MAX_OUTPUT_BYTES) output += text;
    });
    child.on("error", (error) => {
      // Also how an abort shows; then "close" follows only if the process had started.
      if (child.pid === undefined) resolve(reasonOf(error));
    });
    child.on("close", () => resolve(output));
  });
}

function judge(output: string, { stateHash }: CheckpointId): Attested {
  const found = /^state ([0-9a-f]{64})$/m.exec(output)?.[1];
  if (found === undefined) return { type: "failed", reason: output.trim() || "the process ended without a word" };
  return found === stateHash ? { type: "same" } : { type: "different", stateHash: found };
}
