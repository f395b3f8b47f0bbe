/**
 * The public listener: accepts requests, finds their pool, hands them to it. Decides nothing about hosts: routes come in
 * from the core, errors of real requests go out to it.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Server as NetServer, type Socket } from "node:net";
import type { Registry } from "prom-client";
import type { Clock } from "../../shared/clock.ts";
import type { Address, PoolConfig } from "../../shared/config/config.ts";
import type { BootId, NodeId, PoolId } from "../../shared/ids.ts";
import type { NodeSockets } from "../../shared/sockets.ts";
import { formatRequestNumber } from "../../shared/wire/fields.ts";
import { poolOf } from "../core/routing.ts";
import type { Route } from "../core/proxy-event.ts";
import { Exchange } from "./exchange.ts";
import { hasBody } from "./body-keeper.ts";
import { PoolRelay, type RelayContext } from "./pool-relay.ts";
import { errorAnswer, formatOwnAnswer, refusalAnswer, sendOwnAnswer, type OwnAnswer } from "./problem-answer.ts";
import { relayMetrics } from "./relay-metrics.ts";
import { checkRequest, hostNameOf, type RequestTarget } from "./request-check.ts";
import type { ParkedLoad, Traffic, WorkerCount } from "./traffic.ts";
import { UpgradeExchange } from "./upgrade-exchange.ts";
import { Upstream } from "./upstream.ts";

export interface DataPlaneOptions {
  readonly pools: readonly PoolConfig[];
  /** What its request numbers begin with. */
  readonly bootId: BootId;
  /** By which the proxy knows itself in `Via`; several processes of one proxy have the same. Made of `bootId` if absent. */
  readonly pseudonym?: string;
  readonly clock: Clock;
  readonly sockets: Pick<NodeSockets, "public" | "data">;
  readonly register: Registry;
  readonly addressOf: (host: NodeId) => Address;
  readonly logTimeMs: (pool: PoolId) => number;
  readonly trafficFailed: (host: NodeId) => void;
  readonly lingerMs: number;
}

const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 3_600_000;
const KEEP_ALIVE_MS = 60_000;
const PSEUDONYM_DIGITS = 12;
/** How long a connection at rest is kept when the proxy stops: a client's request may be on its way on it. */
const LEAVE_MS = 500;

export class DataPlane implements Traffic {
  readonly #options: DataPlaneOptions;
  readonly #pseudonym: string;
  readonly #upstream: Upstream;
  readonly #relays: ReadonlyMap<PoolId, PoolRelay>;
  readonly #server: Server;
  readonly #upgraded = new Set<Socket>();
  readonly #answering = new Set<ServerResponse>();
  #number = 0;
  #stopping = false;

  constructor(options: DataPlaneOptions) {
    this.#options = options;
    this.#pseudonym = options.pseudonym ?? pseudonymOf(options.bootId);
    this.#upstream = new Upstream(options.sockets.data);
    const context = this.#context();
    this.#relays = new Map(options.pools.map((pool) => [pool.id, new PoolRelay(pool, context)]));
    this.#server = this.#createServer();
  }

