/** A proxy of the simulation: the production proxy, `proxy/proxy.ts`, on simulated sockets and messages. */
import type { Config } from "../../shared/config/config.ts";
import type { NodeId } from "../../shared/ids.ts";
import { sameSockets } from "../../shared/sockets.ts";
import type { Answer } from "../../shared/wire/messages.ts";
import { startProxy } from "../../proxy/proxy.ts";
import type { RunningProxy } from "../../proxy/running-proxy.ts";
import type { ProxyStatus } from "../../proxy/proxy-status.ts";
import { check } from "./history.ts";
import type { Machine } from "./machine.ts";
import { simLog } from "./sim-log.ts";
import { SimInbox } from "./sim-inbox.ts";
import type { Lifeline } from "./sim-process.ts";
import { knowerOf, SimTransport, type Hearer, type Receiver } from "./sim-transport.ts";
import type { World } from "./world.ts";

/** What a proxy said longer ago than this every other one must know, where nothing is in the way. */
const KNOWN_AFTER_MS = 5_000;

export class SimProxy {
  readonly id: NodeId;
  readonly machine: Machine;
  readonly #world: World;
  readonly #config: Config;
  readonly #receivers: ReadonlyMap<NodeId, Receiver>;
  #running: RunningProxy | null = null;
  /** Where other proxies' messages arrive; `null` while it starts. */
  #inbox: SimInbox | null = null;
  #epoch = 0;

  constructor(world: World, machine: Machine, config: Config, receivers: ReadonlyMap<NodeId, Receiver>) {
    this.id = machine.id;
    this.machine = machine;
    this.#world = world;
    this.#config = config;
    this.#receivers = receivers;
  }

  get alive(): boolean {
    return this.machine.process.alive;
  }

  get control(): Hearer | null {
    return this.alive ? this.#inbox : null;
  }

  get bootId(): string {
    return this.#inbox?.bootId ?? "";
  }

  lifeline(): Lifeline {
    return this.machine.process.lifeline();
  }

  get status(): ProxyStatus | null {
    return this.alive ? (this.#running?.status() ?? null) : null;
  }

  /** What it does not know of the others; `null`: nothing. All proxies live, and this one too. */
  ignorance(proxies: readonly SimProxy[]): string | null {
    for (const other of proxies.filter((proxy) => proxy !== this)) {
      const shown = this.status?.proxies.find(({ id }) => id === other.id);
      if (shown?.health !== "up") return `${this.id} takes ${other.id} for ${shown?.health}`;
      if (!shown.agrees) return `${this.id} and ${other.id} do not agree`;
      for (const third of proxies)
        if (this.#isBehind(third, other)) return `${this.id} knows old things of ${third.id}`;
    }
    return null;
  }

  #isBehind({ id, bootId }: SimProxy, peer: SimProxy): boolean {
    const knower = knowerOf(this.id, this.bootId, peer.id);
    return id !== this.id && this.#world.gossip.isBehind(knower, id, bootId, KNOWN_AFTER_MS);
  }

  start(): void {
    this.machine.start();
    this.#world.log.add(this.id, "starts");
    this.#epoch = 0;
    this.#inbox = null;
    const life = this.machine.process.lifeline();
    this.#world.promised();
    startProxy({
      config: this.#config,
      id: this.id,
      clock: this.machine.clock(life),
      random: this.machine.random,
      log: simLog(this.#world.log, this.id),
      sockets: sameSockets(this.machine.sockets()),
      connect: () => new SimTransport(this.#world, this.id, life, this.#receivers),
      mount: (_, parts) => {
        this.#inbox = new SimInbox(parts, this.machine.clock(life), (answer) => this.#judgeAnswer(answer));
        return Promise.resolve();
      },
      keyIds: () => [],
    }).then(
      (running) => {
        if (!life.ended()) this.#running = running;
      },
      (error: unknown) => this.#world.failed(error),
    );
  }

  #judgeAnswer({ observations }: Answer<"gossip">): void {
    const { gossip, failed } = this.#world;
    try {
      gossip.wrote(this.id, observations);
      gossip.said(this.id, observations);
    } catch (error) {
      failed(error);
    }
  }

  crash(): void {
    if (!this.alive) return;
    this.#world.log.add(this.id, "crashes");
    this.machine.crash("nothing");
    this.#running = null;
  }

  /** I11: a proxy's epoch never goes down; what it parks stays within its bounds. */
  observe(): void {
    const pool = this.status?.pools[0];
    if (!pool) return;
    check(pool.epoch >= this.#epoch, "I11", () => `${this.id} went back from epoch ${this.#epoch} to ${pool.epoch}`);
    this.#epoch = pool.epoch;
    const known = pool.epoch === 0 || this.#world.ledger.wasServed(pool.epoch);
    check(known, "I11", () => `${this.id} sends to ${pool.primary} in epoch ${pool.epoch}, in which nobody served`);
  }
}
