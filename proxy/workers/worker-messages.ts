/**
 * What a proxy and its worker processes say to one another, over the IPC channel that Node.js gives to a child. Both are of
 * one version of the program: a worker says which one it is before it is told anything, and no compatibility is kept.
 */
import { Type, type TSchema } from "typebox";
import type { Address, TlsConfig } from "../../shared/config/config.ts";
import type { NodeId, PoolId } from "../../shared/ids.ts";
import type { ThreadError } from "../../shared/thread-error.ts";
import { MessageSchema } from "../../shared/wire/message-schema.ts";
import type { Route } from "../core/proxy-event.ts";
import type { TrafficSettings } from "../relay/traffic.ts";

/** To a worker. They are carried out in the order in which they were sent. */
export type ToWorker =
  /** First of all, once. */
  | { readonly type: "start"; readonly plan: WorkerPlan }
  | { readonly type: "configure"; readonly settings: WorkerSettings }
  | { readonly type: "route"; readonly pool: PoolId; readonly route: Route }
  | { readonly type: "abandon"; readonly pool: PoolId; readonly host: NodeId; readonly epoch: number }
  | ({ readonly type: "heard" } & Heard)
  /** What it counted is wanted, with the number of the question. */
  | { readonly type: "measure"; readonly number: number }
  /** Whether its loop turns. */
  | { readonly type: "ping" }
  /** As `Traffic.stop`; the process ends then. */
  | { readonly type: "stop"; readonly graceMs: number };

/** From a worker. */
export type FromWorker =
  /** Its program has been loaded. */
  | { readonly type: "awake"; readonly version: string }
  /** It takes connections. */
  | { readonly type: "listening" }
  /** It cannot start, and ends. */
  | { readonly type: "failed"; readonly error: ThreadError }
  /** What it carries has changed. */
  | { readonly type: "loads"; readonly loads: readonly PoolLoad[] }
  /** A real request met an error at this host. */
  | { readonly type: "trouble"; readonly host: NodeId }
  | { readonly type: "measured"; readonly number: number; readonly metrics: Metrics }
  | { readonly type: "pong" };

/** What is said about requests, apart from whether the loop turns. */
export type WorkerReport = Exclude<FromWorker, { type: "pong" }>;
/** What is carried out by a data plane that is there. */
export type WorkerCommand = Exclude<ToWorker, { type: "start" | "ping" }>;

/** Everything that a worker knows. No secret: it signs nothing. */
export interface WorkerPlan {
  readonly listen: Address;
  /**
   * `own`: it binds a socket of its own to the port, and the system spreads connections. `common`: all workers accept from
   * one, where the system cannot do that.
   */
  readonly socket: "own" | "common";
  readonly settings: WorkerSettings;
  readonly tls: Pick<TlsConfig, "public" | "data">;
  readonly pseudonym: string;
  /** As in `DataPlaneOptions`: the worker's share. */
  readonly releases: number;
  readonly routes: readonly { readonly pool: PoolId; readonly route: Route }[];
  readonly logTimes: readonly LogTime[];
}

/** As `TrafficSettings`, in a form that can be sent; of `pools` the worker's share of what may be parked. */
export interface WorkerSettings extends Omit<TrafficSettings, "addresses"> {
  readonly addresses: readonly { readonly host: NodeId; readonly address: Address }[];
}

/** News from heartbeats. */
export interface Heard {
  /** Hosts that answered one that was sent at `sentMs`: the monotonic clock is the same for all processes of a machine. */
  readonly lives: readonly { readonly host: NodeId; readonly sentMs: number }[];
  readonly logTimes: readonly LogTime[];
}

export interface LogTime {
  readonly pool: PoolId;
  readonly logTimeMs: number;
}

export interface PoolLoad {
  readonly pool: PoolId;
  readonly parked: number;
  readonly parkedBytes: number;
  readonly active: number;
}

/** As `Registry.getMetricsAsJSON` gives them. */
export type Metrics = readonly object[];

