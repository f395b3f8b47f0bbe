/**
 * A disk in memory with the manners of a real one: what was written or named is seen by all at once, but survives a
 * `crash` for certain only if it was synced. Unsynced contents come back old, new or torn at 512-byte borders, unsynced
 * names come back or not, each by itself. Deterministic for a given `Random`.
 *
 * Shared by the `MemoryIo` of each process that uses it.
 */
import type { Random } from "../random.ts";

export type DiskNode = DiskFile | DiskFolder;

export interface DiskFile {
  readonly kind: "file";
  readonly ino: number;
  bytes: Buffer;
  durable: Buffer;
  mtimeMs: number;
}

export interface DiskFolder {
  readonly kind: "folder";
  readonly ino: number;
  names: Map<string, DiskNode>;
  durable: Map<string, DiskNode>;
  /** What happened to names since the last sync, in order; `null` stands for a removal. */
  changes: { readonly name: string; readonly node: DiskNode | null }[];
  /** Counts the changes of names. */
  version: number;
}

const SECTOR_BYTES = 512;

export class MemoryDisk {
  readonly root: DiskFolder;
  /** What the disk stamps on files; moved by whoever owns the simulation's time. */
  nowMs = 0;
  freeBytes = 2 ** 40;
  freeInodes = 2 ** 20;
  readonly #watchers = new Set<() => void>();
  #lastIno = 0;

  constructor() {
    this.root = this.newFolder();
  }

  newFile(): DiskFile {
    const empty = Buffer.alloc(0);
    return { kind: "file", ino: this.#nextIno(), bytes: empty, durable: empty, mtimeMs: this.nowMs };
  }

  newFolder(): DiskFolder {
    const names = new Map<string, DiskNode>();
    return { kind: "folder", ino: this.#nextIno(), names, durable: new Map(), changes: [], version: 0 };
  }

  setName(folder: DiskFolder, name: string, node: DiskNode | null): void {
    if (node) folder.names.set(name, node);
    else folder.names.delete(name);
    folder.changes.push({ name, node });
    folder.version += 1;
    for (const watcher of this.#watchers) watcher();
  }

  setBytes(file: DiskFile, bytes: Buffer): void {
    file.bytes = bytes;
    file.mtimeMs = this.nowMs;
  }

  sync(node: DiskNode): void {
    if (node.kind === "file") {
      node.durable = Buffer.from(node.bytes);
      return;
    }
    node.durable = new Map(node.names);
    node.changes = [];
  }

  /** Calls `changed` soon after names in the folder at `path` changed. Returns the stop. */
  watch(path: string, changed: () => void): () => void {
    let seen = this.#versionAt(path);
    const watcher = (): void => {
      const now = this.#versionAt(path);
      if (now === seen) return;
      seen = now;
      queueMicrotask(() => {
        if (this.#watchers.has(watcher)) changed();
      });
    };
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  /** The machine that holds the disk loses power: what was not synced is lost, kept or torn, as `random` decides. */
  crash(random: Random): void {
    this.#crashNode(this.root, random, new Set());
  }

  #crashNode(node: DiskNode, random: Random, seen: Set<DiskNode>): void {
    if (seen.has(node)) return;
    seen.add(node);
    if (node.kind === "file") return crashFile(node, random);
    for (const { name, node: named } of node.changes) {
      if (coin(random)) continue;
      if (named) node.durable.set(name, named);
      else node.durable.delete(name);
    }
    node.names = new Map(node.durable);
    node.changes = [];
    for (const child of node.names.values()) this.#crashNode(child, random, seen);
  }

  #versionAt(path: string): string {
    let node: DiskNode | undefined = this.root;
    for (const name of path.split("/")) node = node?.kind === "folder" ? node.names.get(name) : undefined;
    return node?.kind === "folder" ? `${node.ino}.${node.version}` : "";
  }

  #nextIno(): number {
    this.#lastIno += 1;
    return this.#lastIno;
  }
}

function crashFile(file: DiskFile, random: Random): void {
  if (!file.bytes.equals(file.durable)) file.bytes = torn(file, random);
  file.durable = Buffer.from(file.bytes);
}

/** Each sector old, new or, where there was none before, zero; the length old, new or in between. */
function torn({ bytes, durable }: DiskFile, random: Random): Buffer {
  const result = Buffer.alloc(tornLength(bytes.length, durable.length, random));
  for (let at = 0; at < result.length; at += SECTOR_BYTES) {
    const source = coin(random) ? bytes : durable;
    result.set(source.subarray(at, Math.min(at + SECTOR_BYTES, result.length)), at);
  }
  return result;
}

function tornLength(newBytes: number, oldBytes: number, random: Random): number {
  if (coin(random)) return coin(random) ? newBytes : oldBytes;
  const lowest = Math.ceil(Math.min(newBytes, oldBytes) / SECTOR_BYTES);
  const highest = Math.floor(Math.max(newBytes, oldBytes) / SECTOR_BYTES);
  if (highest <= lowest) return oldBytes;
  return (lowest + (random.bytes(4).readUInt32LE() % (highest - lowest + 1))) * SECTOR_BYTES;
}

const coin = (random: Random): boolean => ((random.bytes(1)[0] ?? 0) & 1) === 1;
