/**
 * One run of the whole cluster from one seed: the production cores of hosts and proxies on a simulated share, disk and
 * network, in virtual time. Throws what breaks an invariant; the same seed gives the same run.
 */
import type { BootId, NodeId, OriginId, RecordId } from "../../../shared/ids.ts";
import { parseNodeId } from "../../../shared/ids.ts";
import { Dice } from "../dice.ts";
import { EventLog } from "../event-log.ts";
import { check, History, Violation } from "../history.ts";
import { GossipJudge } from "../gossip-judge.ts";
import { Ledger } from "../ledger.ts";
import { Links } from "../links.ts";
import { ModelStore } from "./model-store.ts";
import { Nemesis } from "./nemesis.ts";
import type { RunResult } from "../run-result.ts";
import { Scheduler } from "../scheduler.ts";
import { SimClient, type Target } from "./sim-client.ts";
import { SimHost } from "./sim-host.ts";
import { SimNetwork } from "./sim-network.ts";
import { SimProxy } from "./sim-proxy.ts";
import { SimVault } from "./sim-vault.ts";
import { swarmOf, type Swarm } from "./swarm.ts";
import type { World } from "./world.ts";

export interface RunOptions {
  readonly seed: number;
  /** Changes what the seed drew. */
  readonly focus?: ((swarm: Swarm) => Swarm) | undefined;
  /** Lines of the log that a failure shows. */
  readonly lines?: number;
}

/** How long everything may take to be well again once the faults have ended. */
const HEALING_MS = 40_000;
const ASSIST_MS = 2_500;

/** Runs one seed to its end, or to the first broken invariant. */
export async function simulate({ seed, lines = 60, focus = asDrawn }: RunOptions): Promise<RunResult> {
  const simulation = new Simulation({ seed, lines, focus });
  const failure = await simulation.run();
  return { seed, ...simulation.figures(), failure };
}

class Simulation {
  readonly #seed: number;
  readonly #swarm: Swarm;
  readonly #world: World;
  readonly #hosts: readonly SimHost[];
  readonly #proxies: readonly SimProxy[];
  readonly #clients: readonly SimClient[];
  readonly #nemesis: Nemesis;
  #steps = 0;
  #ids = 0;
  #promised = false;
  #healed = false;
  #failures: unknown[] = [];

