/**
 * One proxy: the core's state, and the shell that performs what it decides. Everything from outside is an argument.
 * The only place where core and world meet: events go in through `#tell`, effects come out through `#perform`.
 */
import type { Logger } from "pino";
import { Registry } from "prom-client";
import type { Cancel, Clock } from "../shared/clock.ts";
import type { Address, Config, HostConfig, ProxyConfig } from "../shared/config/config.ts";
import { assert, HotspareError, reasonOf, unreachable } from "../shared/errors.ts";
import { randomId, type BootId, type NodeId } from "../shared/ids.ts";
import type { Random } from "../shared/random.ts";
import type { NodeSockets } from "../shared/sockets.ts";
import { Admin, requireLoopback } from "./admin.ts";
import type { PoolRules } from "./core/failover.ts";
import {
  newProxyState,
  stepProxy,
  type ProxyEffect,
  type ProxyEvent,
  type ProxyState,
  type Rules,
} from "./core/proxy-state.ts";
import { settings } from "./core/settings.ts";
import { dataProbe } from "./data-probe.ts";
import { Heartbeats } from "./heartbeats.ts";
import { logNote } from "./log-note.ts";
import { NoteFeed } from "./note-feed.ts";
import { proxyMetrics, type ProxyMetrics } from "./proxy-metrics.ts";
import { proxyStatus, type ProxyStatus } from "./proxy-status.ts";
import { DataPlane } from "./relay/data-plane.ts";
import { sendOrder } from "./signal.ts";
import type { Transport, TransportParts } from "./transport.ts";

export interface ProxyOptions {
  readonly config: Config;
  readonly id: NodeId;
  readonly clock: Clock;
  readonly random: Random;
  readonly sockets: NodeSockets;
  readonly log: Logger;
  readonly connect: (parts: TransportParts) => Transport;
}

export interface RunningProxy {
  /** Where it listens: the ports that were given, also where the configuration says 0. */
  readonly addresses: { readonly listen: Address; readonly admin: Address };
  readonly status: () => ProxyStatus;
  /** Stops accepting, lets requests on the way end for a bounded time, closes everything. Idempotent. */
  readonly stop: () => Promise<void>;
}

const STOP_GRACE_MS = 10_000;
const TROUBLE_GAP_MS = 5;

/** @throws {HotspareError} HS_PORT_TAKEN, HS_CONFIG_INVALID, HS_USAGE (the configuration has no such proxy). */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const own = options.config.proxies.find(({ id }) => id === options.id);
  if (own === undefined)
    throw new HotspareError("HS_USAGE", { reason: `${options.config.file} has no proxy ${options.id}` });
  requireLoopback(options.config, own.admin);
  return new Proxy(options).start(own);
}

class Proxy {
  readonly #options: ProxyOptions;
  readonly #rules: Rules;
  readonly #bootId: BootId;
  readonly #hosts: ReadonlyMap<NodeId, HostConfig>;
  readonly #register = new Registry();
  readonly #stopping = new AbortController();
  readonly #feed: NoteFeed;
  readonly #transport: Transport;
  readonly #heartbeats: Heartbeats;
  readonly #dataPlane: DataPlane;
  readonly #admin: Admin;
  readonly #metrics: ProxyMetrics;
  readonly #troubled = new Set<NodeId>();
  readonly #troubledMs = new Map<NodeId, number>();
  #state: ProxyState;
  #wake: Cancel = () => undefined;
  #stopped: Promise<void> | null = null;

