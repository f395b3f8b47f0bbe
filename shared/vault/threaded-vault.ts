/**
 * A vault whose directory is touched in a thread of its own, off the main thread and off libuv's pool: a share that hangs
 * must not stop heartbeats, DNS or any other file. Each call is one message there and one back, in order.
 *
 * Fails: when the thread dies, calls under way reject, and puts end `unknown`. When it hangs, calls wait, `stalledMs`
 * grows, and `close` still ends in time; a process that must end then sends itself SIGKILL, because `exit` would wait.
 */
import { Worker } from "node:worker_threads";
import type { Clock } from "../clock.ts";
import { HotspareError, isHotspareError, unreachable } from "../errors.ts";
import { unpackError } from "../thread-error.ts";
import { SMALL_THREAD } from "../thread-memory.ts";
import { threadUrl } from "../thread-url.ts";
import type { VaultFolder, VaultName } from "./layout.ts";
import type { FileSystem } from "./mount.ts";
import type {
  PackedPut,
  VaultAnswer,
  VaultCall,
  VaultCalls,
  VaultRequest,
  VaultThreadData,
} from "./vault-thread-messages.ts";
import { vaultPath } from "./vault-path.ts";
import type { Content, PutResult, Range, Space, Vault } from "./vault.ts";

export interface ThreadedVaultOptions {
  readonly directory: string;
  readonly clock: Clock;
  /** Called once if the thread ends by itself, which is a bug: the node should stop. Default: throws, which stops it. */
  readonly onFailure?: (error: Error) => void;
  /** How long `close` waits for calls under way. Default: 2 s. */
  readonly closeTimeoutMs?: number;
}

interface Pending {
  readonly call: VaultCall;
  readonly sinceMs: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: HotspareError) => void;
}

type State = { readonly type: "open" } | { readonly type: "closing" | "ended"; readonly reason: string };

const CLOSE_TIMEOUT_MS = 2000;

export class ThreadedVault implements Vault {
  readonly #clock: Clock;
  readonly #onFailure: (error: Error) => void;
  readonly #closeTimeoutMs: number;
  readonly #thread: Worker;
  readonly #exited: Promise<void>;
  readonly #pending = new Map<number, Pending>();
  readonly #watches = new Map<number, () => void>();
  #state: State = { type: "open" };
  #lastId = 0;
  #heardMs = 0;

