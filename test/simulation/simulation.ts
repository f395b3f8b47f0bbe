/**
 * One run of a whole cluster from one seed: the production hosts and proxies, from their composition roots to their last
 * shell, on a simulated share, network and clock, in virtual time. Ends with the first broken invariant; the same seed
 * gives the same run.
 */
import { mkdtempSync, rmSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseNodeId, type NodeId } from "../../shared/ids.ts";
import type { Random } from "../../shared/random.ts";
import { createVaultIdentity } from "../../shared/vault/vault-identity.ts";
import { DirectoryVault } from "../../shared/vault/directory-vault.ts";
import { MemoryIo } from "../../shared/vault/memory-io.ts";
import { stateHash } from "../../host/store/state-hash.ts";
import { checkRegisters } from "../checkers/register.ts";
import { Dice } from "./dice.ts";
import { ailmentOf, type Cluster } from "./diagnosis.ts";
import { EventLog } from "./event-log.ts";
import { GossipJudge } from "./gossip-judge.ts";
import { check, History, Violation } from "./history.ts";
import { Ledger } from "./ledger.ts";
import { Links } from "./links.ts";
import { Machine } from "./machine.ts";
import { Nemesis } from "./nemesis.ts";
import type { Plot } from "./plot.ts";
import { calm } from "./plots.ts";
import type { RunResult } from "./run-result.ts";
import { Scheduler } from "./scheduler.ts";
import { SimClient } from "./sim-client.ts";
import { simConfig, VAULT_ID } from "./sim-config.ts";
import { SimDisk } from "./sim-disk.ts";
import { SimHost } from "./sim-host.ts";
import { SimProxy } from "./sim-proxy.ts";
import { SimNet } from "./sim-sockets.ts";
import type { Receiver } from "./sim-transport.ts";
import { Stage } from "./stage.ts";
import { StoreReplica } from "./store-replica.ts";
import { swarmOf, type Swarm } from "./swarm.ts";
import { checkpointSlot, JournalWitness } from "./witness.ts";
import type { World } from "./world.ts";

export interface RunOptions {
  readonly seed: number;
  /** Lines of the log that a failure shows. */
  readonly lines?: number;
  /** Changes what the seed drew. */
  readonly focus?: ((swarm: Swarm) => Swarm) | undefined;
  /** Instead of the faults that the seed drew. */
  readonly plot?: Plot | undefined;
}

/** How long everything may take to be well again once the faults have ended. */
const HEALING_MS = 90_000;
const ASSIST_MS = 5_000;
/** As it is configured: longer than any run. */
const FORGET_MS = 3_600_000;
const SHARED_MEMORY = "/dev/shm";