  constructor(options: ProxyOptions) {
    const { config, clock, random, sockets, connect, id } = options;
    this.#options = options;
    this.#rules = rulesOf(config);
    this.#bootId = randomId<BootId>(random);
    this.#hosts = new Map(config.hosts.map((host) => [host.id, host]));
    this.#state = newProxyState(this.#rules, clock.monotonicMs());
    this.#feed = new NoteFeed(clock);
    this.#transport = connect({ bootId: this.#bootId, onLost: (host) => this.#tell({ type: "trafficFailed", host }) });
    this.#heartbeats = new Heartbeats({ ...this.#shell(), timeoutMs: config.health.timeoutMs });
    this.#dataPlane = this.#makeDataPlane();
    const status = (): ProxyStatus => this.status();
    this.#metrics = proxyMetrics(this.#register, status);
    this.#admin = new Admin({
      self: id,
      status,
      ready: () => this.#isReady(),
      feed: this.#feed,
      register: this.#register,
      sockets: sockets.admin,
    });
  }

  async start(own: ProxyConfig): Promise<RunningProxy> {
    try {
      const listen = await this.#dataPlane.listen(own.listen);
      const admin = await this.#admin.listen(own.admin);
      this.#tell({ type: "tick" });
      return { addresses: { listen, admin }, status: () => this.status(), stop: () => this.stop() };
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  status(): ProxyStatus {
    const { config, id } = this.#options;
    return proxyStatus({
      config,
      self: id,
      state: this.#state,
      offsetMs: (host) => this.#heartbeats.offsetMs(host),
      parked: (pool) => this.#dataPlane.parked(pool).requests,
    });
  }

  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }

  async #stop(): Promise<void> {
    // Heartbeats go on until the last request has ended: it may need another primary.
    await this.#dataPlane.stop(STOP_GRACE_MS);
    this.#stopping.abort(new Error("the proxy stops"));
    this.#wake();
    await this.#admin.stop();
    this.#transport.close();
  }

  /** Steps the core and performs what it says. What an effect leads to comes as an event of its own, never within. */
  #tell(event: ProxyEvent): void {
    if (this.#stopping.signal.aborted) return;
    const { clock } = this.#options;
    const nowMs = clock.monotonicMs();
    const step = stepProxy(this.#state, event, nowMs, this.#rules);
    this.#state = step.state;
    this.#wake();
    if (step.wakeMs !== Number.POSITIVE_INFINITY) {
      this.#wake = clock.after(Math.max(0, step.wakeMs - nowMs), () => this.#tell({ type: "tick" }));
    }
    for (const effect of step.effects) this.#perform(effect);
    if (event.type === "probeAnswered") this.#dataPlane.hostLives(event.host, event.sentMs);
  }

  #perform(effect: ProxyEffect): void {
    switch (effect.type) {
      case "probe":
        return this.#run(this.#heartbeats.send(this.#host(effect.host), effect.bootId));
      case "probeData":
        return this.#run(this.#probeData(effect.host));
      case "promote":
        return this.#run(sendOrder(effect.pool, effect.order, this.#host(effect.order.host), this.#shell()));
      case "route":
        return this.#dataPlane.setRoute(effect.pool, effect.route);
      case "abandon":
        return this.#dataPlane.abandon(effect.pool, effect.host, effect.epoch);
      case "note":
        logNote(this.#options.log, effect.note);
        this.#metrics.note(effect.note);
        return this.#feed.add(effect.note);
      default:
        return unreachable(effect);
    }
  }

  async #probeData(host: NodeId): Promise<void> {
    const { clock, config, sockets } = this.#options;
    const sentMs = clock.monotonicMs();
    const { signal } = this.#stopping;
    const { timeoutMs } = config.health;
    const kind = await dataProbe(this.#host(host).advertise, { clock, sockets: sockets.bare, timeoutMs, signal });
    this.#tell(kind === null ? { type: "dataAnswered", host, sentMs } : { type: "dataFailed", host, sentMs, kind });
  }

  /** What fails here is a mistake in this program: it is said, and the proxy goes on with what it knows. */
  #run(work: Promise<void>): void {
    work.catch((error: unknown) =>
      this.#options.log.error({ event: "internal", reason: reasonOf(error) }, "unexpected error"),
    );
  }

  #shell(): {
    self: NodeId;
    transport: Transport;
    clock: Clock;
    signal: AbortSignal;
    tell: (event: ProxyEvent) => void;
  } {
    const { clock, id } = this.#options;
    return {
      self: id,
      transport: this.#transport,
      clock,
      signal: this.#stopping.signal,
      tell: (event) => this.#tell(event),
    };
  }

  #makeDataPlane(): DataPlane {
    const { config, clock, sockets } = this.#options;
    return new DataPlane({
      pools: config.pools,
      bootId: this.#bootId,
      clock,
      sockets,
      register: this.#register,
      addressOf: (host) => this.#host(host).advertise,
      logTimeMs: (pool) => this.#state.pools.get(pool)?.logTimeMs ?? 0,
      trafficFailed: (host) => this.#trafficFailed(host),
      lingerMs: config.takeover.timeoutMs,
    });
  }

  /** A host that dies breaks thousands of requests within a moment: the core hears of it at once, then now and then. */
  #trafficFailed(host: NodeId): void {
    if (this.#troubled.has(host)) return;
    const { clock } = this.#options;
    const delayMs = Math.max(
      0,
      (this.#troubledMs.get(host) ?? Number.NEGATIVE_INFINITY) + TROUBLE_GAP_MS - clock.monotonicMs(),
    );
    this.#troubled.add(host);
    const tell = (): void => {
      this.#troubled.delete(host);
      this.#troubledMs.set(host, clock.monotonicMs());
      this.#tell({ type: "trafficFailed", host });
    };
    if (delayMs === 0) queueMicrotask(tell);
    else clock.after(delayMs, tell);
  }

  #host(id: NodeId): HostConfig {
    const host = this.#hosts.get(id);
    assert(host !== undefined, `host ${id} is configured`);
    return host;
  }

  #isReady(): boolean {
    return [...this.#state.routes.values()].every((route) => route !== null);
  }
}

function rulesOf(config: Config): Rules {
  const candidates = config.hosts.filter((host) => host.candidate).map(({ id }) => id);
  const pools = config.pools.map(({ id, preferred }): PoolRules => ({
    pool: id,
    preferred,
    candidates,
    vaultId: config.vault.id,
  }));
  return { settings: settings(config), hosts: config.hosts.map(({ id }) => id), pools };
}
