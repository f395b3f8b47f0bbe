/**
 * The state of a cluster, as the nodes themselves tell it. Proxies are asked on their admin address; only if none of them
 * answers, the hosts' unsigned probes. Who does not answer is named with the reason; nothing here ever hangs or throws.
 */
import { Type, type Static, type TSchema } from "typebox";
import type { Clock } from "../../shared/clock.ts";
import { formatAddress, type Address, type Config } from "../../shared/config/config.ts";
import type { NodeSockets } from "../../shared/sockets.ts";
import type { ProtocolRange } from "../../shared/wire/protocol-range.ts";
import { askJson, type JsonAnswer } from "./ask-json.ts";

const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

const PoolStatus = Type.Object({
  id: Type.String(),
  state: Type.String(),
  epoch: Type.Number(),
  primary: orNull(Type.String()),
  slot: orNull(Type.Number()),
  standbys: Type.Array(Type.Object({ host: Type.String(), slot: Type.Number(), lagMs: Type.Number() })),
  parked: Type.Number(),
  /** Why the proxy would depose the primary, and how many of the proxies say so. */
  trouble: Type.Optional(orNull(Type.String())),
});
/** Absent where a proxy of an older version answers. */
const ClockStatus = {
  clockOffsetMs: Type.Optional(orNull(Type.Number())),
  clockErrorMs: Type.Optional(orNull(Type.Number())),
  quarantined: Type.Optional(orNull(Type.String())),
};
/** How it stands to its configuration file. */
const ConfigStatus = {
  configProblem: Type.Optional(orNull(Type.String())),
  pendingRestart: Type.Optional(Type.Array(Type.String())),
};
/** Why the node takes no part: an operator took it out. */
const Offline = { offline: Type.Optional(orNull(Type.String())) };
const HostStatus = Type.Object({
  ...ClockStatus,
  ...ConfigStatus,
  ...Offline,
  id: Type.String(),
  role: orNull(Type.String()),
  health: Type.String(),
  reason: orNull(Type.String()),
  version: orNull(Type.String()),
  configHash: orNull(Type.String()),
  /** Ids of the keys that it accepts; the first signs. Older nodes do not say. */
  keys: Type.Optional(orNull(Type.Array(Type.String()))),
  /** Why it has no version of the protocol in common with the proxy. */
  protocol: Type.Optional(orNull(Type.String())),
  alarms: Type.Array(Type.String()),
});
const ProxyStatus = Type.Object({
  ...ClockStatus,
  ...ConfigStatus,
  ...Offline,
  id: Type.String(),
  health: Type.Optional(Type.String()),
  agrees: Type.Optional(orNull(Type.Boolean())),
  version: Type.Optional(orNull(Type.String())),
  configHash: Type.Optional(orNull(Type.String())),
  speaks: Type.Optional(orNull(Type.Object({ min: Type.Number(), max: Type.Number() }))),
  node: Type.Optional(orNull(Type.String())),
  keys: Type.Optional(orNull(Type.Array(Type.String()))),
  protocol: Type.Optional(orNull(Type.String())),
});
const MaintenanceStatus = Type.Object({
  by: Type.String(),
  atMs: Type.Number(),
  reason: Type.String(),
  untilMs: orNull(Type.Number()),
});
const View = Type.Object({
  cluster: Type.String(),
  pools: Type.Array(PoolStatus),
  hosts: Type.Array(HostStatus),
  proxies: Type.Optional(Type.Array(ProxyStatus)),
  /** The proxy that says all this. */
  self: Type.Optional(Type.String()),
  clockDispute: Type.Optional(orNull(Type.String())),
  maintenance: Type.Optional(orNull(MaintenanceStatus)),
});
const ProbeBody = Type.Object({
  host: Type.String(),
  version: Type.String(),
  quarantined: Type.Optional(orNull(Type.String())),
  keys: Type.Optional(Type.Array(Type.String())),
  pools: Type.Array(
    Type.Object({
      pool: Type.String(),
      role: Type.String(),
      serving: Type.Boolean(),
      epoch: Type.Number(),
      slot: Type.Number(),
      lagMs: Type.Number(),
      alarm: orNull(Type.String()),
    }),
  ),
});

export type PoolStatus = Static<typeof PoolStatus>;
export type HostStatus = Static<typeof HostStatus>;
type ProxyStatus = Static<typeof ProxyStatus>;
export type MaintenanceStatus = Static<typeof MaintenanceStatus>;
type View = Static<typeof View>;
type ProbeBody = Static<typeof ProbeBody>;

