/**
 * How proxies keep one another informed. Pure.
 *
 * What this proxy sees goes to the others at once when it matters, and in any case in rounds: each round it shows a few
 * of them, drawn by chance, which versions it has; both sides then send what the other lacks. A round's messages, and
 * the bytes of each, have a bound that does not grow with the cluster. Nothing of it is ever decided here: see `ballot.ts`.
 *
 * A new life begins at incarnation 1 and goes above whatever it hears of its own earlier ones, so nothing has to be kept
 * over a restart, and no clock says which life is later.
 */
import type { NodeId } from "../../shared/ids.ts";
import type { Digest, Observation } from "../../shared/wire/messages.ts";
import { draw } from "./draw.ts";
import { drawPeers, owe, PUSH_WIDTH, pushTargets, sendOwed, sendTo, type GossipStep } from "./gossip-sending.ts";
import { ownOf, withOwn, type GossipRules, type GossipState } from "./gossip-state.ts";
import { compareLives, isLivelier, mergeObservations, type Content, type Stamp } from "./observation.ts";
import { peerForgiven, peerHeard, peerRefused, peerState, type PeerState } from "./peers.ts";
import type { FailureKind } from "./probe-channel.ts";

export type GossipEvent =
  | { readonly type: "tick" }
  /** What this proxy itself sees now. */
  | { readonly type: "saw"; readonly content: Content }
  /** A peer sent this. */
  | {
      readonly type: "heard";
      readonly from: NodeId;
      readonly observations: readonly Observation[];
      readonly digest: Digest;
    }
  | {
      readonly type: "answered";
      readonly peer: NodeId;
      readonly observations: readonly Observation[];
      readonly wanted: readonly string[];
    }
  | { readonly type: "failed"; readonly peer: NodeId; readonly kind: FailureKind }
  /** This proxy did not run for so long. */
  | { readonly type: "away"; readonly awayMs: number };

export function stepGossip(before: GossipState, event: GossipEvent, nowMs: number, rules: GossipRules): GossipStep {
  const state = take(before, event, nowMs, rules);
  return state.roundDueMs <= nowMs ? beginRound(state, nowMs, rules) : sendOwed(state);
}

export const peerStateOf = (state: GossipState, peer: NodeId, nowMs: number, { bounds }: GossipRules): PeerState => {
  const known = state.peers.get(peer);
  return known === undefined ? "unknown" : peerState(known, nowMs, bounds);
};

function take(state: GossipState, event: GossipEvent, nowMs: number, rules: GossipRules): GossipState {
  switch (event.type) {
    case "tick":
      return state;
    case "saw":
      return saw(state, event.content, nowMs, rules);
    case "heard":
      return learnAll(heardFrom(state, event.from, nowMs), event, nowMs, rules);
    case "answered": {
      const told = { from: event.peer, observations: event.observations, digest: [] };
      const learned = learnAll(ended(heardFrom(state, event.peer, nowMs), event.peer), told, nowMs, rules);
      return owe(learned, [event.peer], event.wanted as NodeId[]);
    }
    case "failed":
      return failed(ended(state, event.peer), event.peer, event.kind, nowMs);
    case "away":
      return { ...state, peers: mapValues(state.peers, (peer) => peerForgiven(peer, event.awayMs)) };
  }
}

// --- What this proxy says ---------------------------------------------------------------------------------------------

/** A new version at once where somebody may have to act on it; else with the next round. */
function saw(state: GossipState, content: Content, nowMs: number, rules: GossipRules): GossipState {
  const own = ownOf(state);
  if (own.content !== null && !matters(own.content, content)) return { ...state, stale: content };
  return owe(publish(state, content), pushTargets(state, state.self, nowMs, rules), [state.self]);
}

function publish(state: GossipState, content: Content): GossipState {
  const own = ownOf(state);
  if (JSON.stringify(own.content) === JSON.stringify(content)) return { ...state, stale: null };
  return { ...withOwn(state, { ...own, version: own.version + 1, content }), stale: null };
}

/** Whether what is seen of hosts or pools differs, the trust in oneself, or what operations decided. */
function matters(before: Content, after: Content): boolean {
  const essence = ({ hosts, pools, quarantined, decisions }: Content): string =>
    JSON.stringify([hosts, pools, quarantined, decisions?.revision ?? 0]);
  return essence(before) !== essence(after);
}

// --- What it learns ---------------------------------------------------------------------------------------------------

interface Told {
  readonly from: NodeId;
  readonly observations: readonly Observation[];
  readonly digest: Digest;
}

