/** What a proxy has of all proxies, and how much it may say: the state of its gossip, and its bounds. Pure. */
import type { Config } from "../../shared/config/config.ts";
import type { NodeId } from "../../shared/ids.ts";
import type { Observation } from "../../shared/wire/messages.ts";
import type { Content, Known } from "./observation.ts";
import { newPeer, type Peer, type PeerBounds } from "./peers.ts";

export interface GossipState {
  readonly self: NodeId;
  /** Also what this proxy itself sees. */
  readonly known: Known;
  readonly peers: ReadonlyMap<NodeId, Peer>;
  /** Whom rounds still have to reach before any is drawn again. */
  readonly ring: readonly NodeId[];
  readonly seed: number;
  readonly roundDueMs: number;
  /** Where the next digest begins, if it cannot hold all. */
  readonly window: number;
  /** Peers with an exchange under way: the next waits for its end. */
  readonly busy: ReadonlySet<NodeId>;
  /** Origins of which a peer is to be told. */
  readonly owed: ReadonlyMap<NodeId, ReadonlySet<NodeId>>;
  /** Own news that may wait for the next round. */
  readonly stale: Content | null;
}

export interface GossipRules {
  readonly intervalMs: number;
  readonly fanout: number;
  readonly forgetMs: number;
  readonly bounds: PeerBounds;
}

/** A suspect is dead after so many times as long as it takes to suspect it. */
const DEAD_AFTER = 3;
/** Entries of one digest. */
export const MAX_DIGEST = 64;

export function newGossipState(
  self: NodeId,
  { bootId, proxies, seed }: { readonly bootId: string; readonly proxies: readonly NodeId[]; readonly seed: number },
  nowMs: number,
): GossipState {
  const own: Observation = { origin: self, incarnation: 1, bootId, version: 0, beat: 0, content: null };
  return {
    self,
    known: new Map([[self, own]]),
    peers: new Map(proxies.filter((id) => id !== self).map((id) => [id, newPeer(id, nowMs)])),
    ring: [],
    seed,
    roundDueMs: nowMs,
    window: 0,
    busy: new Set(),
    owed: new Map(),
    stale: null,
  };
}

export function ownOf({ known, self }: GossipState): Observation {
  return known.get(self) as Observation;
}

export const withOwn = (state: GossipState, own: Observation): GossipState => ({
  ...state,
  known: new Map(state.known).set(state.self, own),
});

interface Tuning extends Pick<Config, "gossip" | "health"> {
  readonly proxies: readonly unknown[];
}

/**
 * A peer is suspect after as many rounds as a host is given misses, and those that a beat needs to come all the way round:
 * more, where a digest cannot hold all.
 */
export function gossipRules({ gossip, health, proxies }: Tuning): GossipRules {
  const { intervalMs, fanout, forgetMs } = gossip;
  const spread = Math.ceil(Math.log(Math.max(2, proxies.length)) / Math.log(1 + fanout));
  const turns = Math.ceil(proxies.length / MAX_DIGEST);
  const suspectMs = (health.failures - 1 + spread * turns) * intervalMs;
  return { intervalMs, fanout, forgetMs, bounds: { suspectMs, deadMs: DEAD_AFTER * suspectMs } };
}
