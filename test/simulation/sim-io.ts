/**
 * One machine's system calls to the simulated share. A network client in between may fail any of them, do it and lose the
 * reply, do it late, do it twice, or show names as they were a while ago; `link` alone is always truthful about a name
 * that exists. A folder's sync after a link is left to the caller, so that the world goes on between the two.
 */
import { constants } from "node:fs";
import { MemoryIo } from "../../shared/vault/memory-io.ts";
import type { DiskFolder, DiskNode } from "../../shared/vault/memory-disk.ts";
import type { SimDisk } from "./sim-disk.ts";

/** How one link goes. */
export type LinkFate =
  | "done"
  | "done, and late again"
  | "done, reply lost"
  | "done, asked twice"
  | "late"
  | "never, reply lost";

export interface IoFate {
  link(): LinkFate;
  /** Performs a link that was lost on its way; `null` if it never arrives. */
  lateLink(perform: () => void): void;
  /** As of when this machine sees names now; `null`: as they are. */
  seesMs(): number | null;
  /** The code by which the next call fails; `null` if it does not. */
  failure(call: string): string | null;
  /** Reads come back with one bit flipped. */
  flips(): boolean;
}

const IS_LOOKING: ReadonlySet<string> = new Set(["open", "scandir", "lstat"]);

export class SimIo extends MemoryIo {
  readonly #disk: SimDisk;
  readonly #fate: IoFate;
  #deferred: DiskFolder[] | null = null;
  #linked = false;
  #found: DiskNode | null = null;
  readonly #opened = new Map<number, DiskNode>();

  constructor(disk: SimDisk, fate: IoFate) {
    super(disk, () => undefined);
    this.#disk = disk;
    this.#fate = fate;
  }

  /** Syncs of folders after a link are kept back within `run`; returned are those to be done later. */
  deferringSyncs<T>(run: () => T): { readonly result: T; readonly folders: readonly DiskFolder[] } {
    const folders: DiskFolder[] = [];
    this.#deferred = folders;
    this.#linked = false;
    try {
      return { result: run(), folders };
    } finally {
      this.#deferred = null;
    }
  }

  override openSync(path: string, flags: number): number {
    this.#fail("open", path);
    const fd = super.openSync(path, flags);
    if ((flags & constants.O_DIRECTORY) !== 0 && this.#found) this.#opened.set(fd, this.#found);
    return fd;
  }

  override closeSync(fd: number): void {
    this.#opened.delete(fd);
    super.closeSync(fd);
  }

  override readSync(fd: number, into: Uint8Array, offset: number, length: number, position: number): number {
    this.#fail("read", "");
    const count = super.readSync(fd, into, offset, length, position);
    const at = offset + (count >> 1);
    if (count > 0 && this.#fate.flips()) into[at] = (into[at] ?? 0) ^ 4;
    return count;
  }

  override writeSync(fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number {
    if (this.#disk.freeBytes <= 0) throw systemError("ENOSPC", "write");
    this.#fail("write", "");
    return super.writeSync(fd, bytes, offset, length, position);
  }

  override fdatasyncSync(fd: number): void {
    this.#fail("fdatasync", "");
    super.fdatasyncSync(fd);
  }

  override fsyncSync(fd: number): void {
    this.#fail("fsync", "");
    const node = this.#opened.get(fd);
    if (this.#deferred && this.#linked && node?.kind === "folder") this.#deferred.push(node);
    else super.fsyncSync(fd);
  }

  override linkSync(existing: string, path: string): void {
    if (this.#disk.freeBytes <= 0) throw systemError("ENOSPC", "link");
    const perform = (): void => super.linkSync(existing, path);
    const fate = this.#fate.link();
    if (fate === "late" || fate === "done, and late again") {
      const node = this.find(existing, "link");
      this.#fate.lateLink(() => this.#linkLate(node, path));
    }
    if (fate !== "late" && fate !== "never, reply lost") {
      perform();
      this.#linked = true;
    }
    if (fate === "done, asked twice") throw systemError("EEXIST", "link");
    if (fate !== "done" && fate !== "done, and late again") throw systemError("EIO", "link");
  }

  override readdirSync(path: string): string[] {
    this.#fail("scandir", path);
    const seenMs = this.#fate.seesMs();
    const node = this.find(path, "scandir");
    if (seenMs === null || node.kind === "file") return super.readdirSync(path);
    return this.#disk.namesAsOf(node, seenMs);
  }

  /** A link that was on its way for long: its temporary file may be unlinked by now, which an open handle survives. */
  #linkLate(node: DiskNode, path: string): void {
    const at = path.lastIndexOf("/");
    try {
      const folder = super.find(path.slice(0, at), "link");
      const name = path.slice(at + 1);
      if (folder.kind === "folder" && !folder.names.has(name)) this.#disk.setName(folder, name, node);
    } catch {
      // The folder is gone with a power cut.
    }
  }

  protected override find(path: string, call: string): DiskNode {
    const seenMs = IS_LOOKING.has(call) ? this.#fate.seesMs() : null;
    this.#found = seenMs === null ? super.find(path, call) : this.#findAsOf(path, call, seenMs);
    return this.#found;
  }

  #findAsOf(path: string, call: string, seenMs: number): DiskNode {
    let node: DiskNode | undefined = this.#disk.root;
    for (const name of path.split("/").filter((part) => part !== "" && part !== ".")) {
      node = node?.kind === "folder" ? this.#disk.nameAsOf(node, name, seenMs) : undefined;
    }
    if (!node) throw systemError("ENOENT", call);
    return node;
  }

  #fail(call: string, path: string): void {
    if (path.includes("/tmp/")) return;
    const code = this.#fate.failure(call);
    if (code !== null) throw systemError(code, call);
  }
}

function systemError(code: string, call: string): Error {
  return Object.assign(new Error(`${code}: ${call}, simulated`), { code, syscall: call });
}
