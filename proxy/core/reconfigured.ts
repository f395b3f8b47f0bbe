/**
 * What a proxy knows, fitted to other rules. Pure. Of hosts, pools and proxies that stay nothing is forgotten; of those that
 * are gone nothing is kept: they are neither candidates nor heard, they do not vote, and they do not count in any majority.
 */
import type { NodeId, PoolId } from "../../shared/ids.ts";
import type { GossipState } from "./gossip-state.ts";
import { newHostHealth, type HostHealth } from "./host-health.ts";
import { newPeer } from "./peers.ts";
import { newPoolView, type PoolView } from "./pool-view.ts";
import type { ProxyState, Rules } from "./proxy-state.ts";

export function reconfigured(before: ProxyState, nowMs: number, rules: Rules): ProxyState {
  const { hosts, pools, settings, gossip } = rules;
  const ids = pools.map(({ pool }) => pool);
  return {
    ...before,
    hosts: fitted(before.hosts, hosts, {
      stays: (health) => sooner(health, nowMs + settings.intervalMs),
      comes: (host) => newHostHealth(host, nowMs),
    }),
    pools: fitted(before.pools, ids, {
      stays: (view) => withoutStrangers(view, hosts),
      comes: (pool) => newPoolView(pool, nowMs),
    }),
    routes: fitted(before.routes, ids, { stays: (route) => route, comes: () => null }),
    gossip: fittedGossip(before.gossip, rules.proxies, { nowMs, roundDueMs: nowMs + gossip.intervalMs }),
    // As long as nothing was due under the rules before, silence is no sign of having been away.
    seenMs: Math.max(before.seenMs, Math.min(before.dueMs, nowMs)),
  };
}

interface Fitting<Id, Value> {
  readonly stays: (value: Value) => Value;
  readonly comes: (id: Id) => Value;
}

function fitted<Id extends NodeId | PoolId, Value>(
  before: ReadonlyMap<Id, Value>,
  ids: readonly Id[],
  { stays, comes }: Fitting<Id, Value>,
): ReadonlyMap<Id, Value> {
  return new Map(ids.map((id) => [id, before.has(id) ? stays(before.get(id) as Value) : comes(id)]));
}

/** Where intervals were longer, the next look would be as far away as it was. */
const sooner = (health: HostHealth, atMs: number): HostHealth => ({
  ...health,
  probeDueMs: Math.min(health.probeDueMs, atMs),
  dataDueMs: Math.min(health.dataDueMs, atMs),
});

/** An order to a host that is gone is none, and what it said is not counted. */
function withoutStrangers(view: PoolView, hosts: readonly NodeId[]): PoolView {
  const knows = ({ host }: { readonly host: NodeId }): boolean => hosts.includes(host);
  return {
    ...view,
    order: view.order !== null && knows(view.order) ? view.order : null,
    tried: view.tried.filter(knows),
    standbyVotes: view.standbyVotes.filter(knows),
    standbysAsked: view.standbysAsked.filter((host) => hosts.includes(host)),
  };
}

function fittedGossip(
  before: GossipState,
  proxies: readonly NodeId[],
  { nowMs, roundDueMs }: { readonly nowMs: number; readonly roundDueMs: number },
): GossipState {
  const peers = proxies.filter((id) => id !== before.self);
  const stays = (id: NodeId): boolean => id === before.self || peers.includes(id);
  const owed = [...before.owed].filter(([peer]) => stays(peer));
  return {
    ...before,
    known: new Map([...before.known].filter(([origin]) => stays(origin))),
    peers: fitted(before.peers, peers, { stays: (peer) => peer, comes: (id) => newPeer(id, nowMs) }),
    // Drawn anew, with those that came.
    ring: [],
    busy: new Set([...before.busy].filter(stays)),
    owed: new Map(owed.map(([peer, origins]) => [peer, new Set([...origins].filter(stays))])),
    roundDueMs: Math.min(before.roundDueMs, roundDueMs),
  };
}
