/** What the other proxies say, as this one has heard it: the seats of a ballot, and orders that are under way. Pure. */
import type { NodeId } from "../../shared/ids.ts";
import type { PoolSighting } from "../../shared/wire/messages.ts";
import type { Seat } from "./ballot.ts";
import { peerStateOf } from "./gossip.ts";
import type { GossipRules, GossipState } from "./gossip-state.ts";
import type { Content } from "./observation.ts";
import { isSilent } from "./peers.ts";
import type { PoolView } from "./pool-view.ts";

export interface Council {
  readonly self: NodeId;
  /** Why this proxy distrusts its own clock; `null` if it does not. */
  readonly quarantined: string | null;
  readonly others: readonly Member[];
  /** Wall clock minus monotonic clock: for what people are told. */
  readonly wallAheadMs: number;
}

export interface Member {
  readonly proxy: NodeId;
  readonly isSilent: boolean;
  readonly content: Content | null;
}

export function otherMembers(gossip: GossipState, nowMs: number, rules: GossipRules): readonly Member[] {
  return [...gossip.peers.keys()].map((proxy) => ({
    proxy,
    isSilent: isSilent(peerStateOf(gossip, proxy, nowMs, rules)),
    content: gossip.known.get(proxy)?.content ?? null,
  }));
}

/** Every configured proxy's seat, in the order of their ids; the own one is what `view` says. */
export function seatsOf({ self, quarantined, others }: Council, view: PoolView): readonly Seat[] {
  const { fence, opinion, incident } = view;
  const sighting = { fence, opinion, cause: incident?.cause ?? null, seenAtMs: incident?.seenAtMs ?? null };
  const own: Seat = { proxy: self, isSilent: false, isQuarantined: quarantined !== null, sighting };
  const seats = others.map((member) => ({
    proxy: member.proxy,
    isSilent: member.isSilent,
    isQuarantined: (member.content?.quarantined ?? null) !== null,
    sighting: sightingOf(member, view),
  }));
  return [own, ...seats].sort((a, b) => (a.proxy < b.proxy ? -1 : 1));
}

/** Who else has ordered somebody to depose the owner of the newest fence; the one with the lowest id, if several have. */
export function orderElsewhere(
  { others }: Council,
  view: PoolView,
): { readonly by: NodeId; readonly host: NodeId } | null {
  const orders = others.flatMap((member) => {
    const sighting = member.isSilent ? null : sightingOf(member, view);
    const host = sighting !== null && sameFence(sighting, view) ? sighting.ordered : null;
    return host === null ? [] : [{ by: member.proxy, host: host as NodeId }];
  });
  return orders.toSorted((a, b) => (a.by < b.by ? -1 : 1))[0] ?? null;
}

const sightingOf = ({ content }: Member, { pool }: PoolView): PoolSighting | null =>
  content?.pools.find((sighting) => sighting.pool === pool) ?? null;

const sameFence = (sighting: PoolSighting, { fence }: PoolView): boolean =>
  (sighting.fence?.id ?? null) === (fence?.id ?? null);
