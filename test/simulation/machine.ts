/**
 * A machine of the simulation, over all lives of the process on it: its own disk, its clocks, what its caches have seen of
 * the share, and whether it can reach it.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import type { NodeId } from "../../shared/ids.ts";
import { peekKind } from "../../shared/journal/record-codec.ts";
import type { Random } from "../../shared/random.ts";
import type { Sockets } from "../../shared/sockets.ts";
import type { Content } from "../../shared/vault/vault.ts";
import { SimClock, type WallClock } from "./sim-clock.ts";
import type { NetMachine } from "./net-machine.ts";
import { SimProcess, type Lifeline } from "./sim-process.ts";
import type { World } from "./world.ts";

export class Machine {
  readonly id: NodeId;
  readonly process: SimProcess;
  readonly wall: WallClock = { offsetMs: 0 };
  readonly random: Random;
  readonly #world: World;
  readonly #folder: string;
  readonly #rate: number;
  readonly #net: NetMachine;
  #sockets: Sockets;
  #life = 0;
  #seenMs = 0;
  /** The share cannot be reached before. */
  cutUntilMs = 0;
  /** Whether calls fail meanwhile, or hang. */
  cutErrs = false;

  constructor(world: World, id: NodeId) {
    this.id = id;
    this.#world = world;
    this.process = new SimProcess(world.scheduler);
    this.random = world.random;
    this.#rate =
      world.swarm.clockDrift === 0 ? 1 : world.dice.between(1 - world.swarm.clockDrift, 1 + world.swarm.clockDrift);
    this.#folder = join(world.folder, id);
    this.#net = world.net.machine(id, { deliver: (run) => this.process.later(0, run) });
    this.#sockets = this.#net.sockets();
    mkdirSync(this.data, { recursive: true });
  }

  /** The data folder of this life. */
  get data(): string {
    return join(this.#folder, String(this.#life));
  }

  clock(life: Lifeline): SimClock {
    return new SimClock(this.#world.scheduler, life, { rate: this.#rate, wall: this.wall });
  }

  /** A new life of the process. */
  start(): void {
    this.process.start();
    this.#sockets = this.#net.sockets();
  }

  sockets(): Sockets {
    return this.#sockets;
  }

  pause(durationMs: number): void {
    this.process.pause(durationMs);
  }

  /** The process dies; what it leaves on its disk is for the next life. */
  crash(loses: "nothing" | "tail" | "disk"): void {
    this.process.kill();
    this.#net.crash();
    this.#crashDisk(loses);
  }

  /** What a kill leaves of the disk, for the next life; to be called while the databases are still open. */
  #crashDisk(loses: "nothing" | "tail" | "disk"): void {
    const before = this.data;
    this.#life += 1;
    mkdirSync(this.data, { recursive: true });
    if (loses !== "disk") cpSync(before, this.data, { recursive: true });
    if (loses === "tail") this.#cutLogs(this.data);
  }

  /** To be called when the databases are closed. */
  removeOldDisk(): void {
    for (const name of readdirSync(this.#folder)) {
      if (name !== String(this.#life)) rmSync(join(this.#folder, name), { recursive: true, force: true });
    }
  }

  /** A power cut takes what SQLite has not synced: the end of its log. */
  #cutLogs(folder: string): void {
    // In an order of its own: a file system lists in any, and each cut takes a draw.
    for (const name of readdirSync(folder, { recursive: true }).map(String).toSorted()) {
      const path = join(folder, name);
      if (!path.endsWith("-wal") || !existsSync(path)) continue;
      const { size } = statSync(path);
      truncateSync(path, Math.floor(size * this.#world.dice.between(0.7, 1)));
    }
  }

  // --- What it sees of the share ----------------------------------------------------------------------------------------

  /** Stands still while a cache holds, and never goes back. */
  seesMs(): number {
    const { scheduler, dice, swarm } = this.#world;
    const { nowMs } = scheduler;
    const isCached = nowMs - this.#seenMs < swarm.staleMs && dice.chance(0.8);
    if (!isCached) this.#seenMs = Math.max(this.#seenMs, nowMs - (dice.chance(0.5) ? 0 : dice.next() * swarm.staleMs));
    return this.#seenMs;
  }

  /** A machine mostly sees what it made itself. */
  seesNow(): void {
    if (this.#world.dice.chance(0.5)) this.#seenMs = this.#world.scheduler.nowMs;
  }

  // --- Pauses at the worst moments --------------------------------------------------------------------------------------

  /** About as long as cleaning waits. */
  sleep(): void {
    const { dice, swarm } = this.#world;
    this.process.pause(dice.between(0.5, 4) * swarm.cleanDelayMs);
  }

  aboutToPut(content: Content): void {
    const { dice, swarm, healed } = this.#world;
    if (healed() || !(content instanceof Uint8Array) || !isFence(content)) return;
    if (dice.chance(swarm.faults.pauseAtFence)) this.sleep();
  }

  aboutToList(): void {
    const { dice, swarm, healed } = this.#world;
    if (!healed() && dice.chance(swarm.faults.pauseAtList)) this.sleep();
  }
}

const isFence = (bytes: Uint8Array): boolean => peekKind(Buffer.from(bytes.buffer, bytes.byteOffset, 8)) === "fence";
