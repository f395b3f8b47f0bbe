/**
 * The folders of one directory vault: makes them, syncs them, and remembers for ever where a sync has failed, because a
 * second sync of the same folder would report success for what the first one lost.
 *
 * A folder is used only once it and all folders above it are synced: another host may have made it a moment ago and died.
 */
import { constants } from "node:fs";
import { HotspareError, reasonOf } from "../errors.ts";
import type { DirectoryIo } from "./directory-io.ts";
import { clusterName } from "./layout.ts";
import { systemCode, vaultFault } from "./vault-fault.ts";

export interface SyncedFoldersOptions {
  readonly directory: string;
  readonly io: DirectoryIo;
}

const { O_DIRECTORY, O_RDONLY } = constants;
const FOLDER_MODE = 0o770;
/** What a file system says that syncs no folders. */
const CANNOT_SYNC = new Set(["EINVAL", "ENOTSUP", "EOPNOTSUPP"]);
/** Beyond this many it is forgotten which folders are known to be durable; they are synced once more then. */
const REMEMBERED_FOLDERS = 4096;

export class SyncedFolders {
  readonly #options: SyncedFoldersOptions;
  readonly #root: { readonly dev: number; readonly ino: number } | null;
  readonly #durable = new Set<string>();
  /** Never forgets; a process steps down after the first entry, so it stays small. */
  readonly #failed = new Map<string, HotspareError>();

  constructor(options: SyncedFoldersOptions) {
    this.#options = options;
    this.#root = this.#identify("/.");
  }

  /** The error by which a sync of `folder`, or of one above it, has failed in this process, if any has. */
  failureOf(folder: string): HotspareError | undefined {
    const parent = parentOf(folder);
    return this.#failed.get(folder) ?? (parent === null ? undefined : this.failureOf(parent));
  }

  /**
   * Makes `folder` and those above it where they are missing, and their names durable.
   * @throws {HotspareError} where that failed; `failureOf` tells whether a sync did.
   */
  prepare(folder: string): void {
    this.#secure(folder, (missing) => this.#make(missing));
  }

  /** Forgets which folders are known to be there and durable; never where a sync has failed. */
  forget(): void {
    this.#durable.clear();
  }

  /** A fresh descriptor, through which `syncOpened` reports every error that the folder meets from now on. @throws a system error. */
  open(folder: string): number {
    return this.#options.io.openSync(this.pathOf(folder), O_RDONLY | O_DIRECTORY);
  }

  /** Syncs and closes what `open` returned. @throws {HotspareError} if that failed, now and for every later use of `folder`. */
  syncOpened(folder: string, fd: number): void {
    const failure = this.#firstFailure([() => this.#options.io.fsyncSync(fd), () => this.#options.io.closeSync(fd)]);
    if (failure === undefined) return;
    const error = this.#syncFailure(failure, folder);
    this.#failed.set(folder, error);
    throw error;
  }

  /**
   * Syncs the names in `folder` through a fresh descriptor, and that of the folder itself. Absent: nothing to do.
   * @throws {HotspareError} if that failed, or has failed before.
   */
  sync(folder: string): void {
    this.#refuseFailed(folder);
    let fd: number;
    try {
      fd = this.open(folder);
    } catch (error) {
      if (systemCode(error) === "ENOENT") return;
      throw vaultFault(error, { directory: this.#options.directory, action: "open", name: folder });
    }
    this.syncOpened(folder, fd);
    this.#secure(folder, () => undefined);
  }

  pathOf(folder: string): string {
    return folder === "" ? this.#options.directory : `${this.#options.directory}/${folder}`;
  }

  /** Once per folder: from the root down, each is made, and its name synced in the one above it. */
  #secure(folder: string, make: (folder: string) => void): void {
    if (this.#durable.has(folder)) return;
    const parent = parentOf(folder);
    if (parent !== null) {
      this.#secure(parent, make);
      make(folder);
      this.#syncParent(parent);
    }
    if (this.#durable.size >= REMEMBERED_FOLDERS) this.#durable.clear();
    this.#durable.add(folder);
  }

  #make(folder: string): void {
    const { io, directory } = this.#options;
    try {
      this.#refuseOtherRoot();
      io.mkdirSync(this.pathOf(folder), FOLDER_MODE);
    } catch (error) {
      if (error instanceof HotspareError) throw error;
      if (systemCode(error) === "EEXIST") return;
      throw vaultFault(error, { directory, action: "make", name: folder });
    }
  }

  /** A share that was unmounted leaves an empty folder behind, in which nothing may ever be made. */
  #refuseOtherRoot(): void {
    const now = this.#identify("/.");
    if (now && this.#root && now.dev === this.#root.dev && now.ino === this.#root.ino) return;
    if (this.#identify(`/${clusterName}`)) return;
    throw new HotspareError("HS_VAULT_MISSING", { directory: this.#options.directory });
  }

  #identify(below: string): { readonly dev: number; readonly ino: number } | null {
    try {
      return this.#options.io.lstatSync(`${this.#options.directory}${below}`);
    } catch (error) {
      systemCode(error);
      return null;
    }
  }

  #syncParent(parent: string): void {
    this.#refuseFailed(parent);
    let fd: number;
    try {
      fd = this.open(parent);
    } catch (error) {
      throw vaultFault(error, { directory: this.#options.directory, action: "open", name: parent });
    }
    this.syncOpened(parent, fd);
  }

  #firstFailure(acts: readonly (() => void)[]): unknown {
    let failure: unknown;
    for (const act of acts) {
      try {
        act();
      } catch (error) {
        systemCode(error);
        failure ??= error;
      }
    }
    return failure;
  }

  /** A share that cannot do it at all is none for a vault; one that fails now may be mended. */
  #syncFailure(error: unknown, folder: string): HotspareError {
    if (!CANNOT_SYNC.has(systemCode(error))) {
      const details = { name: folder || "its root", reason: reasonOf(error) };
      return new HotspareError("HS_VAULT_UNDURABLE", details, { cause: error });
    }
    const { directory } = this.#options;
    const reason = `a folder cannot be synced: ${reasonOf(error)}`;
    return new HotspareError("HS_VAULT_UNSUITABLE", { directory, reason }, { cause: error });
  }

  #refuseFailed(folder: string): void {
    const failure = this.failureOf(folder);
    if (failure) throw failure;
  }
}

function parentOf(folder: string): string | null {
  return folder === "" ? null : folder.slice(0, Math.max(0, folder.lastIndexOf("/")));
}
