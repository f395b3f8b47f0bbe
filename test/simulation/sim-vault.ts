/**
 * The vault as one host process has it: the production directory vault on a simulated share. A call leaves the process, is
 * performed, and its reply comes back; each takes its time and may fail by itself, and the process may be killed or
 * paused anywhere between. Publishing is two steps apart: the link, and the sync of the folder.
 */
import { HotspareError } from "../../shared/errors.ts";
import { DirectoryVault } from "../../shared/vault/directory-vault.ts";
import type { VaultFolder, VaultName } from "../../shared/vault/layout.ts";
import type { DiskFolder } from "../../shared/vault/memory-disk.ts";
import type { FileSystem } from "../../shared/vault/mount.ts";
import type { Content, PutResult, Range, Space } from "../../shared/vault/vault.ts";
import type { HostVault } from "../../host/host-parts.ts";
import { SimIo, type LinkFate } from "./sim-io.ts";
import type { Machine } from "./machine.ts";
import type { Lifeline } from "./sim-process.ts";
import type { World } from "./world.ts";

const TIMEOUT_MS = 1_000;
const ERRORS = ["EIO", "EACCES", "ESTALE", "EMFILE"];

export class SimVault implements HostVault {
  readonly #world: World;
  readonly #machine: Machine;
  readonly #life: Lifeline;
  readonly #io: SimIo;
  readonly #directory: DirectoryVault;
  #failNext: string | null = null;
  #closed = false;

