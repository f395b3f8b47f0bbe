/** Whom a proxy talks to, and how much it says at once: no message, and no round, grows with the cluster. Pure. */
import type { NodeId } from "../../shared/ids.ts";
import type { Digest, Observation } from "../../shared/wire/messages.ts";
import { shuffle } from "./draw.ts";
import { MAX_DIGEST, type GossipRules, type GossipState } from "./gossip-state.ts";
import { compareStamps, stampOf, type Content, type Known, type Stamp } from "./observation.ts";
import { peerState } from "./peers.ts";

/** An exchange with `peer`. */
export interface GossipEffect {
  readonly peer: NodeId;
  readonly observations: readonly Observation[];
  readonly digest: Digest;
}

export interface GossipStep {
  readonly state: GossipState;
  readonly effects: readonly GossipEffect[];
}

/** News goes to all others, up to so many; in a larger cluster to so many, who pass it on. */
export const PUSH_WIDTH = 5;
/** Of the observations in one message, by a cautious estimate. */
const MAX_CONTENT_BYTES = 128 * 1024;

/**
 * What the sender of `digest` lacks, and what this proxy lacks of what it has. A sender that was forgotten is told so. An
 * empty digest asks for nothing.
 */
export function answerDigest(
  { known }: GossipState,
  digest: Digest,
  from: NodeId,
): { readonly observations: Observation[]; readonly wanted: NodeId[] } {
  if (digest.length === 0) return { observations: [], wanted: [] };
  const shown = new Map(digest.map((stamp) => [stamp.origin, stamp]));
  const isWhole = digest.length < MAX_DIGEST;
  const newer = [...known.values()].filter((own) => {
    const stamp = shown.get(own.origin);
    if (stamp === undefined) return isWhole;
    return compareStamps(own, stamp) > 0 || (own.origin === from && own.content === null && own.version > 0);
  });
  const wanted = digest.filter((stamp) => isNewer(stamp, known)).map(({ origin }) => origin as NodeId);
  return { observations: fitting(newer), wanted };
}

/** News alone: what else either side lacks is for the rounds. */
export const sendOwed = (state: GossipState): GossipStep => sendTo(state, owedPeers(state), "news");

const owedPeers = ({ owed, busy }: GossipState): Set<NodeId> =>
  new Set([...owed.keys()].filter((peer) => !busy.has(peer)));

export function sendTo(before: GossipState, peers: ReadonlySet<NodeId>, what: "news" | "round"): GossipStep {
  let state = before;
  const effects: GossipEffect[] = [];
  for (const peer of peers) {
    const { digest, window } = what === "news" ? { digest: [], window: state.window } : digestOf(state);
    const owed = [...(state.owed.get(peer) ?? [])].flatMap((origin) => state.known.get(origin) ?? []);
    effects.push({ peer, observations: fitting(owed), digest });
    state = { ...state, window, busy: new Set(state.busy).add(peer), owed: without(state.owed, peer) };
  }
  return { state, effects };
}

/** Each peer comes once before any comes again; whom the last exchange still waits for is passed over. */
export function drawPeers(
  state: GossipState,
  count: number,
): { readonly state: GossipState; readonly drawn: NodeId[] } {
  const refilled = state.ring.length === 0 ? shuffle(state.seed, [...state.peers.keys()]) : null;
  const ring = refilled === null ? state.ring : refilled.items;
  const seed = refilled === null ? state.seed : refilled.seed;
  const drawn = ring.slice(0, count);
  const free = drawn.filter((peer) => !state.busy.has(peer));
  const rest = { ...state, ring: ring.slice(count), seed };
  if (drawn.length === count || drawn.length === state.peers.size) return { state: rest, drawn: free };
  const more = drawPeers({ ...rest, ring: [] }, count - drawn.length);
  return { state: more.state, drawn: [...free, ...more.drawn.filter((peer) => !free.includes(peer))] };
}

/** All others, or some of those who live. */
export function pushTargets(
  state: GossipState,
  origin: NodeId,
  nowMs: number,
  { bounds }: GossipRules,
): readonly NodeId[] {
  const others = [...state.peers.values()].filter(({ id }) => id !== origin);
  if (state.peers.size <= PUSH_WIDTH) return others.map(({ id }) => id);
  const living = others.filter((peer) => peerState(peer, nowMs, bounds) !== "dead").map(({ id }) => id);
  return shuffle(state.seed, living).items.slice(0, PUSH_WIDTH);
}

function digestOf({ known, self, window }: GossipState): { readonly digest: Digest; readonly window: number } {
  const own = known.get(self) as Observation;
  const others = [...known.values()].filter(({ origin }) => origin !== self);
  if (others.length < MAX_DIGEST) return { digest: [own, ...others].map(stampOf), window: 0 };
  const count = MAX_DIGEST - 1;
  const shown = Array.from({ length: count }, (_, index) => others[(window + index) % others.length] as Observation);
  return { digest: [own, ...shown].map(stampOf), window: (window + count) % others.length };
}

export function owe(state: GossipState, peers: readonly NodeId[], origins: readonly NodeId[]): GossipState {
  if (origins.length === 0) return state;
  const owed = new Map(state.owed);
  for (const peer of peers) owed.set(peer, new Set([...(owed.get(peer) ?? []), ...origins]));
  return { ...state, owed };
}

/** In the order given, until the message is full; one always fits. */
function fitting(observations: readonly Observation[]): Observation[] {
  let bytes = 0;
  return observations.filter((observation, index) => {
    bytes += weightBytes(observation);
    return index === 0 || bytes <= MAX_CONTENT_BYTES;
  });
}

const remarksBytes = ({ configProblem, pendingRestart = [] }: Content): number =>
  JSON.stringify([configProblem, pendingRestart]).length;

/** JSON of each part, rounded up. */
const weightBytes = ({ content }: Observation): number =>
  content === null
    ? 200
    : 600 +
      remarksBytes(content) +
      content.hosts.length * 120 +
      content.pools.length * 700 +
      content.clocks.length * 120;

const isNewer = (stamp: Stamp, known: Known): boolean => {
  const own = known.get(stamp.origin as NodeId);
  return own === undefined || compareStamps(stamp, own) > 0;
};

function without<Key, Value>(map: ReadonlyMap<Key, Value>, key: Key): ReadonlyMap<Key, Value> {
  const rest = new Map(map);
  rest.delete(key);
  return rest;
}
