/**
 * The public listener: takes connections, finds the pools of their requests, hands them on. Decides nothing about hosts:
 * routes come in from the core, errors of real requests go out to it.
 */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Registry } from "prom-client";
import type { Clock } from "../../shared/clock.ts";
import { formatAddress, type Address, type PoolConfig } from "../../shared/config/config.ts";
import { assert } from "../../shared/errors.ts";
import type { BootId, NodeId, PoolId } from "../../shared/ids.ts";
import type { NodeSockets } from "../../shared/sockets.ts";
import { formatRequestNumber } from "../../shared/wire/fields.ts";
import type { Route } from "../core/proxy-event.ts";
import type { RequestHead } from "../http1/request-head.ts";
import { refusedEntry, type AccessEntry, type Asker } from "./access-entry.ts";
import { ClientConnection } from "./client-connection.ts";
import type { ClientHome, UpgradingClient } from "./client-home.ts";
import { ClientListener, type Connection } from "./client-listener.ts";
import type { Client } from "./client.ts";
import { Exchange } from "./exchange.ts";
import type { ForwardedClient } from "./forwarding-lines.ts";
import { RELEASES } from "./gate.ts";
import { H2Connection } from "./h2-connection.ts";
import { PoolRelay, type RelayContext } from "./pool-relay.ts";
import { PoolTable } from "./pool-table.ts";
import { errorAnswer, formatOwnAnswer, refusalAnswer, type OwnAnswer } from "./problem-answer.ts";
import { RelayMetrics } from "./relay-metrics.ts";
import { StreamPlaces } from "./stream-places.ts";
import type { ParkedLoad, Traffic, TrafficSettings, WorkerCount } from "./traffic.ts";
import { TrustedPeers } from "./trusted-peers.ts";
import { UpgradeExchange } from "./upgrade-exchange.ts";
import { UpgradeUpstream } from "./upgrade-upstream.ts";
import { UpstreamPool } from "./upstream-pool.ts";

export interface DataPlaneOptions {
  /** What it begins with. */
  readonly settings: TrafficSettings;
  /** What its request numbers begin with. */
  readonly bootId: BootId;
  /** By which the proxy knows itself in `Via`; several processes of one proxy have the same. Made of `bootId` if absent. */
  readonly pseudonym?: string;
  readonly clock: Clock;
  readonly sockets: Pick<NodeSockets, "public" | "data">;
  readonly register: Registry;
  readonly logTimeMs: (pool: PoolId) => number;
  readonly trafficFailed: (host: NodeId) => void;
  /** How many requests that waited are let go at a time; all that a proxy may, if absent. */
  readonly releases?: number;
  /** Told of each request, where that is configured. */
  readonly logAccess: (entry: AccessEntry) => void;
}

const PSEUDONYM_DIGITS = 12;

export class DataPlane implements Traffic, ClientHome {
  readonly #options: DataPlaneOptions;
  readonly #pseudonym: string;
  readonly #metrics: RelayMetrics;
  readonly #upstreams: UpstreamPool;
  readonly #context: RelayContext;
  readonly #listener: ClientListener;
  readonly #places = new StreamPlaces();
  #settings: TrafficSettings;
  #trusted: TrustedPeers;
  #relays: ReadonlyMap<PoolId, PoolRelay>;
  #table: PoolTable;
  #number = 0;

  constructor(options: DataPlaneOptions) {
    const { clock, sockets, settings, bootId } = options;
    this.#options = options;
    this.#pseudonym = options.pseudonym ?? pseudonymOf(bootId);
    this.#metrics = new RelayMetrics(options.register);
    this.#upstreams = new UpstreamPool(sockets.data, clock);
    this.#settings = settings;
    this.#context = this.#makeContext();
    this.#trusted = new TrustedPeers(settings.trust);
    this.#relays = new Map(settings.pools.map((pool) => [pool.id, new PoolRelay(pool, this.#context)]));
    this.#table = new PoolTable(settings.pools);
    this.#listener = new ClientListener({ clock, sockets: sockets.public, accept: (socket) => this.#accept(socket) });
  }

  /** @throws {HotspareError} HS_PORT_TAKEN if it cannot listen there. */
  listen(address: Address): Promise<Address> {
    return this.#listener.listen(address);
  }