  constructor(world: World, machine: Machine) {
    this.#world = world;
    this.#machine = machine;
    this.#life = machine.process.lifeline();
    this.#io = new SimIo(world.disk, {
      link: () => this.#linkFate(),
      lateLink: (perform) => this.#lateLink(perform),
      seesMs: () => (world.swarm.staleMs > 0 ? machine.seesMs() : null),
      failure: (call) => this.#failure(call),
      flips: () => this.#happens("flippedRead"),
    });
    this.#directory = new DirectoryVault({
      directory: "",
      random: machine.random,
      clock: machine.clock(this.#life),
      io: this.#io,
      later: (run) => this.#life.later(world.dice.between(0.1, 2), run),
      pause: () => new Promise((resolve) => this.#life.later(0.2, resolve)),
    });
  }

  put(name: VaultName, content: Content): Promise<PutResult> {
    if (name.includes("/journal/")) this.#machine.aboutToPut(content);
    return this.#call<PutResult>(
      (reply) => {
        const { result, folders } = this.#io.deferringSyncs(() => this.#directory.put(name, content));
        const cuts = this.#world.disk.powerCuts;
        this.#machine.seesNow();
        result.then((put) => this.#syncLater({ put, name, folders, cuts }, reply)).catch(this.#world.failed);
      },
      () => ({ type: "unknown", error: failure("put") }),
    );
  }

  get(name: VaultName, range: Range): Promise<Buffer | null> {
    return this.#ask(() => this.#directory.get(name, range));
  }

  list(folder: VaultFolder): Promise<readonly string[]> {
    this.#machine.aboutToList();
    return this.#ask(() => this.#directory.list(folder));
  }

  sync(folder: VaultFolder): Promise<void> {
    return this.#ask(() => this.#directory.sync(folder));
  }

  remove(name: VaultName): Promise<boolean> {
    return this.#ask(() => this.#directory.remove(name));
  }

  hint(name: VaultName, bytes: Uint8Array): Promise<void> {
    return this.#ask(() => this.#directory.hint(name, bytes));
  }

  space(): Promise<Space> {
    return this.#ask(() => this.#directory.space());
  }

  sweepTemporary(olderThanMs: number): Promise<number> {
    return this.#ask(() => this.#directory.sweepTemporary(olderThanMs));
  }

  /** Only a local folder tells at once that something is new. */
  watch(folder: VaultFolder, changed: () => void): () => void {
    if (this.#world.swarm.mount !== "local") return () => undefined;
    return this.#world.disk.watch(folder, () => this.#life.later(this.#world.dice.spread(0.1, 20), changed));
  }

  fileSystem(): Promise<FileSystem> {
    return Promise.resolve(MOUNTS[this.#world.swarm.mount]);
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#directory.close();
    return Promise.resolve();
  }

  // --- The second half of a put -----------------------------------------------------------------------------------------

  #syncLater({ put, name, folders, cuts }: HalfPut, reply: (put: PutResult) => void): void {
    if (folders.length === 0) return reply(put);
    this.#leave(() => {
      const survived = this.#world.disk.powerCuts === cuts;
      if (!survived || this.#happens("failedSync")) return this.#failSync(name, reply);
      for (const folder of folders) this.#world.disk.sync(folder);
      reply(put);
    });
  }

  /** A sync that spans a power cut fails: what it should have covered may be gone. The folder is never trusted again. */
  #failSync(name: VaultName, reply: (put: PutResult) => void): void {
    this.#failNext = "EIO";
    const folder = name.slice(0, name.lastIndexOf("/")) as VaultFolder;
    this.#directory
      .sync(folder)
      .then(
        () => reply({ type: "undurable", error: failure("sync") }),
        () => reply({ type: "undurable", error: failure("sync") }),
      )
      .catch(this.#world.failed);
  }

  // --- Calls ------------------------------------------------------------------------------------------------------------

  #ask<T>(perform: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#call<() => void>(
        (reply) =>
          void perform().then(
            (value) => reply(() => resolve(value)),
            (error: Error) => reply(() => reject(error)),
          ),
        () => () => reject(failure("ask")),
      ).then((settle) => settle(), reject);
    });
  }

  #call<T>(perform: (reply: (value: T) => void) => void, cut: () => T): Promise<T> {
    return new Promise((resolve) => {
      const reply = (value: T): void =>
        this.#life.later(this.#delayMs(), () => {
          this.#world.promised();
          resolve(value);
        });
      if (this.#happens("pauseAtCall")) this.#machine.sleep();
      this.#leave(() => this.#arrive(perform, { reply, cut }));
    });
  }

  #arrive<T>(
    perform: (reply: (value: T) => void) => void,
    { reply, cut }: { reply: (value: T) => void; cut: () => T },
  ): void {
    const { scheduler, disk } = this.#world;
    const waitMs = this.#machine.cutUntilMs - scheduler.nowMs;
    if (this.#closed) return;
    if (waitMs > 0 && this.#machine.cutErrs) return this.#life.later(TIMEOUT_MS, () => reply(cut()));
    if (waitMs > 0) return this.#leave(() => this.#arrive(perform, { reply, cut }), waitMs);
    disk.nowMs = scheduler.nowMs;
    this.#world.promised();
    perform(reply);
  }

  /** Half of the calls have left the process when it is paused or dies: those the share may perform all the same. */
  #leave(act: () => void, delayMs = this.#delayMs()): void {
    const { dice, swarm, scheduler } = this.#world;
    const { later, ended } = this.#life;
    if (dice.chance(0.5)) return later(delayMs, act);
    scheduler.after(delayMs, () => {
      if (!ended() || dice.chance(swarm.faults.lateAfterDeath)) act();
    });
  }

  #linkFate(): LinkFate {
    const { dice } = this.#world;
    if (this.#happens("lostPut")) return dice.pick(["done, reply lost", "late", "never, reply lost"] as const);
    if (!this.#happens("repeatedPut")) return "done";
    return dice.pick(["done, asked twice", "done, and late again"] as const);
  }

  #lateLink(perform: () => void): void {
    const { dice, scheduler, disk, promised } = this.#world;
    scheduler.after(dice.spread(1, 10_000), () => {
      disk.nowMs = scheduler.nowMs;
      promised();
      perform();
    });
  }

  #failure(call: string): string | null {
    const next = this.#failNext;
    if (next !== null && call === "fsync") {
      this.#failNext = null;
      return next;
    }
    return this.#happens(call === "fsync" ? "failedSync" : "failedCall") ? this.#world.dice.pick(ERRORS) : null;
  }

  #happens(fault: VaultFault): boolean {
    const { dice, swarm, healed } = this.#world;
    return !healed() && !this.#life.ended() && dice.chance(swarm.faults[fault]);
  }

  #delayMs(): number {
    const { dice } = this.#world;
    return this.#happens("slowCall") ? dice.spread(5, 3_000) : dice.between(0.05, 1);
  }
}

type VaultFault = "lostPut" | "repeatedPut" | "failedSync" | "failedCall" | "slowCall" | "flippedRead" | "pauseAtCall";

interface HalfPut {
  readonly put: PutResult;
  readonly name: VaultName;
  readonly folders: readonly DiskFolder[];
  readonly cuts: number;
}

const failure = (action: string): HotspareError =>
  new HotspareError("HS_VAULT_IO", { action, name: "anything", reason: "simulated" });

const mount = (type: string, options: readonly string[]): FileSystem => ({
  type,
  mountPoint: "/",
  source: "simulated",
  options,
});

const MOUNTS = {
  local: mount("ext4", []),
  nfs: mount("nfs4", []),
  "nfs, lookupcache=positive": mount("nfs4", ["lookupcache=positive"]),
} as const;
