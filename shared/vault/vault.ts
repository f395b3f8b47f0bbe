/**
 * The vault: the one thing that all hosts see. Eight methods; safety rests on `put` alone (create if absent), never on
 * having looked and found nothing, nor on having opened something that may have been deleted.
 *
 * Implementations: `directory-vault.ts`, `memory-vault.ts`, and `threaded-vault.ts`, which carries every call to a thread
 * of its own. One contract suite runs on each.
 */
import type { HotspareError } from "../errors.ts";
import type { VaultFolder, VaultName } from "./layout.ts";

/** What is to be stored: bytes, or a local file of any size that is streamed. */
export type Content = Uint8Array | { readonly file: string };

/**
 * How a put ended. Only `created` says that contents and name are durable.
 * - `exists`: the name is taken, perhaps by an earlier try of this very call: read it back and compare the ids.
 * - `unknown`: it may have been created, now or later. Read the same name back; never go on to another name.
 * - `refused`: certainly not created by this call (no space, not writable); nothing was published.
 * - `undurable`: syncing the folder failed, now or earlier. Whether it was created or not, this process must never
 *   acknowledge on that folder again.
 */
export type PutResult =
  | { readonly type: "created" }
  | { readonly type: "exists" }
  | { readonly type: "unknown"; readonly error: HotspareError }
  | { readonly type: "refused"; readonly error: HotspareError }
  | { readonly type: "undurable"; readonly error: HotspareError };

export interface Range {
  /** First byte wanted. */
  readonly offset: number;
  /** Most bytes that may come back; a longer file is cut there. */
  readonly maxBytes: number;
}

export interface Space {
  readonly freeBytes: number;
  /** `Infinity` where the file system does not count them. */
  readonly freeInodes: number;
}

export interface Vault {
  /** Creates `name` with `content` if it is absent: durable contents first, then the name, then the folder's sync. */
  put(name: VaultName, content: Content): Promise<PutResult>;

  /**
   * Bytes of `name` from `range.offset`, at most `range.maxBytes`; `null` if absent *as far as this machine can see*.
   * @throws {HotspareError} HS_VAULT_IO if it exists but cannot be read.
   */
  get(name: VaultName, range: Range): Promise<Buffer | null>;

  /** The names directly in `folder`, sorted; empty if the folder is absent. Always read afresh, never from a cache of ours. */
  list(folder: VaultFolder): Promise<readonly string[]>;

  /** Makes durable, through a fresh descriptor, the names that `list` or `get` showed in `folder`. An absent folder is fine. */
  sync(folder: VaultFolder): Promise<void>;

  /** Deletes `name` for ever; `false` if it was absent. */
  remove(name: VaultName): Promise<boolean>;

  /** Replaces a hint (only under `hosts/`), which nobody's safety depends on. Not synced. */
  hint(name: VaultName, bytes: Uint8Array): Promise<void>;

  /** Free space of the file system. */
  space(): Promise<Space>;

  /** Calls `changed` soon after something appeared in `folder`. May miss any change: the listing is the truth. Returns the stop. */
  watch(folder: VaultFolder, changed: () => void): () => void;
}
