/**
 * Who carries the requests of clients: the data plane in the proxy's own process, or worker processes that share the
 * listener. The proxy tells it what the core has decided, and cannot tell the two apart.
 */
import type { Registry } from "prom-client";
import type { Address, PoolConfig } from "../../shared/config/config.ts";
import type { NodeId, PoolId } from "../../shared/ids.ts";
import type { Route } from "../core/proxy-event.ts";

/** What it goes by, and what may change while it runs. */
export interface TrafficSettings {
  readonly pools: readonly PoolConfig[];
  /** Where each host's application is reached. */
  readonly addresses: ReadonlyMap<NodeId, Address>;
  /** After an abandoned host's answers have begun, how long they may take to end. */
  readonly lingerMs: number;
  /** Other proxies before this one whose word about a client is believed, by address or network. */
  readonly trust: readonly string[];
  readonly accessLog: boolean;
}

export interface Traffic {
  /**
   * Takes connections from now on; resolves to the address with the port that was given.
   * @throws {HotspareError} HS_PORT_TAKEN; of workers also HS_TLS_UNUSABLE and HS_WORKER_ENDED.
   */
  listen(address: Address): Promise<Address>;
  /**
   * Goes by these from now on, all at once. What is under way goes on as it is; what waits for a pool that is gone is refused.
   * It is carried out after every `setRoute` that was called before.
   */
  configure(settings: TrafficSettings): void;
  /** Where the pool's requests go from now on. */
  setRoute(pool: PoolId, route: Route): void;
  /**
   * What was sent to `host` in `epoch` or before, and has no answer yet, is sent again where the route leads now. It is
   * carried out after every `setRoute` that was called before.
   */
  abandon(pool: PoolId, host: NodeId, epoch: number): void;
  /** `host` answered a heartbeat that was sent at `sentMs`, on the monotonic clock. */
  hostLives(host: NodeId, sentMs: number): void;
  /** What waits for the pool's primary; of workers as they said last. */
  parked(pool: PoolId): ParkedLoad;
  /** Requests on the way, parked ones included; of workers as they said last. */
  active(pool: PoolId): number;
  /** How many processes carry requests. */
  workers(): WorkerCount;
  /** What was counted, over all processes. */
  metrics(): Promise<Registry>;
  /** Stops accepting, lets what is on the way end for at most `graceMs`, then breaks it off. */
  stop(graceMs: number): Promise<void>;
}

export interface ParkedLoad {
  readonly requests: number;
  readonly bytes: number;
}

export interface WorkerCount {
  readonly configured: number;
  /** Those that take connections at this moment. */
  readonly serving: number;
}
