/**
 * A vault in a directory that all hosts see: a local folder, NFS, SMB with hard links.
 *
 * All calls to the share are synchronous: it is meant to live in a thread of its own (`threaded-vault.ts`), where a share
 * that hangs stops nothing else. Publishing is: contents into a temporary file, `fdatasync`, `link` to the name, `fsync`
 * of the folder; the temporary name goes after the answer. `link`, because `rename` replaces a winner silently and
 * `O_EXCL` shows an empty file first.
 */
import { constants } from "node:fs";
import type { Clock } from "../clock.ts";
import { assert, HotspareError, isHotspareError } from "../errors.ts";
import type { Random } from "../random.ts";
import { directoryIo, type DirectoryIo } from "./directory-io.ts";
import { watchFolder } from "./folder-watch.ts";
import { temporaryFolder, type VaultFolder, type VaultName } from "./layout.ts";
import { SyncedFolders } from "./synced-folders.ts";
import { TemporaryFiles, type TemporaryFile } from "./temporary-files.ts";
import { linkRefused, systemCode, vaultFault } from "./vault-fault.ts";
import { folderOf, vaultPath } from "./vault-path.ts";
import type { Content, PutResult, Range, Space, Vault } from "./vault.ts";

export interface DirectoryVaultOptions {
  /** The vault's root. It is never made here. */
  readonly directory: string;
  readonly random: Random;
  readonly clock: Clock;
  readonly io?: DirectoryIo;
  /** Runs what may wait until after the answer. Default: `setImmediate`. */
  readonly later?: (run: () => void) => void;
  /** Lets other calls run between two pieces of a large file. Default: one turn of the event loop. */
  readonly pause?: () => Promise<void>;
}

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
const MISSING = "ENOENT";

export class DirectoryVault implements Vault {
  readonly #directory: string;
  readonly #io: DirectoryIo;
  readonly #later: (run: () => void) => void;
  readonly #pause: () => Promise<void>;
  readonly #folders: SyncedFolders;
  readonly #temporary: TemporaryFiles;
  readonly #used: TemporaryFile[] = [];
  #tidying = false;
  #closed = false;

  constructor(options: DirectoryVaultOptions) {
    const { directory, random, clock, io = directoryIo } = options;
    this.#directory = directory;
    this.#io = io;
    this.#later = options.later ?? setImmediate;
    this.#pause = options.pause ?? (() => new Promise((resolve) => setImmediate(resolve)));
    this.#folders = new SyncedFolders({ directory, io });
    this.#temporary = new TemporaryFiles({ folder: this.#path(temporaryFolder), io, random, clock });
  }

