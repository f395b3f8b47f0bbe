/** What carries requests, with scripted hosts behind it: the data plane in this process, or real worker processes. */
import { Registry } from "prom-client";
import type { Address, TlsConfig } from "../../../shared/config/config.ts";
import { parseNodeId, parsePoolId, type NodeId } from "../../../shared/ids.ts";
import type { Log } from "../../../shared/log.ts";
import { sameSockets, systemSockets } from "../../../shared/sockets.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { DataPlane } from "../../../proxy/relay/data-plane.ts";
import type { Traffic, TrafficSettings } from "../../../proxy/relay/traffic.ts";
import type { WorkerPlan } from "../../../proxy/workers/worker-messages.ts";
import { PATIENCE, type Patience } from "../../../proxy/workers/worker-process.ts";
import { Workers, type WorkersOptions } from "../../../proxy/workers/workers.ts";
import { FakeHost } from "../fake-host.ts";
import { BOOT_ID, MAIN, poolConfig } from "../relay/plane.ts";

export interface Carrier {
  readonly traffic: Traffic;
  readonly address: Address;
  /** What it was started with. */
  readonly settings: TrafficSettings;
  readonly a: FakeHost;
  readonly b: FakeHost;
  readonly troubles: NodeId[];
  /** Of the pool, as heartbeats would bring it. */
  logTimeMs: number;
  /** In the next epoch. */
  readonly routeTo: (host: FakeHost) => void;
  readonly routeNowhere: () => void;
  readonly parked: () => number;
  readonly stop: () => Promise<void>;
}

export interface WorkerCarrier extends Carrier {
  readonly traffic: Workers;
  /** What was logged, by `event`. */
  readonly events: readonly Record<string, unknown>[];
}

export interface CarrierShape {
  readonly listen?: Address;
  readonly socket?: WorkerPlan["socket"];
  readonly patience?: Partial<Patience>;
  readonly tls?: Partial<TlsConfig>;
  readonly accessLog?: boolean;
  readonly secret?: WorkersOptions["config"]["secret"];
}

export const SMALL = parsePoolId("small");
/** For what is about the bound in number: `/small` of the one carrier that tests have together. */
export const SMALL_PARK = 5;
const SMALL_POOL = poolConfig({
  id: SMALL,
  routes: [{ host: null, path: "/small" }],
  park: { requests: SMALL_PARK, bytes: 1 << 20, waitMs: 20_000 },
});
const TRUST = ["127.0.0.1"];
const ANY: Address = { host: "127.0.0.1", port: 0 };
const NO_TLS: TlsConfig = { public: null, admin: null, control: null, data: null };

export interface Kind {
  readonly name: string;
  readonly processes: number;
  readonly start: (shape?: CarrierShape) => Promise<Carrier>;
}

export const KINDS: readonly Kind[] = [
  { name: "its own process", processes: 1, start: (shape) => startOwn(shape) },
  { name: "two workers", processes: 2, start: (shape) => startWorkers(shape) },
];

const startOwn = (shape: CarrierShape = {}): Promise<Carrier> =>
  start(shape, (parts) => new DataPlane({ ...parts, ...OWN }));

export async function startWorkers(shape: CarrierShape = {}): Promise<WorkerCarrier> {
  const events: Record<string, unknown>[] = [];
  const { tls = {}, secret = { env: "NONE" }, socket, patience = {} } = shape;
  const carrier = await start(shape, (parts) => {
    const config = { tls: { ...NO_TLS, ...tls }, secret };
    const own = { id: parseNodeId("proxy-1"), workers: 2 };
    const more = { ...(socket === undefined ? {} : { socket }), patience: { ...PATIENCE, ...patience } };
    return new Workers({ parts, config, own, log: logTo(events), ...more });
  });
  return Object.assign(carrier, { events });
}

const OWN = { sockets: sameSockets(systemSockets), logAccess: () => undefined };

type Parts = WorkersOptions["parts"];

async function start<T extends Traffic>(
  { listen = ANY, accessLog = false }: CarrierShape,
  make: (parts: Parts) => T,
): Promise<Carrier & { readonly traffic: T }> {
  const hosts = [new FakeHost("host-a", 1), new FakeHost("host-b", 2)] as const;
  const addresses = new Map<NodeId, Address>();
  for (const host of hosts) addresses.set(host.id, await host.listen());
  const troubles: NodeId[] = [];
  const parts: Parts = {
    settings: { pools: [poolConfig(), SMALL_POOL], addresses, lingerMs: 50, trust: TRUST, accessLog },
    bootId: BOOT_ID,
    clock: systemClock,
    register: new Registry(),
    logTimeMs: () => carrier.logTimeMs,
    trafficFailed: (host) => void troubles.push(host),
  };
  const traffic = make(parts);
  let epoch = 0;
  const stop = async (): Promise<void> => {
    await traffic.stop(0);
    await Promise.all(hosts.map((host) => host.stop()));
  };
  const carrier = {
    traffic,
    settings: parts.settings,
    address: ANY,
    a: hosts[0],
    b: hosts[1],
    troubles,
    logTimeMs: 1234,
    routeTo: (host: FakeHost) => traffic.setRoute(MAIN, { host: host.id, epoch: (epoch += 1) }),
    routeNowhere: () => traffic.setRoute(MAIN, null),
    parked: () => traffic.parked(MAIN).requests,
    stop,
  };
  try {
    carrier.address = await traffic.listen(listen);
  } catch (error) {
    await stop();
    throw error;
  }
  return carrier;
}

function logTo(events: Record<string, unknown>[]): Log {
  const add = (fields: object): void => void events.push({ ...fields });
  return { debug: add, info: add, warn: add, error: add, fatal: add, child: () => logTo(events) };
}