/** Runs one seed to its end, or to the first broken invariant. */
export async function simulate({ seed, lines = 60, focus = asDrawn, plot }: RunOptions): Promise<RunResult> {
  const folder = mkdtempSync(join(existsSync(SHARED_MEMORY) ? SHARED_MEMORY : tmpdir(), "hotspare-simulation-"));
  const simulation = new Simulation({ seed, lines, focus, plot }, folder);
  try {
    const failure = await simulation.run();
    return { seed, ...simulation.figures(), failure };
  } finally {
    simulation.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

class Simulation {
  readonly #seed: number;
  readonly #swarm: Swarm;
  readonly #world: World;
  readonly #replica: StoreReplica;
  readonly #hosts: readonly SimHost[];
  readonly #proxies: readonly SimProxy[];
  readonly #clients: readonly SimClient[];
  readonly #nemesis: Nemesis;
  readonly #stage: Stage | null;
  readonly #onUnhandled = (error: unknown): void => void this.#failures.push(error);
  #steps = 0;
  #promised = true;
  #healed = false;
  #damaged = false;
  #failures: unknown[] = [];

  constructor(
    { seed, lines, focus, plot }: Required<Omit<RunOptions, "plot">> & Pick<RunOptions, "plot">,
    folder: string,
  ) {
    this.#seed = seed;
    const dice = new Dice(seed);
    const drawn = swarmOf(dice);
    this.#swarm = plot ? calm(drawn, plot) : (focus ?? asDrawn)(drawn);
    this.#replica = new StoreReplica(folder);
    this.#world = this.#makeWorld(dice, lines, folder);
    const config = simConfig(this.#swarm);
    const receivers = new Map<NodeId, Receiver>();
    const machine = (id: string): Machine => new Machine(this.#world, parseNodeId(id));
    this.#hosts = config.hosts.map(({ id }) => new SimHost(this.#world, machine(id), config, receivers));
    for (const host of this.#hosts) receivers.set(host.id, host);
    this.#proxies = config.proxies.map(({ id }) => new SimProxy(this.#world, machine(id), config, receivers));
    for (const proxy of this.#proxies) receivers.set(proxy.id, proxy);
    const proxied = config.proxies.length > 0;
    const targets = (proxied ? config.proxies : config.hosts).map(({ listen }) => listen);
    this.#clients = Array.from(
      { length: this.#swarm.clients },
      (_, index) => new SimClient(this.#world, machine(`client-${index + 1}`), targets, { proxied }),
    );
    this.#nemesis = new Nemesis(this.#world, this.#hosts, this.#proxies, () => this.#damage());
    this.#stage = plot ? new Stage(this.#cluster(), plot) : null;
    process.on("unhandledRejection", this.#onUnhandled);
    process.on("uncaughtException", this.#onUnhandled);
  }

  async run(): Promise<RunResult["failure"]> {
    try {
      await this.#run();
      return null;
    } catch (error) {
      return this.#failure(error);
    }
  }

  close(): void {
    for (const client of this.#clients) client.close();
    for (const host of this.#hosts) host.crash();
    for (const proxy of this.#proxies) proxy.crash();
    this.#replica.close();
    process.off("unhandledRejection", this.#onUnhandled);
    process.off("uncaughtException", this.#onUnhandled);
  }

  figures(): Omit<RunResult, "seed" | "failure"> {
    const { scheduler, ledger, history, log } = this.#world;
    log.seen.set("void fences", history.voids);
    return {
      steps: this.#steps,
      virtualMs: scheduler.nowMs,
      acknowledged: ledger.acknowledged,
      reads: ledger.reads,
      epochs: history.head?.fence.epoch ?? 0,
      hash: log.hash,
      seen: log.seen,
    };
  }

  async #run(): Promise<void> {
    const { scheduler, dice } = this.#world;
    await this.#makeVault();
    for (const host of this.#hosts) scheduler.after(dice.between(0, 500), () => host.start());
    for (const proxy of this.#proxies) proxy.start();
    for (const client of this.#clients) client.start();
    this.#nemesis.start();
    this.#stage?.start();
    await this.#until(() => this.#stage?.isOver ?? false, this.#swarm.runMs);
    if (!this.#damaged) await this.#heal();
    const verdict = checkRegisters(this.#world.calls);
    check(verdict.ok, "I7", () => (verdict.ok ? "" : `${verdict.reason}: ${verdict.calls.join("; ")}`));
  }

  /** I15: when faults stop, within a bound: one primary, standbys at the head, proxies of one mind, nothing parked, clocks trusted, all states the same. */
  async #heal(): Promise<void> {
    const { scheduler, log } = this.#world;
    log.add("all", "faults end");
    this.#healed = true;
    this.#nemesis.heal();
    for (const client of this.#clients) client.stop();
    const endMs = scheduler.nowMs + HEALING_MS;
    while (scheduler.nowMs < endMs && !this.#isWell()) {
      await this.#until(() => this.#isWell(), scheduler.nowMs + ASSIST_MS);
      if (!this.#isWell()) this.#nemesis.assist();
    }
    check(this.#isWell(), "I15", () => `${this.#ailment()}, ${HEALING_MS} ms after the last fault`);
    this.#compareStates();
  }

  /** Of all hosts that are where history is. */
  #compareStates(): void {
    const expected = this.#replica.stateHash();
    for (const host of this.#hosts) {
      if (host.file === null || host.pool?.state.applied?.hash !== this.#replica.head?.hash) continue;
      const db = new DatabaseSync(host.file, { readOnly: true });
      host.compare(stateHash(db), expected);
      db.close();
    }
  }

  #isWell(): boolean {
    return this.#ailment() === null;
  }

  #ailment(): string | null {
    return ailmentOf(this.#cluster());
  }

  #cluster(): Cluster {
    return { world: this.#world, hosts: this.#hosts, proxies: this.#proxies, clients: this.#clients };
  }

  async #until(done: () => boolean, endMs: number): Promise<void> {
    const { scheduler, disk } = this.#world;
    while (scheduler.nextMs < endMs && !(this.#steps % 64 === 0 && done())) {
      this.#steps += 1;
      scheduler.step();
      if (this.#promised) {
        this.#promised = false;
        await drained();
        for (const host of this.#hosts) host.observe();
      }
      if (this.#steps % 64 === 0) for (const proxy of this.#proxies) proxy.observe();
      if (this.#steps % 512 === 0) disk.forgetBefore(scheduler.nowMs - 2 * this.#swarm.staleMs);
      if (this.#failures.length > 0) throw this.#failures[0];
    }
  }

  async #makeVault(): Promise<void> {
    const { disk, random } = this.#world;
    const clock = { monotonicMs: () => 0, wallMs: () => 0, after: () => () => undefined };
    const io = new MemoryIo(disk, () => undefined);
    const vault = new DirectoryVault({ directory: "", random, clock, io, later: (run) => run() });
    await createVaultIdentity({ vault, directory: "" }, { cluster: "simulation", vaultId: VAULT_ID as never });
  }

  /** One bit of one file of the vault, for good. */
  #damage(): boolean {
    const { disk, dice, log } = this.#world;
    const files = [...disk.files()].filter(([path]) => path.includes("/pools/"));
    if (files.length === 0) return false;
    const [path, file] = dice.pick(files);
    if (file.bytes.length === 0) return false;
    log.add("vault", "is damaged", path);
    const bytes = Buffer.from(file.bytes);
    const at = dice.whole(0, bytes.length - 1);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << dice.whole(0, 7));
    disk.setBytes(file, bytes);
    disk.sync(file);
    this.#damaged = true;
    return true;
  }

  #makeWorld(dice: Dice, lines: number, folder: string): World {
    const scheduler = new Scheduler(dice);
    const random: Random = { bytes: (count) => Buffer.from(Array.from({ length: count }, () => dice.whole(0, 255))) };
    const history = new History(this.#replica);
    const log = new EventLog(scheduler, lines);
    const links = new Links(() => scheduler.nowMs);
    const failed = (error: unknown): void => void this.#failures.push(error);
    const newestCheckpoint = (): number => Math.max(0, ...[...disk.files()].map(([path]) => checkpointSlot(path)));
    const witness = new JournalWitness({
      history: () => history,
      newestCheckpoint,
      failed,
      note: (what) => log.note(what),
    });
    const disk = new SimDisk(witness);
    const promised = (): void => {
      this.#promised = true;
    };
    const net = new SimNet({
      after: (delayMs, run) =>
        scheduler.after(delayMs, () => {
          promised();
          run();
        }),
      random: () => dice.next(),
      link: {
        delayMs: () => dice.between(0.05, 0.5),
        state: (from, to) => (links.isCut(from, to) ? "dropping" : "open"),
      },
    });
    return {
      scheduler,
      dice,
      random,
      swarm: this.#swarm,
      disk,
      net,
      links,
      history,
      ledger: new Ledger(history),
      gossip: new GossipJudge(() => scheduler.nowMs, FORGET_MS),
      log,
      calls: [],
      folder,
      promised,
      failed,
      damaged: () => this.#damaged,
      healed: () => this.#healed,
    };
  }

  #failure(error: unknown): NonNullable<RunResult["failure"]> {
    const invariant = error instanceof Violation ? error.invariant : "I16";
    const reason = error instanceof Error ? error.message : String(error);
    const stack = error instanceof Violation || !(error instanceof Error) ? "" : `\n${error.stack}`;
    const text = `seed ${this.#seed}, step ${this.#steps}: ${reason}${stack}\n${JSON.stringify(this.#swarm)}\n${this.#world.log.tail()}`;
    return { invariant, reason, text };
  }
}

const asDrawn = (swarm: Swarm): Swarm => swarm;

/** All that hangs on promises, ticks and immediates is over. */
async function drained(): Promise<void> {
  for (let round = 0; round < 3; round += 1) await new Promise(setImmediate);
}
