/**
 * The local copy of a pool on disk: opens the generation in use, restores checkpoints into new ones, keeps aside what is
 * not history. A file that cannot be opened as a sound store is set aside at once; the journal or a checkpoint has it all.
 */
import type { Clock } from "../shared/clock.ts";
import { isHotspareError, type HotspareError } from "../shared/errors.ts";
import type { PoolId, Sha256 } from "../shared/ids.ts";
import type { Log } from "../shared/log.ts";
import type { Restored as Fetched, RestoreProgress } from "./checkpoint/restore-checkpoint.ts";
import type { RestoreInThreadOptions } from "./checkpoint/restore-worker.ts";
import type { Restored } from "./core/pool-state.ts";
import type { LocalCopy, RestoreWish, StateHash } from "./local-copy.ts";
import type { Generation, PoolFolder } from "./pool-folder.ts";
import { openStore, type StoreOptions } from "./store/sqlite-store.ts";
import type { Store } from "./store/store.ts";

export interface PoolCopyOptions {
  readonly pool: PoolId;
  readonly folder: PoolFolder;
  /** The vault's root, as this host mounts it: a restore reads it from a thread of its own. */
  readonly vaultDirectory: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly lives?: StoreOptions["lives"];
  readonly walMover?: StoreOptions["walMover"];
  readonly restore: (options: RestoreInThreadOptions) => Promise<Fetched>;
}

const PROGRESS_MS = 1000;

export class PoolCopy implements LocalCopy {
  readonly #options: PoolCopyOptions;
  #store: Store;
  #restored: StateHash | null = null;

  /** Opens what is there, or begins empty. @throws {HotspareError} HS_DATA_UNSUITABLE */
  constructor(options: PoolCopyOptions) {
    this.#options = options;
    options.folder.sweep();
    this.#store = this.#openCurrent();
  }

  get store(): Store {
    return this.#store;
  }

  get restored(): StateHash | null {
    return this.#restored;
  }

  async restore({ atLeast, origin, aside, signal }: RestoreWish): Promise<Restored> {
    const generation = this.#options.folder.create();
    const result = await this.#options.restore({
      vaultDirectory: this.#options.vaultDirectory,
      pool: this.#options.pool,
      file: generation.file,
      signal,
      progress: this.#progress(),
      ...(atLeast === null ? {} : { atLeastSlot: atLeast }),
      ...(origin === null ? {} : { origin }),
    });
    switch (result.type) {
      case "restored":
        this.#replace(generation, aside);
        this.#restored = { slot: result.head.slot, hash: result.manifest.stateHash as Sha256 };
        return { type: "restored", head: result.head };
      case "none":
        if (aside === null) {
          this.#options.folder.discard(generation);
        } else {
          this.#replace(generation, aside);
          this.#restored = null;
        }
        return { type: "none", head: this.#store.head, reason: "there is no checkpoint that would do" };
      case "failed":
        this.#options.folder.discard(generation);
        return { type: "failed", code: codeOf(result.error), reason: result.error.message };
    }
  }

  close(): Promise<void> {
    this.#store.close();
    return Promise.resolve();
  }

  /** From the old copy to `generation`, which holds a restored image or nothing. */
  #replace(generation: Generation, aside: string | null): void {
    const { folder } = this.#options;
    this.#store.close();
    if (aside !== null) this.#setAside(aside);
    folder.switchTo(generation);
    this.#store = this.#open(generation);
  }

  #openCurrent(): Store {
    const { folder } = this.#options;
    const current = folder.current();
    if (!current) return this.#begin();
    try {
      return this.#open(current);
    } catch (error) {
      if (!isHotspareError(error) || error.code !== "HS_STORE_DIVERGED") throw error;
      this.#setAside(error.message);
      return this.#begin();
    }
  }

  #begin(): Store {
    const { folder } = this.#options;
    const generation = folder.create();
    folder.switchTo(generation);
    return this.#open(generation);
  }

  #open({ file }: Generation): Store {
    const { pool, lives, walMover } = this.#options;
    return openStore({ file, pool, ...(lives && { lives }), ...(walMover && { walMover }) });
  }

  #setAside(reason: string): void {
    const kept = this.#options.folder.setAside(reason);
    this.#options.log.warn({ reason, kept }, "the local copy is not history and is kept aside");
  }

  /** Told at most once a second, and at the end. */
  #progress(): (progress: RestoreProgress) => void {
    const { clock, log } = this.#options;
    let nextMs = clock.monotonicMs();
    return ({ slot, bytes, totalBytes }) => {
      const now = clock.monotonicMs();
      if (now < nextMs && bytes < totalBytes) return;
      nextMs = now + PROGRESS_MS;
      const percent = totalBytes === 0 ? 100 : Math.floor((100 * bytes) / totalBytes);
      log.info({ slot, bytes, totalBytes, percent }, "restoring");
    };
  }
}

const codeOf = ({ code }: HotspareError): "HS_CHECKPOINT_INVALID" | "HS_VAULT_IO" =>
  code === "HS_CHECKPOINT_INVALID" || code === "HS_VAULT_FORMAT" ? "HS_CHECKPOINT_INVALID" : "HS_VAULT_IO";
