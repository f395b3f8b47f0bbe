/** What the requests of one pool share: its gate, its bounds, who is on the way, and the way to its hosts. */
import type { Address, PoolConfig } from "../../shared/config/config.ts";
import type { Clock } from "../../shared/clock.ts";
import type { NodeId } from "../../shared/ids.ts";
import type { Route } from "../core/proxy-event.ts";
import type { AccessEntry } from "./access-entry.ts";
import { Gate, type OpenRoute } from "./gate.ts";
import { KeptBytes } from "./kept-bytes.ts";
import type { RelayMetrics } from "./relay-metrics.ts";
import type { UpgradeUpstream } from "./upgrade-upstream.ts";
import type { UpstreamPool } from "./upstream-pool.ts";

export interface RelayContext {
  readonly clock: Clock;
  readonly upstreams: UpstreamPool;
  readonly upgrades: UpgradeUpstream;
  readonly metrics: RelayMetrics;
  readonly pseudonym: string;
  /** Where each host's application is reached. */
  readonly addressOf: (host: NodeId) => Address;
  /** The latest log time heard of a pool, in milliseconds. */
  readonly logTimeMs: (pool: PoolConfig) => number;
  /** A real request met an error at this host. */
  readonly trafficFailed: (host: NodeId) => void;
  /** After an abandoned host's answers have begun, how long they may take to end. */
  readonly lingerMs: number;
  /** How many requests that waited are let go at a time. */
  readonly releases: number;
  /** `null`: there is none. */
  readonly accessLog: ((entry: AccessEntry) => void) | null;
}

/** A request that can be taken away from a host. */
export interface OnTheWay {
  readonly route: OpenRoute | null;
  /** Its host is down or replaced. */
  abandoned(): void;
}

export class PoolRelay {
  config: PoolConfig;
  readonly context: RelayContext;
  readonly gate: Gate;
  readonly kept: KeptBytes;
  readonly #onTheWay = new Set<OnTheWay>();

  constructor(config: PoolConfig, context: RelayContext) {
    this.config = config;
    this.context = context;
    this.gate = new Gate(config.park, context.clock, context.releases);
    this.kept = new KeptBytes(config.park.bytes);
  }

  /** Holds for what comes from now on; what is under way keeps what it began with, where that matters to it. */
  configure(config: PoolConfig): void {
    this.config = config;
    this.gate.configure(config.park);
    this.kept.bound = config.park.bytes;
  }

  get active(): number {
    return this.#onTheWay.size;
  }

  add(request: OnTheWay): void {
    this.#onTheWay.add(request);
  }

  remove(request: OnTheWay): void {
    this.#onTheWay.delete(request);
  }

  setRoute(route: Route): void {
    this.gate.setRoute(route);
  }

  /** Takes every request away from `host` that was sent there in `epoch` or before. */
  abandon(host: NodeId, epoch: number): void {
    for (const request of this.#onTheWay) {
      if (request.route?.host === host && request.route.epoch <= epoch) request.abandoned();
    }
  }
}
