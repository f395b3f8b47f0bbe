/**
 * The parent's side of worker processes that carry a proxy's requests: starts them, tells them what the core decided, sums
 * what they report, starts again what died, and stops them in order. A worker that starts gets the whole table first, and
 * from then on each change in the order of the calls. One object of this in a process: `node:cluster` is one for all.
 */
import { Registry } from "prom-client";
import type { Address, Config, ProxyConfig } from "../../shared/config/config.ts";
import type { NodeId, PoolId } from "../../shared/ids.ts";
import type { Log } from "../../shared/log.ts";
import { programVersion } from "../../shared/program-version.ts";
import type { Route } from "../core/proxy-event.ts";
import { pseudonymOf, type DataPlaneOptions } from "../relay/data-plane.ts";
import { RELEASES } from "../relay/gate.ts";
import type { ParkedLoad, Traffic, TrafficSettings, WorkerCount } from "../relay/traffic.ts";
import { claimPort } from "./claim-port.ts";
import { HeardNews } from "./heard-news.ts";
import { part, shareOf } from "./worker-share.ts";
import type { ToWorker, WorkerPlan, WorkerSettings } from "./worker-messages.ts";
import { addWorkerCounts, WorkerMetrics } from "./worker-metrics.ts";
import { PATIENCE, type Patience } from "./worker-process.ts";
import { WorkerSlot } from "./worker-slot.ts";

export interface WorkersOptions {
  /** As the data plane in the proxy's own process would be given them, without what each worker makes for itself. */
  readonly parts: Omit<DataPlaneOptions, "sockets" | "logAccess">;
  readonly config: Pick<Config, "tls" | "secret">;
  readonly own: Pick<ProxyConfig, "id" | "workers">;
  readonly log: Log;
  readonly socket?: WorkerPlan["socket"];
  readonly patience?: Patience;
}

/** A scrape waits no longer for a worker that is busy; what that said last counts. */
const MEASURE_MS = 1000;

export class Workers implements Traffic {
  readonly #options: WorkersOptions;
  readonly #slots: readonly WorkerSlot[];
  readonly #routes = new Map<PoolId, Route>();
  readonly #heard: HeardNews;
  readonly #metrics = new WorkerMetrics();
  #settings: TrafficSettings;
  #listen: Address | null = null;
  #measuring: Promise<Registry> | null = null;

  constructor(options: WorkersOptions) {
    const { parts, own } = options;
    this.#options = options;
    this.#settings = parts.settings;
    this.#heard = new HeardNews({
      clock: parts.clock,
      pools: () => this.#settings.pools.map(({ id }) => id),
      logTimeMs: parts.logTimeMs,
      tell: (news) => this.#tell({ type: "heard", ...news }),
    });
    const version = programVersion();
    this.#slots = Array.from({ length: own.workers }, (_, index) => this.#makeSlot(index, version));
    addWorkerCounts(parts.register, {
      serving: () => this.workers().serving,
      restarts: () => sum(this.#slots.map(({ restarts }) => restarts)),
    });
  }

  async listen(address: Address): Promise<Address> {
    const port = await claimPort(address, this.#socket);
    this.#listen = port.address;
    try {
      await Promise.all(this.#slots.map((slot) => slot.start()));
    } finally {
      await port.release();
    }
    return port.address;
  }

  configure(settings: TrafficSettings): void {
    this.#settings = settings;
    const pools = new Set(settings.pools.map(({ id }) => id));
    for (const pool of this.#routes.keys()) if (!pools.has(pool)) this.#routes.delete(pool);
    this.#heard.flush();
    for (const [index, slot] of this.#slots.entries())
      slot.tell({ type: "configure", settings: this.#settingsOf(index) });
  }

  setRoute(pool: PoolId, route: Route): void {
    this.#routes.set(pool, route);
    this.#heard.flush();
    this.#tell({ type: "route", pool, route });
  }

  abandon(pool: PoolId, host: NodeId, epoch: number): void {
    this.#heard.flush();
    this.#tell({ type: "abandon", pool, host, epoch });
  }

  hostLives(host: NodeId, sentMs: number): void {
    this.#heard.lives(host, sentMs);
  }

  parked(pool: PoolId): ParkedLoad {
    const loads = this.#slots.flatMap((slot) => slot.load(pool) ?? []);
    return {
      requests: sum(loads.map(({ parked }) => parked)),
      bytes: sum(loads.map(({ parkedBytes }) => parkedBytes)),
    };
  }

  active(pool: PoolId): number {
    return sum(this.#slots.map((slot) => slot.load(pool)?.active ?? 0));
  }

  workers(): WorkerCount {
    return { configured: this.#slots.length, serving: this.#slots.filter(({ serves }) => serves).length };
  }

  /** Of processes that take connections; for tests. */
  pids(): readonly number[] {
    return this.#slots.flatMap(({ serves, pid }) => (serves && pid !== undefined ? [pid] : []));
  }

  async metrics(): Promise<Registry> {
    // However many ask: workers are asked once at a time.
    this.#measuring ??= this.#measure().finally(() => (this.#measuring = null));
    return Registry.merge([this.#options.parts.register, await this.#measuring]);
  }

  async stop(graceMs: number): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.stop(graceMs)));
    this.#heard.stop();
  }

  async #measure(): Promise<Registry> {
    const asked = this.#slots.map(async (slot) => {
      const metrics = await slot.measure(MEASURE_MS);
      if (metrics !== null) this.#metrics.note(slot.number, metrics);
    });
    await Promise.all(asked);
    return this.#metrics.sum();
  }

  #tell(message: ToWorker): void {
    for (const slot of this.#slots) slot.tell(message);
  }

  get #socket(): WorkerPlan["socket"] {
    return this.#options.socket ?? (process.platform === "linux" ? "own" : "common");
  }

  #makeSlot(index: number, version: string): WorkerSlot {
    const { parts, own, log, config, patience = PATIENCE } = this.#options;
    const { secret } = config;
    return new WorkerSlot({
      node: own.id,
      number: index + 1,
      clock: parts.clock,
      log,
      patience,
      withheld: "env" in secret ? [secret.env] : [],
      version,
      plan: () => this.#plan(index),
      trouble: parts.trafficFailed,
      ended: ({ number }) => this.#metrics.ended(number),
    });
  }

  #plan(index: number): WorkerPlan {
    const { parts, config, own } = this.#options;
    const { tls } = config;
    const { logTimeMs, bootId } = parts;
    return {
      listen: this.#listen ?? { host: "", port: 0 },
      socket: this.#socket,
      settings: this.#settingsOf(index),
      tls: { public: tls.public, data: tls.data },
      pseudonym: pseudonymOf(bootId),
      releases: part(RELEASES, index, own.workers),
      routes: [...this.#routes].map(([pool, route]) => ({ pool, route })),
      logTimes: this.#settings.pools.map(({ id }) => ({ pool: id, logTimeMs: logTimeMs(id) })),
    };
  }

  #settingsOf(index: number): WorkerSettings {
    const { pools, addresses, ...others } = this.#settings;
    return {
      ...others,
      pools: pools.map((pool) => shareOf(pool, index, this.#options.own.workers)),
      addresses: [...addresses].map(([host, address]) => ({ host, address })),
    };
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