export interface ProxyAnswer {
  readonly id: string;
  readonly health: string;
  /** Whether it sees primaries, epochs and hosts as is shown here; `null` if it did not answer. */
  readonly agrees: boolean | null;
  /** Why it did not answer; `null` if it did. */
  readonly reason: string | null;
  /** How far its clock is ahead of the reference's, and how wrong that may be; `null`: not known. */
  readonly clockOffsetMs: number | null;
  readonly clockErrorMs: number | null;
  /** Why it distrusts its own clock, as it says; `null` if it does not. */
  readonly quarantined: string | null;
  /** Ids of the keys that it accepts, as it says itself or another proxy has heard; `null`: nobody knows. */
  readonly keys: readonly string[] | null;
  /** Why another proxy has no version of the protocol in common with it. */
  readonly protocol: string | null;
  readonly configProblem: string | null;
  readonly pendingRestart: readonly string[];
  /** Of its program and its configuration, as it says itself or another proxy has heard. */
  readonly version: string | null;
  readonly configHash: string | null;
  /** Which versions of the protocol it speaks, and its Node.js, as it says itself. */
  readonly speaks: ProtocolRange | null;
  readonly node: string | null;
  /** Why it takes no part: an operator took it out. */
  readonly offline: string | null;
}

export interface ClusterStatus {
  readonly cluster: string;
  /** Of the configuration that this was asked with; a host with another one has another copy of the file. */
  readonly configHash: string;
  readonly pools: readonly PoolStatus[];
  readonly hosts: readonly HostStatus[];
  readonly proxies: readonly ProxyAnswer[];
  /** The proxy against whose clock the others are measured; `null` if none answered that says so. */
  readonly clockReference: string | null;
  /** Which two clocks differ though nobody can say whose is wrong; `null`: none, or the median says. */
  readonly clockDispute: string | null;
  /** While it holds, nobody takes over by itself; `null`: there is none, or nobody says. */
  readonly maintenance: MaintenanceStatus | null;
  /** Who said it: `nobody` if nothing answered. */
  readonly source: "proxies" | "hosts" | "nobody";
}

export const isServed = ({ state }: PoolStatus): boolean => state === "serving";

/** By what the nodes are asked. */
export interface Asking {
  readonly sockets: Pick<NodeSockets, "admin" | "control">;
  readonly clock: Clock;
}

const TIMEOUT_MS = 2000;

/** Takes at most about twice the time-out of one question. */
export async function clusterStatus(config: Config, asking: Asking): Promise<ClusterStatus> {
  const asked = await Promise.all(
    config.proxies.map(async ({ id, admin }) => ({ id, ...(await askProxy(config, { id, admin }, asking)) })),
  );
  const views = asked.flatMap(({ view }) => view ?? []);
  const chosen = chooseView(views) ?? (await viewOfHosts(config, asking));
  return {
    cluster: config.cluster,
    configHash: config.hash,
    pools: chosen.pools,
    hosts: chosen.hosts,
    proxies: asked.map(({ id, view, reason }) => ({
      id,
      ...(view ? { health: "up", agrees: sameView(view, chosen), reason } : heardOf(id, chosen, reason)),
      clockOffsetMs: entryOf(chosen, id)?.clockOffsetMs ?? null,
      clockErrorMs: entryOf(chosen, id)?.clockErrorMs ?? null,
      quarantined: (view && entryOf(view, id)?.quarantined) ?? null,
      keys: ofProxy(id, "keys", view === null ? views : [view]),
      version: ofProxy(id, "version", view === null ? views : [view]),
      configHash: ofProxy(id, "configHash", view === null ? views : [view]),
      speaks: ofProxy(id, "speaks", view === null ? [] : [view]),
      node: ofProxy(id, "node", view === null ? [] : [view]),
      protocol: ofProxy(id, "protocol", views),
      configProblem: ofProxy(id, "configProblem", view === null ? views : [view]),
      pendingRestart: ofProxy(id, "pendingRestart", view === null ? views : [view]) ?? [],
      offline: entryOf(chosen, id)?.offline ?? null,
    })),
    clockReference: chosen.self ?? null,
    clockDispute: chosen.clockDispute ?? null,
    maintenance: chosen.maintenance ?? null,
    source: views.length > 0 ? "proxies" : chosen.hosts.some(({ health }) => health === "up") ? "hosts" : "nobody",
  };
}

/** A proxy on another machine cannot be asked from here, but other proxies hear of it. */
function heardOf(id: string, view: View, reason: string): Pick<ProxyAnswer, "health" | "agrees" | "reason"> {
  const { health = "unknown", agrees = null } = entryOf(view, id) ?? {};
  if (health === "unknown") return { health: "down", agrees: null, reason };
  return { health, agrees, reason: `${reason}; its health is what ${view.self} hears` };
}

