/**
 * A vault that fails as told: a wrapper around any other. Faults are armed for a call and used up in the order in which
 * they were armed; a call without one passes through.
 */
import { HotspareError } from "../shared/errors.ts";
import type { VaultFolder, VaultName } from "../shared/vault/layout.ts";
import type { Content, PutResult, Range, Space, Vault } from "../shared/vault/vault.ts";

export type FaultyCall = "put" | "get" | "list" | "sync" | "remove" | "hint" | "space";

export type Fault =
  /** Does nothing, and says that the share failed: for a put, that its outcome is unknown. */
  | { readonly type: "EIO" }
  /** Does nothing, and says that the vault is full. */
  | { readonly type: "ENOSPC" }
  /** Does it, and the answer is lost: an error, for a put an unknown outcome. */
  | { readonly type: "lost reply" }
  /** A put that succeeds and is told that the name is taken, as NFS tells one that sent its call twice. */
  | { readonly type: "exists after own success" }
  /** A put whose name is made and whose folder's sync fails. */
  | { readonly type: "undurable" }
  /** Waits until `release`, then does it. */
  | { readonly type: "hang" }
  /** Waits for `until`, then does it. */
  | { readonly type: "slow"; readonly until: Promise<void> }
  /** A get whose bytes come with one bit changed, counted from the first. */
  | { readonly type: "flipped bit"; readonly bit: number }
  /** A get that misses the end of the file. */
  | { readonly type: "short"; readonly bytes: number }
  /** A get or list that has not heard of what is there. */
  | { readonly type: "stale" };

export class FaultyVault implements Vault {
  /** Every call that arrived, in order, as `call name`. */
  readonly calls: string[] = [];
  readonly #inner: Vault;
  readonly #armed: { readonly call: FaultyCall; readonly fault: Fault }[] = [];
  readonly #always = new Map<FaultyCall, Fault>();
  readonly #hung = new Set<() => void>();

  constructor(inner: Vault) {
    this.#inner = inner;
  }

  /** The next call of this kind, after those armed before, meets `fault`. */
  once(call: FaultyCall, fault: Fault): void {
    this.#armed.push({ call, fault });
  }

  /** Every call of this kind meets `fault`, until `heal`. */
  always(call: FaultyCall, fault: Fault): void {
    this.#always.set(call, fault);
  }

  heal(): void {
    this.#armed.length = 0;
    this.#always.clear();
    this.release();
  }

  /** How many calls hang now. */
  get hanging(): number {
    return this.#hung.size;
  }

  /** Lets go on what hangs. */
  release(): void {
    for (const go of this.#hung) go();
    this.#hung.clear();
  }

  async put(name: VaultName, content: Content): Promise<PutResult> {
    const fault = this.#meet("put", name);
    switch (fault?.type) {
      case "EIO":
        return { type: "unknown", error: failed("put", name) };
      case "ENOSPC":
        return { type: "refused", error: full() };
      case "lost reply":
        await this.#inner.put(name, content);
        return { type: "unknown", error: failed("put", name) };
      case "exists after own success":
        await this.#inner.put(name, content);
        return { type: "exists" };
      case "undurable":
        await this.#inner.put(name, content);
        return { type: "undurable", error: failed("sync", name) };
      default:
        await this.#delay(fault);
        return this.#inner.put(name, content);
    }
  }

  async get(name: VaultName, range: Range): Promise<Buffer | null> {
    const fault = this.#meet("get", name);
    if (fault?.type === "stale") return null;
    const bytes = await this.#perform("get", name, fault, () => this.#inner.get(name, range));
    if (bytes && fault?.type === "flipped bit") return flipped(bytes, fault.bit);
    return bytes && fault?.type === "short" ? bytes.subarray(0, -fault.bytes) : bytes;
  }

  async list(folder: VaultFolder): Promise<readonly string[]> {
    const fault = this.#meet("list", folder);
    if (fault?.type === "stale") return [];
    return this.#perform("list", folder, fault, () => this.#inner.list(folder));
  }

  async sync(folder: VaultFolder): Promise<void> {
    return this.#perform("sync", folder, this.#meet("sync", folder), () => this.#inner.sync(folder));
  }

  async remove(name: VaultName): Promise<boolean> {
    return this.#perform("remove", name, this.#meet("remove", name), () => this.#inner.remove(name));
  }

  async hint(name: VaultName, bytes: Uint8Array): Promise<void> {
    return this.#perform("hint", name, this.#meet("hint", name), () => this.#inner.hint(name, bytes));
  }

  async space(): Promise<Space> {
    return this.#perform("space", "", this.#meet("space", ""), () => this.#inner.space());
  }

  watch(folder: VaultFolder, changed: () => void): () => void {
    return this.#inner.watch(folder, changed);
  }

  #meet(call: FaultyCall, name: string): Fault | undefined {
    this.calls.push(`${call} ${name}`.trimEnd());
    const index = this.#armed.findIndex((armed) => armed.call === call);
    return index < 0 ? this.#always.get(call) : this.#armed.splice(index, 1)[0]?.fault;
  }

  async #perform<T>(call: FaultyCall, name: string, fault: Fault | undefined, act: () => Promise<T>): Promise<T> {
    if (fault?.type === "EIO") throw failed(call, name);
    if (fault?.type === "ENOSPC") throw full();
    await this.#delay(fault);
    const result = await act();
    if (fault?.type === "lost reply") throw failed(call, name);
    return result;
  }

  async #delay(fault: Fault | undefined): Promise<void> {
    if (fault?.type === "slow") await fault.until;
    if (fault?.type === "hang") await new Promise<void>((resolve) => this.#hung.add(resolve));
  }
}

function flipped(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  const at = Math.floor(bit / 8);
  copy[at] = (copy[at] ?? 0) ^ (1 << (bit % 8));
  return copy;
}

function failed(action: string, name: string): HotspareError {
  const reason = "EIO, injected";
  if (action === "sync") return new HotspareError("HS_VAULT_UNDURABLE", { name, reason });
  return new HotspareError("HS_VAULT_IO", { action, name, reason });
}

const full = (): HotspareError => new HotspareError("HS_VAULT_FULL", { reason: "ENOSPC, injected" });
