/**
 * One process's calls to a memory disk, with the errors that `node:fs` gives. After every call that changed something it
 * calls `step`; what that throws takes the process down: its later calls throw the same, and the disk stays as it was.
 */
import { constants } from "node:fs";
import type { DirectoryIo, FileFacts, SpaceFacts } from "./directory-io.ts";
import type { DiskFile, DiskFolder, DiskNode, MemoryDisk } from "./memory-disk.ts";

/** A call that changed the disk or made something durable. */
export interface MemoryStep {
  readonly call: "create" | "write" | "truncate" | "sync file" | "sync folder" | "link" | "rename" | "unlink" | "mkdir";
  readonly path: string;
}

interface Opened {
  readonly node: DiskNode;
  readonly path: string;
}

const { O_CREAT, O_EXCL, O_DIRECTORY } = constants;
const FIRST_FD = 3;

export class MemoryIo implements DirectoryIo {
  readonly #disk: MemoryDisk;
  readonly #step: (step: MemoryStep) => void;
  readonly #opened = new Map<number, Opened>();
  #nextFd = FIRST_FD;
  #down: { readonly reason: unknown } | null = null;

  constructor(disk: MemoryDisk, step: (step: MemoryStep) => void) {
    this.#disk = disk;
    this.#step = step;
  }

  openSync(path: string, flags: number): number {
    this.#alive();
    const node = (flags & O_CREAT) === 0 ? this.find(path, "open") : this.#create(path, flags);
    if ((flags & O_DIRECTORY) !== 0 && node.kind !== "folder") throw systemError("ENOTDIR", "open", path);
    const fd = this.#nextFd;
    this.#nextFd += 1;
    this.#opened.set(fd, { node, path });
    return fd;
  }

  readSync(fd: number, into: Uint8Array, offset: number, length: number, position: number): number {
    const found = this.#file(fd, "read").bytes.subarray(position, position + length);
    into.set(found, offset);
    return found.length;
  }

  writeSync(fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number {
    const file = this.#file(fd, "write");
    const grown = Buffer.alloc(Math.max(file.bytes.length, position + length));
    file.bytes.copy(grown);
    grown.set(bytes.subarray(offset, offset + length), position);
    this.#disk.setBytes(file, grown);
    this.#done("write", fd);
    return length;
  }

  ftruncateSync(fd: number, length: number): void {
    const file = this.#file(fd, "ftruncate");
    const cut = Buffer.alloc(length);
    file.bytes.copy(cut);
    this.#disk.setBytes(file, cut);
    this.#done("truncate", fd);
  }

  fdatasyncSync(fd: number): void {
    this.#disk.sync(this.#file(fd, "fdatasync"));
    this.#done("sync file", fd);
  }

  fsyncSync(fd: number): void {
    const { node } = this.#get(fd, "fsync");
    this.#disk.sync(node);
    this.#done(node.kind === "file" ? "sync file" : "sync folder", fd);
  }

  closeSync(fd: number): void {
    this.#get(fd, "close");
    this.#opened.delete(fd);
  }

  fstatSync(fd: number): FileFacts {
    return factsOf(this.#get(fd, "fstat").node);
  }

  lstatSync(path: string): FileFacts {
    this.#alive();
    return factsOf(this.find(path, "lstat"));
  }

  linkSync(existing: string, path: string): void {
    this.#alive();
    const node = this.find(existing, "link");
    const { folder, name } = this.#place(path, "link");
    if (folder.names.has(name)) throw systemError("EEXIST", "link", path);
    this.#disk.setName(folder, name, node);
    this.#report({ call: "link", path });
  }

  renameSync(from: string, to: string): void {
    this.#alive();
    const node = this.find(from, "rename");
    const source = this.#place(from, "rename");
    const target = this.#place(to, "rename");
    this.#disk.setName(target.folder, target.name, node);
    this.#disk.setName(source.folder, source.name, null);
    this.#report({ call: "rename", path: to });
  }

  unlinkSync(path: string): void {
    this.#alive();
    const node = this.find(path, "unlink");
    if (node.kind === "folder") throw systemError("EISDIR", "unlink", path);
    const { folder, name } = this.#place(path, "unlink");
    this.#disk.setName(folder, name, null);
    this.#report({ call: "unlink", path });
  }

  mkdirSync(path: string): void {
    this.#alive();
    const { folder, name } = this.#place(path, "mkdir");
    if (folder.names.has(name)) throw systemError("EEXIST", "mkdir", path);
    this.#disk.setName(folder, name, this.#disk.newFolder());
    this.#report({ call: "mkdir", path });
  }

  readdirSync(path: string): string[] {
    this.#alive();
    const node = this.find(path, "scandir");
    if (node.kind === "file") throw systemError("ENOTDIR", "scandir", path);
    return [...node.names.keys()];
  }

  statfsSync(): SpaceFacts {
    this.#alive();
    return { bsize: 1, bavail: this.#disk.freeBytes, files: 2 ** 20, ffree: this.#disk.freeInodes };
  }

  #create(path: string, flags: number): DiskNode {
    const { folder, name } = this.#place(path, "open");
    const existing = folder.names.get(name);
    if (existing && (flags & O_EXCL) !== 0) throw systemError("EEXIST", "open", path);
    if (existing) return existing;
    const file = this.#disk.newFile();
    this.#disk.setName(folder, name, file);
    this.#report({ call: "create", path });
    return file;
  }

  /** What `path` leads to, as this process sees it: a simulation may show it something older. */
  protected find(path: string, call: string): DiskNode {
    const components = componentsOf(path);
    let node: DiskNode = this.#disk.root;
    for (const component of components) {
      if (node.kind === "file") throw systemError("ENOTDIR", call, path);
      const next = node.names.get(component);
      if (!next) throw systemError("ENOENT", call, path);
      node = next;
    }
    return node;
  }

  #place(path: string, call: string): { readonly folder: DiskFolder; readonly name: string } {
    const components = componentsOf(path);
    const name = components.pop();
    if (name === undefined) throw systemError("EISDIR", call, path);
    const folder = this.find(components.join("/"), call);
    if (folder.kind === "file") throw systemError("ENOTDIR", call, path);
    return { folder, name };
  }

  #get(fd: number, call: string): Opened {
    this.#alive();
    const opened = this.#opened.get(fd);
    if (!opened) throw systemError("EBADF", call, String(fd));
    return opened;
  }

  #file(fd: number, call: string): DiskFile {
    const { node, path } = this.#get(fd, call);
    if (node.kind === "folder") throw systemError("EISDIR", call, path);
    return node;
  }

  #done(call: MemoryStep["call"], fd: number): void {
    this.#report({ call, path: this.#get(fd, call).path });
  }

  #report(step: MemoryStep): void {
    try {
      this.#step(step);
    } catch (reason) {
      this.#down = { reason };
      throw reason;
    }
  }

  #alive(): void {
    if (this.#down) throw this.#down.reason;
  }
}

const componentsOf = (path: string): string[] => path.split("/").filter((part) => part !== "" && part !== ".");

const factsOf = (node: DiskNode): FileFacts => ({
  size: node.kind === "file" ? node.bytes.length : 0,
  mtimeMs: node.kind === "file" ? node.mtimeMs : 0,
  dev: 1,
  ino: node.ino,
  isFile: () => node.kind === "file",
});

function systemError(code: string, syscall: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${syscall} '${path}'`), { code, syscall });
}