  constructor({ directory, clock, onFailure = rethrow, closeTimeoutMs = CLOSE_TIMEOUT_MS }: ThreadedVaultOptions) {
    this.#clock = clock;
    this.#onFailure = onFailure;
    this.#closeTimeoutMs = closeTimeoutMs;
    const workerData: VaultThreadData = { directory };
    this.#thread = new Worker(threadUrl("./vault-thread", import.meta.url), {
      name: "vault",
      workerData,
      execArgv: [],
      resourceLimits: SMALL_THREAD,
    });
    this.#thread.on("message", (answer: VaultAnswer) => this.#hear(answer));
    this.#thread.on("error", (error: Error) => this.#ended(error));
    this.#exited = new Promise((resolve) => {
      this.#thread.on("exit", () => {
        this.#ended(new Error("it ended"));
        resolve();
      });
    });
  }

  async put(name: VaultName, content: Content): Promise<PutResult> {
    vaultPath(name);
    if (this.#state.type !== "open") return { type: "refused", error: this.#endedError("put", name) };
    try {
      return unpackPut(
        await this.#ask("put", { name, content: content instanceof Uint8Array ? copy(content) : content }),
      );
    } catch (error) {
      if (!isHotspareError(error) || error.code === "HS_INTERNAL") throw error;
      return { type: "unknown", error };
    }
  }

  async get(name: VaultName, range: Range): Promise<Buffer | null> {
    const bytes = await this.#ask("get", { name, range });
    return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  list(folder: VaultFolder): Promise<readonly string[]> {
    return this.#ask("list", { folder });
  }

  async sync(folder: VaultFolder): Promise<void> {
    await this.#ask("sync", { folder });
  }

  remove(name: VaultName): Promise<boolean> {
    return this.#ask("remove", { name });
  }

  async hint(name: VaultName, bytes: Uint8Array): Promise<void> {
    await this.#ask("hint", { name, bytes: copy(bytes) });
  }

  space(): Promise<Space> {
    return this.#ask("space", {});
  }

  /** Deletes temporary files that are older than `olderThanMs` by the share's own clock; returns how many. */
  sweepTemporary(olderThanMs: number): Promise<number> {
    return this.#ask("sweepTemporary", { olderThanMs });
  }

  /** The file system that the directory lies on. */
  fileSystem(): Promise<FileSystem> {
    return this.#ask("fileSystem", {});
  }

  watch(folder: VaultFolder, changed: () => void): () => void {
    vaultPath(folder);
    const id = this.#nextId();
    this.#watches.set(id, changed);
    this.#post({ call: "watch", id, folder });
    return () => {
      if (this.#watches.delete(id)) this.#post({ call: "unwatch", id });
    };
  }

  /** How long the thread has been silent although a call waits; 0 if none does. What a shell judges a hang by. */
  stalledMs(): number {
    const [oldest] = this.#pending.values();
    return oldest ? this.#clock.monotonicMs() - Math.max(oldest.sinceMs, this.#heardMs) : 0;
  }

  /** Ends the thread after the calls under way; gives up waiting after the time-out. Never hangs, never rejects. */
  async close(): Promise<void> {
    if (this.#state.type === "open") {
      this.#post({ call: "close" });
      this.#state = { type: "closing", reason: "the vault was closed" };
      this.#watches.clear();
    }
    await Promise.race([this.#exited, this.#giveUp()]);
  }

  #giveUp(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(this.#closeTimeoutMs, () => {
        // Not waited for: a thread inside a hung call ends only when that returns.
        void this.#thread.terminate();
        this.#thread.unref();
        this.#rejectAll("the vault was closed while a call hung");
        resolve();
      });
      void this.#exited.then(cancel);
    });
  }

  #ask<Call extends VaultCall>(call: Call, asked: VaultCalls[Call]["asked"]): Promise<VaultCalls[Call]["answer"]> {
    return new Promise((resolve, reject) => {
      if (this.#state.type !== "open") return reject(this.#endedError(call, "anything"));
      const id = this.#nextId();
      this.#pending.set(id, {
        call,
        sinceMs: this.#clock.monotonicMs(),
        resolve: resolve as (value: unknown) => void,
        reject,
      });
      this.#post({ call, id, ...asked } as VaultRequest);
    });
  }

  #post(request: VaultRequest): void {
    if (this.#state.type === "open") this.#thread.postMessage(request, transferOf(request));
  }

  #hear(answer: VaultAnswer): void {
    this.#heardMs = this.#clock.monotonicMs();
    switch (answer.type) {
      case "done":
        return this.#settle(answer.id)?.resolve(answer.value);
      case "failed":
        return this.#settle(answer.id)?.reject(unpackError(answer.error));
      case "changed":
        return this.#watches.get(answer.id)?.();
      case "progress":
        return;
      default:
        unreachable(answer);
    }
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }

  #ended(error: Error): void {
    if (this.#state.type === "ended") return;
    const expected = this.#state.type === "closing";
    this.#state = { type: "ended", reason: `the vault's thread ended: ${error.message}` };
    this.#rejectAll(this.#state.reason);
    if (!expected) this.#onFailure(error);
  }

  #rejectAll(reason: string): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { call, reject } of pending) {
      reject(new HotspareError("HS_VAULT_IO", { action: call, name: "anything", reason }));
    }
  }

  #endedError(action: string, name: string): HotspareError {
    const reason = this.#state.type === "open" ? "it is open" : this.#state.reason;
    return new HotspareError("HS_VAULT_IO", { action, name, reason });
  }

  #nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }
}

/** The caller keeps its own bytes, for another try; what is sent is a copy that changes hands without a second one. */
const copy = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes);

function transferOf(request: VaultRequest): ArrayBuffer[] {
  if (request.call === "hint") return [request.bytes.buffer as ArrayBuffer];
  if (request.call === "put" && request.content instanceof Uint8Array) return [request.content.buffer as ArrayBuffer];
  return [];
}

function unpackPut(result: PackedPut): PutResult {
  return "error" in result ? { type: result.type, error: unpackError(result.error) } : result;
}

function rethrow(error: Error): never {
  throw error;
}