  /** @throws {HotspareError} HS_PORT_TAKEN if it cannot listen there. */
  listen(address: Address): Promise<Address> {
    return this.#options.sockets.public.listen(this.#server, address, "listen");
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

  /**
   * Stops accepting, lets what is on the way end for at most `graceMs`, then breaks it off. What comes on connections that
   * are there is answered with `Connection: close`; one that nothing comes on is closed after a moment.
   */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    if (!this.#server.listening) return this.#upstream.close();
    const { clock } = this.#options;
    for (const response of this.#answering) response.shouldKeepAlive = false;
    this.#server.keepAliveTimeout = LEAVE_MS;
    // That of the HTTP server would close connections at rest at once, with a client's next request on its way.
    const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(this.#server, () => resolve()));
    for (const socket of this.#upgraded) socket.end();
    const cancels = [
      clock.after(Math.min(graceMs, LEAVE_MS), () => this.#server.closeIdleConnections()),
      clock.after(graceMs, () => this.#breakOff()),
    ];
    await closed;
    for (const cancel of cancels) cancel();
    // Ends what the HTTP server does beside its connections.
    this.#server.close();
    for (const relay of this.#relays.values()) relay.gate.close();
    this.#upstream.close();
  }

  #breakOff(): void {
    for (const relay of this.#relays.values()) relay.gate.close();
    for (const socket of this.#upgraded) socket.destroy();
    this.#server.closeAllConnections();
  }

  #context(): RelayContext {
    const { clock, addressOf, logTimeMs, trafficFailed, lingerMs, register } = this.#options;
    return {
      clock,
      upstream: this.#upstream,
      metrics: relayMetrics(register),
      pseudonym: this.#pseudonym,
      addressOf,
      logTimeMs: (pool) => logTimeMs(pool.id),
      trafficFailed,
      lingerMs,
    };
  }

  #createServer(): Server {
    const server = createServer({
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      insecureHTTPParser: false,
      // HTTP/2 in clear text is not spoken: such a request is answered in HTTP/1.1.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() !== "h2c",
    });
    // All of them, so that none is cut off in silence: `checkRequest` counts.
    server.maxHeadersCount = 0;
    server.on("request", (request, response) => this.#accept(request, response, { expectsContinue: false }));
    server.on("checkContinue", (request, response) => this.#accept(request, response, { expectsContinue: true }));
    server.on("upgrade", (request, socket, head) => this.#acceptUpgrade(request, socket as Socket, head));
    server.on("connect", (_, socket) => {
      socket.on("error", () => socket.destroy());
      socket.end(formatOwnAnswer(refusalAnswer(405, "CONNECT is not offered", this.#nextId())));
    });
    return server;
  }

  #accept(request: IncomingMessage, response: ServerResponse, { expectsContinue }: { expectsContinue: boolean }): void {
    const requestId = this.#nextId();
    if (this.#stopping) response.shouldKeepAlive = false;
    this.#answering.add(response);
    response.once("close", () => this.#answering.delete(response));
    const place = this.#place(request, requestId);
    if (place.type === "refused") {
      sendOwnAnswer(response, place.answer);
      return void request.resume();
    }
    new Exchange({ request, response, target: place.target, requestId, expectsContinue }, place.relay).start();
  }

  #acceptUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const requestId = this.#nextId();
    socket.on("error", () => socket.destroy());
    this.#upgraded.add(socket);
    socket.once("close", () => this.#upgraded.delete(socket));
    const place = this.#place(request, requestId);
    if (place.type === "refused") return void socket.end(formatOwnAnswer(place.answer));
    if (request.method !== "GET" || hasBody(request)) {
      return void socket.end(formatOwnAnswer(refusalAnswer(400, "an upgrade with a method or body", requestId)));
    }
    new UpgradeExchange({ request, socket, head, target: place.target, requestId }, place.relay).start();
  }

  #place(request: IncomingMessage, requestId: string): Place {
    const checked = checkRequest(request, this.#pseudonym);
    if (checked.type === "refused")
      return { type: "refused", answer: refusalAnswer(checked.status, checked.reason, requestId) };
    if (checked.type === "answered") return { type: "refused", answer: { status: 204, fields: {}, body: "" } };
    const { target } = checked;
    const path = target.path.split("?", 1)[0] ?? "/";
    const pool = poolOf(this.#options.pools, hostNameOf(target.authority), path);
    const relay = pool === null ? undefined : this.#relays.get(pool);
    if (relay === undefined)
      return { type: "refused", answer: errorAnswer("HS_NO_ROUTE", { target: path }, requestId) };
    return { type: "found", target, relay };
  }

  #nextId(): string {
    this.#number += 1;
    return formatRequestNumber({ bootId: this.#options.bootId, number: this.#number });
  }
}

export const pseudonymOf = (bootId: BootId): string => `hotspare-${bootId.slice(0, PSEUDONYM_DIGITS)}`;

type Place =
  | { readonly type: "found"; readonly target: RequestTarget; readonly relay: PoolRelay }
  | { readonly type: "refused"; readonly answer: OwnAnswer };
