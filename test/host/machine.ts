/**
 * Machines that can be stopped after any step, with pools on them: the production shell and store, on a vault in memory,
 * under a clock that does not wait. What a stopped machine was waiting for never comes: nothing of it runs on.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseNodeId, randomId, type BootId, type Sha256 } from "../../shared/ids.ts";
import type { Cancel, Clock } from "../../shared/clock.ts";
import { extend, type Head } from "../../shared/journal/head.ts";
import { silentLog } from "../../shared/log.ts";
import { slot } from "../../shared/position.ts";
import type { Random } from "../../shared/random.ts";
import type { VaultFolder, VaultName } from "../../shared/vault/layout.ts";
import type { MemoryDisk } from "../../shared/vault/memory-disk.ts";
import type { MemoryStep } from "../../shared/vault/memory-io.ts";
import { MemoryCrash, MemoryVault } from "../../shared/vault/memory-vault.ts";
import type { Content, PutResult, Range, Space, Vault } from "../../shared/vault/vault.ts";
import type { Restored } from "../../host/core/pool-state.ts";
import { JournalReader } from "../../host/journal-reader.ts";
import type { LocalCopy, RestoreWish } from "../../host/local-copy.ts";
import { HostedPool, type PoolOptions } from "../../host/pool.ts";
import { stateHash } from "../../host/store/state-hash.ts";
import { openStore } from "../../host/store/sqlite-store.ts";
import type { Store } from "../../host/store/store.ts";
import { POOL, SCHEMA } from "./cluster.ts";

/** Time passes as soon as there is nothing else to do: what waits for it does not take any. */
export class FastClock implements Clock {
  #nowMs = 0;
  #timers: { readonly atMs: number; readonly run: () => void }[] = [];
  #turning = false;

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): Cancel {
    const timer = { atMs: this.#nowMs + delayMs, run };
    this.#timers.push(timer);
    this.#turn();
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  #turn(): void {
    if (this.#turning || this.#timers.length === 0) return;
    this.#turning = true;
    setImmediate(() => {
      this.#turning = false;
      const next = this.#timers.toSorted((one, other) => one.atMs - other.atMs)[0];
      if (!next) return;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
      this.#turn();
    });
  }
}

/** Waits until something holds, turn by turn of the event loop. */
export async function turnsUntil(condition: () => boolean, turns = 20_000): Promise<void> {
  for (let turn = 0; !condition(); turn += 1) {
    if (turn >= turns) throw new Error(`did not hold within ${turns} turns: ${condition.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A process's clock and vault, both gone when it dies. */
export class Machine implements Vault, Clock {
  readonly #vault: Vault;
  readonly #clock: Clock;
  #dead = false;

  constructor(vault: Vault, clock: Clock = new FastClock()) {
    this.#vault = vault;
    this.#clock = clock;
  }

  /** On `disk`, and dies after its `stopAfter`th step there. `steps` are those that it took. */
  static onDisk(
    random: Random,
    { disk, stopAfter = Infinity }: { readonly disk?: MemoryDisk; readonly stopAfter?: number } = {},
  ): { readonly machine: Machine; readonly disk: MemoryDisk; readonly steps: readonly MemoryStep[] } {
    const steps: MemoryStep[] = [];
    const step = (done: MemoryStep): void => {
      steps.push(done);
      if (steps.length < stopAfter) return;
      machine.die();
      throw new MemoryCrash(`after ${done.call} ${done.path}`);
    };
    const vault = new MemoryVault({ random, step, ...(disk ? { disk } : {}) });
    const machine: Machine = new Machine(vault);
    return { machine, disk: vault.disk, steps };
  }

  get dead(): boolean {
    return this.#dead;
  }

  die(): void {
    this.#dead = true;
  }

  monotonicMs = (): number => this.#clock.monotonicMs();
  wallMs = (): number => this.#clock.wallMs();
  after = (delayMs: number, run: () => void): Cancel =>
    this.#clock.after(delayMs, () => {
      if (!this.#dead) run();
    });

  put = (name: VaultName, content: Content): Promise<PutResult> => this.#alive(() => this.#vault.put(name, content));
  get = (name: VaultName, range: Range): Promise<Buffer | null> => this.#alive(() => this.#vault.get(name, range));
  list = (folder: VaultFolder): Promise<readonly string[]> => this.#alive(() => this.#vault.list(folder));
  sync = (folder: VaultFolder): Promise<void> => this.#alive(() => this.#vault.sync(folder));
  remove = (name: VaultName): Promise<boolean> => this.#alive(() => this.#vault.remove(name));
  hint = (name: VaultName, bytes: Uint8Array): Promise<void> => this.#alive(() => this.#vault.hint(name, bytes));
  space = (): Promise<Space> => this.#alive(() => this.#vault.space());
  watch = (folder: VaultFolder, changed: () => void): (() => void) =>
    this.#vault.watch(folder, () => {
      if (!this.#dead) changed();
    });

  async #alive<T>(act: () => Promise<T>): Promise<T> {
    const never = (): Promise<never> => new Promise(() => undefined);
    if (this.#dead) return never();
    try {
      const result = await act();
      return this.#dead ? await never() : result;
    } catch (error) {
      if (this.#dead) return never();
      throw error;
    }
  }
}

/** A local copy in one file, without checkpoints. `wishes` are the restores that were asked of it. */
export class FileCopy implements LocalCopy {
  readonly #file: string;
  readonly wishes: RestoreWish[] = [];
  readonly restored = null;
  store: Store;

  constructor(file: string) {
    this.#file = file;
    this.store = openStore({ file, pool: POOL });
  }

  restore(wish: RestoreWish): Promise<Restored> {
    this.wishes.push(wish);
    if (wish.aside !== null) {
      this.store.close();
      removeStore(this.#file);
      this.store = openStore({ file: this.#file, pool: POOL });
    }
    return Promise.resolve({ type: "none", head: this.store.head, reason: "there is no checkpoint" });
  }

  close(): Promise<void> {
    this.store.close();
    return Promise.resolve();
  }
}

export function removeStore(file: string): void {
  for (const ending of ["", "-wal", "-shm"]) rmSync(`${file}${ending}`, { force: true });
}

/** A folder for local copies, in memory where there is such a place: what is tested is not the local disk. */
export class CopyFolder {
  readonly path = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "hotspare-copies-"));
  #files = 0;

  file(): string {
    this.#files += 1;
    return join(this.path, `${this.#files}.db`);
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export interface Host {
  readonly pool: HostedPool;
  readonly copy: LocalCopy;
  readonly machine: Machine;
  readonly died: unknown[];
}

/** Begins a host's pool on a machine, as its process would. */
export async function startOn(
  machine: Machine,
  copy: LocalCopy,
  random: Random,
  { host = "host-a", first = true, ...changes }: Partial<PoolOptions> & { host?: string; first?: boolean } = {},
): Promise<Host> {
  const died: unknown[] = [];
  const pool = new HostedPool({
    id: POOL,
    settings: {
      pool: POOL,
      self: parseNodeId(host),
      bootId: randomId<BootId>(random),
      firstPreferred: first,
      orderable: false,
      takeoverTimeoutMs: 5000,
      surveyIntervalMs: 20,
      rejoin: "auto",
      schema: SCHEMA.map(({ id }) => id),
    },
    vault: machine,
    copy,
    schema: SCHEMA,
    reads: "check",
    clock: machine,
    random,
    log: silentLog,
    wroteSince: () => true,
    die: (error) => {
      died.push(error);
      machine.die();
    },
    hooks: {
      committed: () => undefined,
      marked: () => Promise.resolve(),
      serving: () => undefined,
      request: () => undefined,
    },
    ...changes,
  });
  // A machine that dies meanwhile never comes back with an answer.
  void pool.start();
  await Promise.resolve();
  return { pool, copy, machine, died };
}

/** The process is gone, without a word: its transactions are rolled back, its file is free. */
export function kill({ machine, copy }: Pick<Host, "machine" | "copy">): void {
  machine.die();
  copy.store.close();
}

/** Hash of what the store's file holds. */
export function hashOf(store: Store): Sha256 {
  const db = new DatabaseSync(store.file, { readOnly: true });
  try {
    return stateHash(db);
  } finally {
    db.close();
  }
}

/** What the journal in `vault` says, from its first record: where it ends, and the state's hash there. */
export async function replay(
  vault: Vault,
  file: string,
): Promise<{ readonly head: Head | null; readonly hash: Sha256 }> {
  const reader = new JournalReader(vault, POOL);
  const { slots } = await reader.survey(slot(1));
  const store = openStore({ file, pool: POOL });
  try {
    for (const at of slots) {
      const found = await reader.find(at);
      if (found.type !== "record") throw new Error(`slot ${at} is ${found.type}`);
      const extension = extend(store.head, found.sealed);
      if (!extension.ok) throw new Error(`slot ${at}: ${extension.violation.reason}`);
      store.apply(found.sealed, extension.head);
    }
    return { head: store.head, hash: hashOf(store) };
  } finally {
    store.close();
    removeStore(file);
  }
}
