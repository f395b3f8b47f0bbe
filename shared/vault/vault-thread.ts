/**
 * The thread in which a vault's directory is touched: answers the calls of `threaded-vault.ts` one after the other. A
 * share that hangs, hangs this thread and nothing else of the process.
 */
import { parentPort, workerData, type Transferable } from "node:worker_threads";
import { assert, unreachable } from "../errors.ts";
import { systemRandom } from "../random.ts";
import { systemClock } from "../system-clock.ts";
import { packError } from "../thread-error.ts";
import { DirectoryVault } from "./directory-vault.ts";
import { fileSystemOf } from "./mount.ts";
import type {
  PackedPut,
  VaultAnswer,
  VaultCall,
  VaultCalls,
  VaultRequest,
  VaultThreadData,
} from "./vault-thread-messages.ts";
import type { PutResult } from "./vault.ts";

assert(parentPort !== null, "the vault's thread is started by a threaded vault");
const port = parentPort;
const { directory } = workerData as VaultThreadData;

const vault = new DirectoryVault({
  directory,
  random: systemRandom,
  clock: systemClock,
  pause: async () => {
    tell({ type: "progress" });
    await new Promise((resolve) => setImmediate(resolve));
  },
});
const watches = new Map<number, () => void>();
let underWay = 0;
let closing = false;

port.on("message", (request: VaultRequest) => {
  switch (request.call) {
    case "watch":
      watches.set(
        request.id,
        vault.watch(request.folder, () => tell({ type: "changed", id: request.id })),
      );
      return;
    case "unwatch":
      watches.get(request.id)?.();
      watches.delete(request.id);
      return;
    case "close":
      closing = true;
      endIfIdle();
      return;
    default:
      void answer(request);
  }
});

type Call = Extract<VaultRequest, { readonly call: VaultCall }>;

async function answer(request: Call): Promise<void> {
  underWay += 1;
  try {
    const value = await perform(request);
    tell({ type: "done", id: request.id, value }, value instanceof Uint8Array ? [value.buffer as ArrayBuffer] : []);
  } catch (error) {
    const otherwise = { code: "HS_VAULT_IO", details: { action: request.call, name: directory } } as const;
    tell({ type: "failed", id: request.id, error: packError(error, otherwise) });
  }
  underWay -= 1;
  endIfIdle();
}

async function perform(request: Call): Promise<VaultCalls[VaultCall]["answer"]> {
  switch (request.call) {
    case "put":
      return packPut(await vault.put(request.name, request.content));
    case "get":
      return vault.get(request.name, request.range);
    case "list":
      return vault.list(request.folder);
    case "sync":
      await vault.sync(request.folder);
      return null;
    case "remove":
      return vault.remove(request.name);
    case "hint":
      await vault.hint(request.name, request.bytes);
      return null;
    case "space":
      return vault.space();
    case "sweepTemporary":
      return vault.sweepTemporary(request.olderThanMs);
    case "fileSystem":
      return fileSystemOf(directory);
    default:
      return unreachable(request);
  }
}

function packPut(result: PutResult): PackedPut {
  if (!("error" in result)) return result;
  return { type: result.type, error: packError(result.error, { code: "HS_INTERNAL", details: {} }) };
}

function endIfIdle(): void {
  if (!closing || underWay > 0) return;
  for (const stop of watches.values()) stop();
  vault.close();
  port.close();
}

function tell(message: VaultAnswer, transfer: Transferable[] = []): void {
  port.postMessage(message, transfer);
}