const Count = Type.Integer({ minimum: 0 });
const Name = Type.String({ minLength: 1 });
const AddressSchema = Type.Object({ host: Name, port: Count });
const RouteSchema = Type.Union([Type.Object({ host: Name, epoch: Count }), Type.Null()]);
const Files = Type.Union([Type.Object({ cert: Name, key: Name, ca: Type.Union([Name, Type.Null()]) }), Type.Null()]);
const LogTimes = Type.Array(Type.Object({ pool: Name, logTimeMs: Type.Number() }));

const SettingsSchema = Type.Object({
  // The rest of a pool is as the configuration was read: by this version of the program, and checked then.
  pools: Type.Array(Type.Object({ id: Name, park: Type.Object({ requests: Count, bytes: Count, waitMs: Count }) })),
  addresses: Type.Array(Type.Object({ host: Name, address: AddressSchema })),
  lingerMs: Type.Number(),
  trust: Type.Array(Name),
  accessLog: Type.Boolean(),
});

const PlanSchema = Type.Object({
  listen: AddressSchema,
  socket: Type.Union([Type.Literal("own"), Type.Literal("common")]),
  settings: SettingsSchema,
  tls: Type.Object({ public: Files, data: Files }),
  pseudonym: Name,
  releases: Count,
  routes: Type.Array(Type.Object({ pool: Name, route: RouteSchema })),
  logTimes: LogTimes,
});

const TO_WORKER: Readonly<Record<ToWorker["type"], MessageSchema<TSchema>>> = schemas({
  start: { plan: PlanSchema },
  configure: { settings: SettingsSchema },
  route: { pool: Name, route: RouteSchema },
  abandon: { pool: Name, host: Name, epoch: Count },
  heard: { lives: Type.Array(Type.Object({ host: Name, sentMs: Type.Number() })), logTimes: LogTimes },
  measure: { number: Count },
  ping: {},
  stop: { graceMs: Type.Number({ minimum: 0 }) },
});

const LoadSchema = Type.Object({ pool: Name, parked: Count, parkedBytes: Count, active: Count });

const FROM_WORKER: Readonly<Record<FromWorker["type"], MessageSchema<TSchema>>> = schemas({
  awake: { version: Name },
  listening: {},
  failed: { error: Type.Object({ code: Name, details: Type.Object({}) }) },
  loads: { loads: Type.Array(LoadSchema) },
  trouble: { host: Name },
  measured: {
    number: Count,
    metrics: Type.Array(Type.Object({ name: Name, type: Name, values: Type.Array(Type.Any()) })),
  },
  pong: {},
});

/** @throws {HotspareError} HS_MESSAGE_INVALID: parent and worker are not of one program. */
export const checkToWorker = (message: unknown): ToWorker => check(message, TO_WORKER) as ToWorker;

/** @throws {HotspareError} HS_MESSAGE_INVALID: parent and worker are not of one program. */
export const checkFromWorker = (message: unknown): FromWorker => check(message, FROM_WORKER) as FromWorker;

const ANY = new MessageSchema(Type.Object({ type: Name }));

function check(message: unknown, known: Readonly<Record<string, MessageSchema<TSchema>>>): unknown {
  const { type } = ANY.check(message, "");
  const schema = Object.hasOwn(known, type) ? known[type] : undefined;
  return (schema ?? new MessageSchema(oneOf(Object.keys(known)))).check(message, type);
}

const oneOf = (types: readonly string[]): TSchema =>
  Type.Object({ type: Type.Union(types.map((type) => Type.Literal(type))) });

function schemas<Types extends string>(
  fields: Readonly<Record<Types, Readonly<Record<string, TSchema>>>>,
): Readonly<Record<Types, MessageSchema<TSchema>>> {
  const rows = Object.entries<Readonly<Record<string, TSchema>>>(fields).map(([type, own]) => [
    type,
    new MessageSchema(Type.Object(own)),
  ]);
  return Object.fromEntries(rows) as Readonly<Record<Types, MessageSchema<TSchema>>>;
}