/** Of a proxy that is not configured nothing is learned: a stranger cannot make this grow. */
function learnAll(before: GossipState, told: Told, nowMs: number, rules: GossipRules): GossipState {
  const [known, peers] = [new Map(before.known), new Map(before.peers)];
  const hear = (origin: NodeId, after: Observation): void => {
    const peer = peers.get(origin);
    const last = known.get(origin);
    if (peer !== undefined && (last === undefined || isLivelier(after, last)))
      peers.set(origin, peerHeard(peer, nowMs));
    known.set(origin, after);
  };
  const news = told.observations.filter((observation) => {
    const origin = observation.origin as NodeId;
    const last = known.get(origin);
    if (!peers.has(origin)) return false;
    hear(origin, last === undefined ? observation : mergeObservations(last, observation));
    return isNews(last, known.get(origin) as Observation);
  });
  for (const stamp of told.digest) {
    const last = known.get(stamp.origin as NodeId);
    if (stamp.origin !== before.self && last !== undefined && compareLives(stamp, last) === 0 && stamp.beat > last.beat)
      hear(last.origin as NodeId, { ...last, beat: stamp.beat });
  }
  known.set(before.self, refuted(ownOf(before), told));
  const learned = { ...before, known, peers };
  return news.reduce<GossipState>(
    (state, { origin }) => passOn(state, origin as NodeId, told.from, nowMs, rules),
    learned,
  );
}

/** What is said of this proxy by its earlier lives, or that it was forgotten, is answered by a version above it. */
function refuted(own: Observation, { observations, digest }: Told): Observation {
  return [...observations, ...digest].filter(({ origin }) => origin === own.origin).reduce<Observation>(aboveIt, own);
}

function aboveIt(own: Observation, told: Stamp & { readonly content?: unknown }): Observation {
  const lives = compareLives(told, own);
  if (lives > 0) return { ...own, incarnation: told.incarnation + 1 };
  const isForgotten = told.content === null && own.content !== null && told.version >= own.version;
  return lives === 0 && isForgotten ? { ...own, version: told.version + 1 } : own;
}

function isNews(before: Observation | undefined, after: Observation): boolean {
  if (after.content === null) return false;
  return before === undefined || before.content === null || matters(before.content, after.content);
}

/** Where an origin cannot tell all the others itself, those who hear it pass it on once. */
function passOn(state: GossipState, origin: NodeId, from: NodeId, nowMs: number, rules: GossipRules): GossipState {
  if (state.peers.size <= PUSH_WIDTH) return state;
  const drawn = draw(state.seed, 1 << 30);
  const next = { ...state, seed: drawn.seed };
  const targets = pushTargets(next, origin, nowMs, rules).filter((peer) => peer !== from);
  return owe(next, targets, [origin]);
}

// --- Rounds -----------------------------------------------------------------------------------------------------------

function beginRound(before: GossipState, nowMs: number, rules: GossipRules): GossipStep {
  const told = before.stale === null ? before : publish(before, before.stale);
  const own = ownOf(told);
  const beaten = withOwn(forget(told, nowMs, rules), { ...own, beat: own.beat + 1 });
  const { state, drawn } = drawPeers({ ...beaten, roundDueMs: nowMs + rules.intervalMs }, rules.fanout);
  const round = sendTo(state, new Set(drawn), "round");
  const news = sendOwed(round.state);
  return { state: news.state, effects: [...round.effects, ...news.effects] };
}

// --- Who lives --------------------------------------------------------------------------------------------------------

function heardFrom(state: GossipState, id: NodeId, nowMs: number): GossipState {
  const peer = state.peers.get(id);
  return peer === undefined ? state : { ...state, peers: new Map(state.peers).set(id, peerHeard(peer, nowMs)) };
}

/** Only what says that no process is there counts at once; a slow peer is told by its beat. */
function failed(state: GossipState, id: NodeId, kind: FailureKind, nowMs: number): GossipState {
  const peer = state.peers.get(id);
  if (peer === undefined || kind !== "refused") return state;
  return { ...state, peers: new Map(state.peers).set(id, peerRefused(peer, nowMs)) };
}

function ended(state: GossipState, peer: NodeId): GossipState {
  const busy = new Set(state.busy);
  busy.delete(peer);
  return { ...state, busy };
}

/** What the long dead saw; its version stays, so that nobody can bring it back. */
function forget(state: GossipState, nowMs: number, { forgetMs }: GossipRules): GossipState {
  const known = new Map(state.known);
  for (const { id, heardMs, awaitedMs } of state.peers.values()) {
    const observation = known.get(id);
    if (observation?.content && nowMs - (heardMs ?? awaitedMs) >= forgetMs)
      known.set(id, { ...observation, content: null });
  }
  return { ...state, known };
}

const mapValues = <Key, Value>(map: ReadonlyMap<Key, Value>, change: (value: Value) => Value): Map<Key, Value> =>
  new Map([...map].map(([key, value]) => [key, change(value)]));