  configure(settings: TrafficSettings): void {
    const before = this.#relays;
    const addresses = keptAddresses(this.#settings.addresses, settings.addresses);
    this.#settings = { ...settings, addresses };
    this.#trusted = new TrustedPeers(settings.trust);
    this.#relays = new Map(settings.pools.map((pool) => [pool.id, this.#relayOf(pool)]));
    this.#table = new PoolTable(settings.pools);
    this.#upstreams.keep(new Set(addresses.values()));
    // Last: who waited there may come again at once, and is not to meet half a table.
    for (const [pool, relay] of before) if (!this.#relays.has(pool)) relay.gate.close("gone");
  }

  setRoute(pool: PoolId, route: Route): void {
    this.#relays.get(pool)?.setRoute(route);
  }

  /** What was sent to `host` in `epoch` or before, and has no answer yet, is sent again where the route leads now. */
  abandon(pool: PoolId, host: NodeId, epoch: number): void {
    this.#relays.get(pool)?.abandon(host, epoch);
  }

  /** `host` answered a heartbeat that was sent at `sentMs`, on the monotonic clock. */
  hostLives(host: NodeId, sentMs: number): void {
    for (const relay of this.#relays.values()) relay.gate.lives(host, sentMs);
  }

  parked(pool: PoolId): ParkedLoad {
    const relay = this.#relays.get(pool);
    return { requests: relay?.gate.parked ?? 0, bytes: (relay?.gate.parkedBytes ?? 0) + (relay?.kept.kept ?? 0) };
  }

  /** Requests on the way, parked ones included. */
  active(pool: PoolId): number {
    return this.#relays.get(pool)?.active ?? 0;
  }

  workers(): WorkerCount {
    return { configured: 1, serving: 1 };
  }

  /** The register that it was given. */
  metrics(): Promise<Registry> {
    return Promise.resolve(this.#options.register);
  }

  /** Stops accepting, lets what is on the way end for at most `graceMs`, then breaks it off. */
  async stop(graceMs: number): Promise<void> {
    const closeGates = (): void => {
      for (const relay of this.#relays.values()) relay.gate.close("late");
    };
    await this.#listener.stop(graceMs, closeGates);
    closeGates();
    this.#upstreams.close();
  }

  get stops(): boolean {
    return this.#listener.stops;
  }

  refused(status: number, asker: Asker | null, requestId: string): void {
    this.#metrics.refused(status);
    if (asker !== null) this.#context.accessLog?.(refusedEntry(asker, requestId, status));
  }

  nextId(): string {
    this.#number += 1;
    return formatRequestNumber({ bootId: this.#options.bootId, number: this.#number });
  }

  exchange(client: Client): Exchange | null {
    const requestId = this.nextId();
    const place = this.#place(client.head, requestId);
    if (place.type === "found") return new Exchange(client, requestId, place.relay);
    this.refused(place.answer.status, client, requestId);
    client.answerSelf(place.answer, "");
    return null;
  }

  upgrade(client: UpgradingClient): void {
    const { socket, head } = client;
    const requestId = this.nextId();
    const place = this.#place(head, requestId);
    if (place.type === "found") {
      const exchange = new UpgradeExchange(client, requestId, place.relay);
      this.#listener.replace(socket, exchange);
      return exchange.start();
    }
    this.#listener.replace(socket, new RefusedUpgrade(socket));
    this.refused(place.answer.status, client, requestId);
    socket.end(formatOwnAnswer(place.answer, ""));
  }

  #place({ via, target, method, maxForwards }: RequestHead, requestId: string): Place {
    if (via !== "" && hasPassed(via, this.#pseudonym)) {
      return { type: "answered", answer: refusalAnswer(508, "the request has passed this proxy before", requestId) };
    }
    if (maxForwards === 0 && method === "OPTIONS") {
      return { type: "answered", answer: { status: 204, fields: {}, body: "" } };
    }
    const pool = this.#table.poolOf(target);
    const relay = pool === null ? undefined : this.#relays.get(pool);
    if (relay !== undefined) return { type: "found", relay };
    return { type: "answered", answer: errorAnswer("HS_NO_ROUTE", { target: target.path }, requestId) };
  }

  #accept(socket: Socket): Connection {
    const client = this.#clientOf(socket);
    const isH2 = (socket as Partial<TLSSocket>).alpnProtocol === "h2";
    if (!isH2) return new ClientConnection(socket, client, this);
    return new H2Connection({ socket, client, home: this, places: this.#places });
  }

  #clientOf(socket: Socket): ForwardedClient {
    // A listener on all addresses sees those of IPv4 in the form of IPv6.
    const address = (socket.remoteAddress ?? "unknown").replace(/^::ffff:(?=\d+\.)/, "");
    const proto = (socket as Partial<TLSSocket>).encrypted === true ? "https" : "http";
    return { address, proto, isTrusted: this.#trusted.has(address) };
  }

  #relayOf(pool: PoolConfig): PoolRelay {
    const known = this.#relays.get(pool.id);
    if (known === undefined) return new PoolRelay(pool, this.#context);
    known.configure(pool);
    return known;
  }

  #makeContext(): RelayContext {
    const { clock, logTimeMs, trafficFailed, sockets, logAccess, releases } = this.#options;
    const settings = (): TrafficSettings => this.#settings;
    return {
      clock,
      upstreams: this.#upstreams,
      upgrades: new UpgradeUpstream(sockets.data),
      metrics: this.#metrics,
      pseudonym: this.#pseudonym,
      addressOf: (host) => {
        const address = settings().addresses.get(host);
        assert(address !== undefined, `host ${host} is configured`);
        return address;
      },
      logTimeMs: (pool) => logTimeMs(pool.id),
      trafficFailed,
      get lingerMs() {
        return settings().lingerMs;
      },
      releases: releases ?? RELEASES,
      get accessLog() {
        return settings().accessLog ? logAccess : null;
      },
    };
  }
}

export const pseudonymOf = (bootId: BootId): string => `hotspare-${bootId.slice(0, PSEUDONYM_DIGITS)}`;

type Place =
  | { readonly type: "found"; readonly relay: PoolRelay }
  | { readonly type: "answered"; readonly answer: OwnAnswer };

/** What its client does not close has a moment, and no more. */
class RefusedUpgrade implements Connection {
  readonly isIdle = false;
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.resume();
  }

  sweep(): void {
    this.#socket.destroy();
  }

  leave(): void {
    this.#socket.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** By the object kept connections are found: an address that is the same stays the same one. */
function keptAddresses(
  before: ReadonlyMap<NodeId, Address>,
  now: ReadonlyMap<NodeId, Address>,
): ReadonlyMap<NodeId, Address> {
  const kept = (host: NodeId, address: Address): Address => {
    const known = before.get(host);
    return known !== undefined && formatAddress(known) === formatAddress(address) ? known : address;
  };
  return new Map([...now].map(([host, address]) => [host, kept(host, address)]));
}

const hasPassed = (via: string, pseudonym: string): boolean =>
  via.split(",").some((hop) => hop.trim().split(/\s+/)[1] === pseudonym);
