/** What is not as it should be in a cluster that no fault disturbs any more (I15). */
import type { SimClient } from "./sim-client.ts";
import type { SimHost } from "./sim-host.ts";
import type { SimProxy } from "./sim-proxy.ts";
import type { World } from "./world.ts";

export interface Cluster {
  readonly world: World;
  readonly hosts: readonly SimHost[];
  readonly proxies: readonly SimProxy[];
  readonly clients: readonly SimClient[];
}

/** `null` if all is well: one primary, all others at the head, proxies of one mind, nothing parked, clocks trusted. */
export function ailmentOf(cluster: Cluster): string | null {
  const { world, hosts, proxies, clients } = cluster;
  const head = world.history.head?.slot;
  const late = hosts.find(({ pool }) => pool?.state.applied?.slot !== head);
  if (late) return `${placeOf(late)}, the head is ${head}`;
  const disorder = disorderOf(cluster);
  if (disorder !== null) return disorder;
  const full = proxies.find(({ status }) => (status?.pools[0]?.parked ?? 0) > 0);
  if (full) return `${full.id} still has requests`;
  const off = world.swarm.clockDrift === 0 ? hosts.find(({ control }) => control?.quarantined) : undefined;
  if (off) return `${off.id} is still in quarantine`;
  return clients.some(({ waiting }) => waiting) ? "a client still waits" : null;
}

/** `null` if everybody has its role and all proxies know it, whatever clients do meanwhile. */
export function disorderOf({ hosts, proxies }: Omit<Cluster, "clients">): string | null {
  const [primary, ...more] = hosts.filter(({ serving }) => serving);
  if (!primary) return `nobody serves; ${hosts.map(placeOf).join("; ")}`;
  if (more.length > 0) return `${primary.id} and ${more[0]?.id} serve`;
  const unready = hosts.find((host) => !isReady(host));
  if (unready) return placeOf(unready);
  const lost = proxies.find(({ status }) => status?.pools[0]?.primary !== primary.id);
  if (lost) return `${lost.id} sends to ${lost.status?.pools[0]?.primary}, not to ${primary.id}`;
  return proxies.flatMap((proxy) => proxy.ignorance(proxies) ?? [])[0] ?? null;
}

function placeOf({ id, alive, pool }: SimHost): string {
  const { phase, applied, alarm } = pool?.state ?? {};
  return `${id} is ${alive ? (phase?.type ?? "starting") : "dead"} at slot ${applied?.slot ?? 0}${alarm ? ` (${alarm.reason})` : ""}`;
}

function isReady({ pool }: SimHost): boolean {
  const type = pool?.state.phase.type;
  return type === "primary" || type === "standby";
}