  async put(name: VaultName, content: Content): Promise<PutResult> {
    const path = this.#path(name);
    const folder = folderOf(name);
    const failure = this.#folders.failureOf(folder);
    if (failure) return { type: "undurable", error: failure };
    let temporary: TemporaryFile;
    try {
      this.#folders.prepare(temporaryFolder);
      this.#folders.prepare(folder);
      temporary = content instanceof Uint8Array ? this.#temporary.write(content) : await this.#copy(content.file);
    } catch (error) {
      const synced = this.#folders.failureOf(folder);
      if (synced) return { type: "undurable", error: synced };
      return { type: "refused", error: this.#putFault(error, "write", name) };
    }
    const result = this.#publish(temporary, { name, path, folder });
    this.#used.push(temporary);
    this.#tidyLater();
    return result;
  }

  async get(name: VaultName, range: Range): Promise<Buffer | null> {
    assertRange(range);
    const path = this.#path(name);
    let fd: number;
    try {
      fd = this.#io.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } catch (error) {
      if (systemCode(error) === MISSING) return null;
      throw this.#fault(error, "open", name);
    }
    try {
      const facts = this.#io.fstatSync(fd);
      if (!facts.isFile()) throw this.#unfit("read", name, "it is not a regular file");
      return this.#read(fd, range, facts.size);
    } catch (error) {
      throw this.#fault(error, "read", name);
    } finally {
      this.#closeQuietly(fd);
    }
  }

  async list(folder: VaultFolder): Promise<readonly string[]> {
    try {
      return this.#io.readdirSync(this.#path(folder)).sort();
    } catch (error) {
      if (systemCode(error) === MISSING) return [];
      throw this.#fault(error, "list", folder);
    }
  }

  async sync(folder: VaultFolder): Promise<void> {
    vaultPath(folder);
    this.#folders.sync(folder);
  }

  async remove(name: VaultName): Promise<boolean> {
    try {
      this.#io.unlinkSync(this.#path(name));
      return true;
    } catch (error) {
      if (systemCode(error) === MISSING) return false;
      throw this.#fault(error, "remove", name);
    }
  }

  async hint(name: VaultName, bytes: Uint8Array): Promise<void> {
    assert(name.startsWith("hosts/"), `a hint lies under hosts/, not at ${name}`);
    try {
      this.#folders.prepare(temporaryFolder);
      this.#folders.prepare(folderOf(name));
      this.#temporary.replace(this.#path(name), bytes);
    } catch (error) {
      throw this.#fault(error, "write", name);
    }
  }

  async space(): Promise<Space> {
    try {
      const { bsize, bavail, files, ffree } = this.#io.statfsSync(this.#directory);
      return { freeBytes: bsize * bavail, freeInodes: files === 0 ? Infinity : ffree };
    } catch (error) {
      throw this.#fault(error, "measure", "its free space");
    }
  }

  watch(folder: VaultFolder, changed: () => void): () => void {
    return watchFolder(this.#directory, vaultPath(folder), changed);
  }

  /** Deletes temporary files that are older than `olderThanMs` by the share's own clock; returns how many. At least an hour: a put may take long. */
  async sweepTemporary(olderThanMs: number): Promise<number> {
    try {
      this.#folders.prepare(temporaryFolder);
      return this.#temporary.sweep(olderThanMs);
    } catch (error) {
      throw this.#fault(error, "sweep", temporaryFolder);
    }
  }

  /** Deletes what was prepared. Calls that are under way end as they would have. */
  close(): void {
    this.#closed = true;
    this.#tidy();
    this.#temporary.close();
  }

  async #copy(file: string): Promise<TemporaryFile> {
    return this.#temporary.copy(file, this.#pause);
  }

  #publish(temporary: TemporaryFile, at: { name: string; path: string; folder: string }): PutResult {
    let fd: number;
    try {
      // Before the link, so that the descriptor reports every error that the new name meets.
      fd = this.#folders.open(at.folder);
    } catch (error) {
      return { type: "refused", error: this.#putFault(error, "open", at.folder) };
    }
    try {
      this.#io.linkSync(temporary.path, at.path);
    } catch (error) {
      this.#closeQuietly(fd);
      return this.#linkFailed(error, at.name);
    }
    try {
      this.#folders.syncOpened(at.folder, fd);
      return { type: "created" };
    } catch (error) {
      return { type: "undurable", error: this.#fault(error, "sync", at.folder) };
    }
  }

  #linkFailed(error: unknown, name: string): PutResult {
    const code = systemCode(error);
    if (code === "EEXIST") return { type: "exists" };
    const fault = this.#putFault(error, "publish", name);
    return linkRefused(code) ? { type: "refused", error: fault } : { type: "unknown", error: fault };
  }

  /** Reads until the range or the file ends: neither the size nor one read's count is believed. */
  #read(fd: number, { offset, maxBytes }: Range, sizeBytes: number): Buffer {
    let bytes: Buffer = Buffer.allocUnsafeSlow(Math.min(maxBytes, Math.max(0, sizeBytes - offset) + 1));
    for (let done = 0; ;) {
      if (done === maxBytes) return bytes;
      if (done === bytes.length) bytes = grown(bytes, maxBytes);
      const count = this.#io.readSync(fd, bytes, done, bytes.length - done, offset + done);
      if (count === 0) return bytes.subarray(0, done);
      done += count;
    }
  }

  #tidyLater(): void {
    if (this.#tidying) return;
    this.#tidying = true;
    this.#later(() => {
      this.#tidying = false;
      this.#tidy();
    });
  }

  #tidy(): void {
    for (const temporary of this.#used.splice(0)) this.#temporary.drop(temporary);
    if (!this.#closed && this.#temporary.prepareOne()) this.#tidyLater();
  }

  #path(name: string): string {
    return `${this.#directory}/${vaultPath(name).join("/")}`;
  }

  #fault(error: unknown, action: string, name: string): HotspareError {
    return isHotspareError(error) ? error : vaultFault(error, { directory: this.#directory, action, name });
  }

  /** Somebody may have deleted a folder that was known: the next put makes it again. */
  #putFault(error: unknown, action: string, name: string): HotspareError {
    if (!isHotspareError(error) && systemCode(error) === MISSING) this.#folders.forget();
    return this.#fault(error, action, name);
  }

  #unfit(action: string, name: string, reason: string): HotspareError {
    return new HotspareError("HS_VAULT_IO", { action, name, reason });
  }

  #closeQuietly(fd: number): void {
    try {
      this.#io.closeSync(fd);
    } catch (error) {
      systemCode(error);
    }
  }
}

function assertRange({ offset, maxBytes }: Range): void {
  const fine = Number.isSafeInteger(offset) && Number.isSafeInteger(maxBytes) && offset >= 0 && maxBytes >= 0;
  assert(fine, `a range is whole numbers, not ${offset} and ${maxBytes}`);
}

function grown(bytes: Buffer, maxBytes: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(Math.min(maxBytes, bytes.length * 2 + 64 * 1024));
  bytes.copy(larger);
  return larger;
}
