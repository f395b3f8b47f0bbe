/**
 * The disk behind a simulated share: the memory disk that loses what was not synced, with two things more. It remembers
 * how each folder looked a while ago, so that machines can be shown old answers as network file systems give them; and it
 * tells a witness of every name that came, went, became durable or was lost, whoever did that and whether anybody knows.
 */
import type { Random } from "../../shared/random.ts";
import { MemoryDisk, type DiskFile, type DiskFolder, type DiskNode } from "../../shared/vault/memory-disk.ts";

export interface Witness {
  created(path: string, file: DiskFile): void;
  removed(path: string, file: DiskFile): void;
  /** Its name survives a power cut from now on. */
  synced(path: string, file: DiskFile): void;
  /** A power cut took it. */
  lost(path: string, file: DiskFile): void;
}

interface Change {
  readonly atMs: number;
  readonly name: string;
  readonly before: DiskNode | null;
}

export class SimDisk extends MemoryDisk {
  readonly #witness: Witness;
  readonly #changes = new Map<DiskFolder, Change[]>();
  readonly #paths = new Map<DiskFolder, string>();
  /** How often it lost its power. */
  powerCuts = 0;

  constructor(witness: Witness) {
    super();
    this.#witness = witness;
    this.#paths.set(this.root, "");
  }

  override setName(folder: DiskFolder, name: string, node: DiskNode | null): void {
    const before = folder.names.get(name) ?? null;
    this.#changesOf(folder).push({ atMs: this.nowMs, name, before });
    super.setName(folder, name, node);
    const path = `${this.#paths.get(folder) ?? "?"}/${name}`;
    if (node?.kind === "folder") this.#paths.set(node, path);
    if (node?.kind === "file") this.#witness.created(path, node);
    else if (before?.kind === "file") this.#witness.removed(path, before);
  }

  override sync(node: DiskNode): void {
    const fresh = node.kind === "folder" ? node.changes : [];
    super.sync(node);
    if (node.kind === "file") return;
    for (const { name, node: file } of fresh) {
      if (file?.kind === "file") this.#witness.synced(`${this.#paths.get(node) ?? "?"}/${name}`, file);
    }
  }

  override crash(random: Random): void {
    const before = new Map([...this.#paths.keys()].map((folder) => [folder, new Map(folder.names)]));
    super.crash(random);
    this.powerCuts += 1;
    this.#changes.clear();
    for (const [folder, names] of before) this.#tellLosses(folder, names);
  }

  /** What lay under `name` at that time, or since then if nothing changed. */
  nameAsOf(folder: DiskFolder, name: string, atMs: number): DiskNode | undefined {
    const change = this.#changesSince(folder, atMs).find((later) => later.name === name);
    return change ? (change.before ?? undefined) : folder.names.get(name);
  }

  namesAsOf(folder: DiskFolder, atMs: number): string[] {
    const names = new Map(folder.names);
    for (const { name, before } of this.#changesSince(folder, atMs).toReversed()) {
      if (before) names.set(name, before);
      else names.delete(name);
    }
    return [...names.keys()];
  }

  /** Contents and every name on the way to it survive a power cut. */
  isDurable(path: string, file: DiskFile): boolean {
    let node: DiskNode | undefined = this.root;
    for (const name of path.split("/").filter((part) => part !== "")) {
      node = node?.kind === "folder" ? node.durable.get(name) : undefined;
    }
    return node === file && file.durable.equals(file.bytes);
  }

  /** Nobody is shown anything older than that. */
  forgetBefore(atMs: number): void {
    for (const [folder, changes] of this.#changes) {
      const kept = changes.findIndex((change) => change.atMs > atMs);
      if (kept !== 0) this.#changes.set(folder, kept < 0 ? [] : changes.slice(kept));
    }
  }

  /** Every file below a folder, with its path. */
  *files(folder: DiskFolder = this.root): Iterable<readonly [string, DiskFile]> {
    for (const [name, node] of folder.names) {
      if (node.kind === "folder") yield* this.files(node);
      else yield [`${this.#paths.get(folder) ?? "?"}/${name}`, node];
    }
  }

  /** Oldest first. */
  #changesSince(folder: DiskFolder, atMs: number): readonly Change[] {
    const changes = this.#changes.get(folder) ?? [];
    const first = changes.findIndex((change) => change.atMs > atMs);
    return first < 0 ? [] : changes.slice(first);
  }

  #changesOf(folder: DiskFolder): Change[] {
    const known = this.#changes.get(folder);
    if (known) return known;
    const changes: Change[] = [];
    this.#changes.set(folder, changes);
    return changes;
  }

  /** Newest name first: histories shrink from their end. A folder that is gone takes what is in it along. */
  #tellLosses(folder: DiskFolder, before: ReadonlyMap<string, DiskNode>): void {
    const path = this.#paths.get(folder) ?? "?";
    for (const [name, node] of [...before].toSorted(([one], [other]) => (one < other ? 1 : -1))) {
      if (node.kind === "file" && folder.names.get(name) !== node) this.#witness.lost(`${path}/${name}`, node);
    }
    for (const [name, node] of folder.names) {
      if (node.kind === "folder") continue;
      if (!before.has(name)) this.#witness.created(`${path}/${name}`, node);
      this.#witness.synced(`${path}/${name}`, node);
    }
  }
}