const entryOf = ({ proxies = [] }: View, proxy: string) => proxies.find(({ id }) => id === proxy);

type Asked = { readonly view: View; readonly reason: null } | { readonly view: null; readonly reason: string };

/** The first that any of the views has. */
function ofProxy<
  Field extends "keys" | "protocol" | "version" | "configHash" | "configProblem" | "pendingRestart" | "speaks" | "node",
>(id: string, field: Field, views: readonly View[]): NonNullable<ProxyStatus[Field]> | null {
  const told = views.map((view) => entryOf(view, id)?.[field]);
  return told.find((value) => value !== null && value !== undefined) ?? null;
}

async function askProxy(
  { cluster }: Config,
  { id, admin: address }: { readonly id: string; readonly admin: Address },
  { sockets, clock }: Asking,
): Promise<Asked> {
  const question = { address, path: "/api/v1/status", sockets: sockets.admin, clock, timeoutMs: TIMEOUT_MS };
  const asked = await askJson(question, View);
  if (asked.body === null) return { view: null, reason: `${formatAddress(address)}: ${asked.reason}` };
  const { cluster: found, self = id } = asked.body;
  if (found === cluster && self === id) return { view: asked.body, reason: null };
  // Admin addresses are on loopback: at that of another machine's proxy this machine's may answer.
  const reason = found === cluster ? `it is ${self}` : `it is a proxy of the cluster ${found}`;
  return { view: null, reason: `${formatAddress(address)}: ${reason}` };
}

/** The view of the proxy that knows the newest epochs; of several, that which sees most pools served. */
function chooseView(views: readonly View[]): View | null {
  const rank = ({ pools }: View): number =>
    pools.reduce((sum, pool) => sum + pool.epoch * 2 + (isServed(pool) ? 1 : 0), 0);
  return views.toSorted((one, other) => rank(other) - rank(one))[0] ?? null;
}

function sameView(one: View, other: View): boolean {
  const essence = ({ pools, hosts }: View): string =>
    JSON.stringify([
      pools.map(({ id, state, epoch, primary }) => [id, state, epoch, primary]),
      hosts.map(({ id, health }) => [id, health]),
    ]);
  return essence(one) === essence(other);
}

async function viewOfHosts(config: Config, { sockets, clock }: Asking): Promise<View> {
  const question = { path: "/health", sockets: sockets.control, clock, timeoutMs: TIMEOUT_MS };
  const answers = await Promise.all(
    config.hosts.map(({ control: address }) => askJson({ ...question, address }, ProbeBody)),
  );
  const hosts = config.hosts.map(({ id }, index) => hostStatus(id, answers[index]));
  const bodies = answers.flatMap(({ body }) => body ?? []);
  return { cluster: config.cluster, pools: config.pools.map(({ id }) => poolStatus(id, bodies)), hosts };
}

type HostAnswer = JsonAnswer<typeof ProbeBody> | undefined;

function hostStatus(id: string, answer: HostAnswer): HostStatus {
  const unknown = { id, clockOffsetMs: null, clockErrorMs: null, configHash: null };
  if (!answer?.body)
    return {
      ...unknown,
      role: null,
      health: "down",
      reason: answer?.reason ?? "",
      version: null,
      alarms: [],
      quarantined: null,
    };
  const { version, pools, keys = null, quarantined = null } = answer.body;
  const alarms = pools.flatMap(({ pool, alarm }) => (alarm === null ? [] : [`${pool}: ${alarm}`]));
  return { ...unknown, role: pools[0]?.role ?? null, health: "up", reason: null, version, keys, alarms, quarantined };
}

/** A host that was deposed and does not know it yet may say that it serves too: the newest epoch holds. */
function poolStatus(id: string, bodies: readonly ProbeBody[]): PoolStatus {
  const entries = bodies.flatMap(({ host, pools }) =>
    pools.filter(({ pool }) => pool === id).map((entry) => ({ host, ...entry })),
  );
  const [primary] = entries.filter(({ serving }) => serving).toSorted((one, other) => other.epoch - one.epoch);
  const standbys = entries.filter(({ role }) => role === "standby");
  return {
    id,
    state: primary ? "serving" : bodies.length > 0 ? "waiting" : "unknown",
    epoch: Math.max(0, ...entries.map(({ epoch }) => epoch)),
    primary: primary?.host ?? null,
    slot: primary?.slot ?? null,
    standbys: standbys.map(({ host, slot, lagMs }) => ({ host, slot, lagMs })),
    parked: 0,
  };
}
