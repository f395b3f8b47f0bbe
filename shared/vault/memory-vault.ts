/**
 * The vault's twin in memory, for tests and the simulation: the very steps of the directory vault, on a memory disk that
 * can lose its power. Several vaults on one disk are several hosts that share a folder.
 */
import type { Clock } from "../clock.ts";
import type { Random } from "../random.ts";
import { DirectoryVault } from "./directory-vault.ts";
import type { VaultFolder, VaultName } from "./layout.ts";
import { MemoryDisk } from "./memory-disk.ts";
import { MemoryIo, type MemoryStep } from "./memory-io.ts";
import { vaultPath } from "./vault-path.ts";
import type { Content, PutResult, Range, Space, Vault } from "./vault.ts";

export interface MemoryVaultOptions {
  readonly random: Random;
  /** Shared with other hosts, or what a crash left. Default: a new, empty one. */
  readonly disk?: MemoryDisk;
  /** Default: one that stands still. */
  readonly clock?: Clock;
  /**
   * Called after every single step that changed the disk. To crash there, throw a `MemoryCrash`: the call that is under
   * way rejects with it, as do all later ones of this vault.
   */
  readonly step?: (step: MemoryStep) => void;
}

/** What a `step` throws to stop a process there. Never caught by the vault. */
export class MemoryCrash extends Error {
  override readonly name = "MemoryCrash";
}

const STILL: Clock = { monotonicMs: () => 0, wallMs: () => 0, after: () => () => undefined };

export class MemoryVault implements Vault {
  readonly disk: MemoryDisk;
  readonly #directory: DirectoryVault;

  constructor({ random, disk = new MemoryDisk(), clock = STILL, step = () => undefined }: MemoryVaultOptions) {
    this.disk = disk;
    this.#directory = new DirectoryVault({
      directory: "",
      random,
      clock,
      io: new MemoryIo(disk, step),
      later: (run) => run(),
      pause: () => Promise.resolve(),
    });
  }

  put(name: VaultName, content: Content): Promise<PutResult> {
    return this.#directory.put(name, content);
  }

  get(name: VaultName, range: Range): Promise<Buffer | null> {
    return this.#directory.get(name, range);
  }

  list(folder: VaultFolder): Promise<readonly string[]> {
    return this.#directory.list(folder);
  }

  sync(folder: VaultFolder): Promise<void> {
    return this.#directory.sync(folder);
  }

  remove(name: VaultName): Promise<boolean> {
    return this.#directory.remove(name);
  }

  hint(name: VaultName, bytes: Uint8Array): Promise<void> {
    return this.#directory.hint(name, bytes);
  }

  space(): Promise<Space> {
    return this.#directory.space();
  }

  sweepTemporary(olderThanMs: number): Promise<number> {
    return this.#directory.sweepTemporary(olderThanMs);
  }

  watch(folder: VaultFolder, changed: () => void): () => void {
    return this.disk.watch(vaultPath(folder).join("/"), changed);
  }

  /** The machine that holds the disk loses power; the vaults on it are to be made anew. */
  crash(random: Random): void {
    this.disk.crash(random);
  }
}
