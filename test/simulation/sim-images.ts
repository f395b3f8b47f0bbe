/**
 * Images of a simulated host's store: the production steps, without a thread. The snapshot is taken at once; what a thread
 * does with it takes a while, and goes on while the host commits.
 */
import { mkdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { HotspareError, isHotspareError, reasonOf } from "../../shared/errors.ts";
import type { Head } from "../../shared/journal/head.ts";
import type { Begun, Hashed, Imaged, ImageWorkerOptions } from "../../host/checkpoint/image-worker.ts";
import { hashImage, settleImage } from "../../host/checkpoint/inspect-image.ts";
import { publishImage } from "../../host/checkpoint/make-checkpoint.ts";
import type { ImageTaker } from "../../host/host-parts.ts";
import { readHead } from "../../host/store/meta.ts";
import type { Machine } from "./machine.ts";
import type { Lifeline } from "./sim-process.ts";
import type { SimVault } from "./sim-vault.ts";
import { syncZstd } from "./sync-zstd.ts";
import type { World } from "./world.ts";

interface Snapshot {
  readonly file: string;
  readonly head: Head;
}

export class SimImages implements ImageTaker {
  readonly #world: World;
  readonly #machine: Machine;
  readonly #life: Lifeline;
  readonly #vault: SimVault;
  readonly #options: ImageWorkerOptions;
  #snapshot: Snapshot | null = null;
  #busy = false;
  #cancelled = false;
  #folders = 0;

  constructor(world: World, machine: Machine, vault: SimVault, options: ImageWorkerOptions) {
    this.#world = world;
    this.#machine = machine;
    this.#life = machine.process.lifeline();
    this.#vault = vault;
    this.#options = options;
  }

  /** It has no thread. */
  rest(): Promise<boolean> {
    return Promise.resolve(true);
  }

  start(): Promise<void> {
    return this.#takes(0.1, 5);
  }

  async begin(): Promise<Begun> {
    if (this.#busy || this.#snapshot) return { type: "busy" };
    this.#cancelled = false;
    this.#snapshot = this.#take();
    await this.#takes(0.05, 2);
    return { type: "begun", head: this.#snapshot?.head ?? null };
  }

  async hash(): Promise<Hashed> {
    const snapshot = this.#use();
    if (!snapshot) return this.#failed("there is no snapshot");
    await this.#takes(0.5, 200);
    const stateHash = hashImage(snapshot.file);
    this.#drop(snapshot);
    return { type: "hashed", stateHash };
  }

  async image(reason: string): Promise<Imaged> {
    const snapshot = this.#use();
    if (!snapshot) return this.#failed("there is no snapshot");
    try {
      await this.#takes(1, 400);
      return await this.#publish(snapshot, reason);
    } catch (error) {
      return isHotspareError(error) ? { type: "failed", error } : this.#failed(reasonOf(error));
    } finally {
      this.#drop(snapshot);
    }
  }

  release(): Promise<void> {
    const snapshot = this.#use();
    if (snapshot) this.#drop(snapshot);
    return Promise.resolve();
  }

  cancel(): void {
    this.#cancelled = true;
  }

  stop(): Promise<void> {
    this.cancel();
    return Promise.resolve();
  }

  async #publish({ file, head }: Snapshot, reason: string): Promise<Imaged> {
    const temporary = this.#folder();
    const made = await publishImage(
      {
        head,
        vault: this.#vault,
        clock: this.#machine.clock(this.#life),
        pool: this.#options.pool,
        by: this.#options.host,
        reason,
        temporary,
        beat: () => {
          if (this.#cancelled) throw new Error("it was cancelled");
        },
        zstd: syncZstd,
      },
      file,
    );
    this.#world.log.note(`checkpoint ${made.type}`);
    return made;
  }

  #take(): Snapshot | null {
    const file = join(this.#folder(), "image.db");
    const db = new DatabaseSync(this.#options.store, { readOnly: true });
    try {
      const head = readHead(db);
      if (!head) return null;
      rmSync(file, { force: true });
      db.exec(`vacuum into '${file}'`);
      settleImage(file);
      return { file, head };
    } finally {
      db.close();
    }
  }

  #folder(): string {
    this.#folders += 1;
    // Each store file has images of its own; the one before may still be at work.
    const folder = join(this.#options.temporary, `${basename(dirname(this.#options.store))}-${this.#folders}`);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  #use(): Snapshot | null {
    const snapshot = this.#snapshot;
    this.#snapshot = null;
    this.#busy = snapshot !== null;
    return snapshot;
  }

  #drop({ file }: Snapshot): void {
    this.#busy = false;
    rmSync(file, { force: true });
  }

  #takes(low: number, high: number): Promise<void> {
    return new Promise((resolve) =>
      this.#life.later(this.#world.dice.spread(low, high), () => {
        this.#world.promised();
        resolve();
      }),
    );
  }

  #failed(reason: string): { readonly type: "failed"; readonly error: HotspareError } {
    return { type: "failed", error: new HotspareError("HS_CHECKPOINT_FAILED", { pool: this.#options.pool, reason }) };
  }
}