  constructor({ seed, lines, focus }: Required<RunOptions>) {
    const dice = new Dice(seed);
    const scheduler = new Scheduler(dice);
    const history = new History(new ModelStore());
    this.#seed = seed;
    this.#swarm = (focus ?? asDrawn)(swarmOf(dice));
    this.#world = {
      scheduler,
      dice,
      swarm: this.#swarm,
      history,
      ledger: new Ledger(history),
      gossip: new GossipJudge(() => scheduler.nowMs, this.#swarm.forgetMs),
      links: new Links(() => scheduler.nowMs),
      vault: new SimVault(scheduler, dice, history),
      log: new EventLog(scheduler, lines),
      newId: <Id extends BootId | RecordId | OriginId>() => (++this.#ids).toString(16).padStart(32, "0") as Id,
      promised: () => {
        this.#promised = true;
      },
      failed: (error) => void this.#failures.push(error),
      healed: () => this.#healed,
    };
    this.#hosts = this.#makeHosts();
    const network = new SimNetwork(this.#world);
    const byId = new Map<NodeId, SimHost>(this.#hosts.map((host) => [host.id, host]));
    const proxies = new Map<NodeId, SimProxy>();
    this.#proxies = range(this.#swarm.proxies).map(
      (index) => new SimProxy(this.#world, index + 1, byId, proxies, network),
    );
    for (const proxy of this.#proxies) proxies.set(proxy.id, proxy);
    this.#clients = this.#makeClients(network);
    this.#nemesis = new Nemesis(this.#world, this.#hosts, this.#proxies);
  }

  async run(): Promise<RunResult["failure"]> {
    try {
      await this.#run();
      return null;
    } catch (error) {
      return this.#failure(error);
    }
  }

  figures(): Omit<RunResult, "seed" | "failure"> {
    const { scheduler, ledger, history, log } = this.#world;
    const { acknowledged, reads } = ledger;
    log.seen.set("void fences", history.voids);
    const epochs = history.head?.fence.epoch ?? 0;
    return {
      steps: this.#steps,
      virtualMs: scheduler.nowMs,
      acknowledged,
      reads,
      epochs,
      hash: log.hash,
      seen: log.seen,
    };
  }

  async #run(): Promise<void> {
    for (const host of this.#hosts) this.#world.scheduler.after(this.#world.dice.between(0, 500), () => host.start());
    for (const proxy of this.#proxies) proxy.start();
    for (const client of this.#clients) client.start();
    this.#nemesis.start();
    await this.#until(() => false, this.#swarm.runMs);
    if (this.#world.vault.damaged) return;
    await this.#heal();
  }

  /** I15: when faults stop, within a bound: one primary, standbys at the head, proxies of one mind, nothing parked. */
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
    // Whoever is ahead of a vault that was rolled back waits for people.
    if (this.#swarm.faults.rollbackMs === null)
      check(this.#isWell(), "I15", () => `${this.#ailment()}, ${HEALING_MS} ms after the last fault`);
    for (const { disk, id } of this.#hosts) this.#world.ledger.moved(id, disk.store);
  }

  /** What is not as it should be; `null` if all is well. */
  #ailment(): string | null {
    const [primary, ...more] = this.#hosts.filter(({ serving }) => serving);
    if (!primary) return "nobody serves";
    if (more.length > 0) return `${primary.id} and ${more[0]?.id} serve`;
    if (!primary.committer.idle) return "a batch is in flight";
    const head = this.#world.history.head?.slot;
    const late = this.#hosts.find((host) => host.disk.store.head?.slot !== head || !isReady(host));
    if (late) return `${late.id} is ${late.state.phase.type} at slot ${late.disk.store.head?.slot} of ${head}`;
    const lost = this.#proxies.find(({ route }) => route?.host !== primary.id);
    if (lost) return `${lost.id} sends to ${lost.route?.host}, not to ${primary.id}`;
    const ignorant = this.#proxies.flatMap(({ ignorance }) => ignorance ?? [])[0];
    if (ignorant !== undefined) return ignorant;
    const full = this.#proxies.find(({ parked }) => parked > 0);
    if (full) return `${full.id} still has requests`;
    return this.#clients.some(({ waiting }) => waiting) ? "a client still waits" : null;
  }

  #isWell(): boolean {
    return this.#ailment() === null;
  }

  async #until(done: () => boolean, endMs: number): Promise<void> {
    const { scheduler } = this.#world;
    while (scheduler.nextMs < endMs && !(this.#steps % 64 === 0 && done())) {
      this.#steps += 1;
      scheduler.step();
      if (!this.#promised) continue;
      this.#promised = false;
      await new Promise(setImmediate);
      if (this.#failures.length > 0) throw this.#failures[0];
    }
  }

  #failure(error: unknown): NonNullable<RunResult["failure"]> {
    const invariant = error instanceof Violation ? error.invariant : "I16";
    const reason = error instanceof Error ? error.message : String(error);
    const stack = error instanceof Violation || !(error instanceof Error) ? "" : `\n${error.stack}`;
    const text = `seed ${this.#seed}, step ${this.#steps}: ${reason}${stack}\n${JSON.stringify(this.#swarm)}\n${this.#world.log.tail()}`;
    return { invariant, reason, text };
  }

  #makeHosts(): readonly SimHost[] {
    const names = range(this.#swarm.hosts).map((index) => parseNodeId(`host-${"abcd"[index]}`));
    return names.map((name, index) => new SimHost(this.#world, name, { first: index === 0 }));
  }

  #makeClients(network: SimNetwork): readonly SimClient[] {
    const direct = this.#hosts.map((host) => this.#direct(host, network));
    const relayed = this.#proxies.map(
      (proxy): Target =>
        (...request) =>
          network.send({ from: CLIENT, to: proxy.id }, () => proxy.request(...request)),
    );
    const targets = relayed.length > 0 ? relayed : direct;
    return range(this.#swarm.clients).map((index) => new SimClient(this.#world, `c${index + 1}`, () => targets));
  }

  #direct(host: SimHost, network: SimNetwork): Target {
    return (asked, sentMs, answer) =>
      network.sendTo(CLIENT, host, {
        refused: () => answer({ type: "not-primary" }),
        deliver: () => {
          const back = { from: host.id, to: CLIENT };
          host.request({ asked, sentMs, answer: (given) => network.send(back, () => answer(given)) });
        },
      });
  }
}

/** Any client: nothing is cut there. */
const CLIENT = "client";

const asDrawn = (swarm: Swarm): Swarm => swarm;

const isReady = ({ state }: SimHost): boolean => state.phase.type === "primary" || state.phase.type === "standby";

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
