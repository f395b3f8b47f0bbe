/**
 * All that one proxy decides on, in one step function: hosts' health, what other proxies see, pools' views, routes. Pure:
 * effects are data, and the shell (`proxy.ts`) performs them. Time comes in with each event; `wakeMs` says when to come
 * back if nothing is heard.
 */
import type { NodeId, PoolId } from "../../shared/ids.ts";
import { unreachable } from "../../shared/errors.ts";
import {
  excludedNodes,
  exclusionOf,
  maintenanceAt,
  NO_DECISIONS,
  type Decisions,
} from "../../shared/revisions/decisions.ts";
import { otherMembers, type Council } from "./council.ts";
import { decide, isOpen, watched, type PoolRules, type Situation } from "./failover.ts";
import { stepGossip, type GossipEvent } from "./gossip.ts";
import { newGossipState, type GossipRules, type GossipState } from "./gossip-state.ts";
import { hostLoad } from "./host-load.ts";
import { healthWakeMs, newHostHealth, stepHealth, type HealthEvent, type HostHealth } from "./host-health.ts";
import { decisionNotes, peerNotes, poolNotes, quarantineNotes, verdictNotes } from "./note.ts";
import { contentOf, type OwnState } from "./own-sight.ts";
import { newPoolView, type Order, type PoolView } from "./pool-view.ts";
import { noted, type ProxyEffect, type ProxyEvent, type Route } from "./proxy-event.ts";
import { learn, learnDecisions, rumoured, type Rumours } from "./learning.ts";
import { reconfigured } from "./reconfigured.ts";
import type { Settings } from "./settings.ts";
import { noStrain, strainAfter, strained, type Strain } from "./strain.ts";

export interface ProxyState {
  readonly hosts: ReadonlyMap<NodeId, HostHealth>;
  readonly pools: ReadonlyMap<PoolId, PoolView>;
  readonly routes: ReadonlyMap<PoolId, Route>;
  readonly gossip: GossipState;
  readonly own: OwnState;
  /** What operations decided, as far as this proxy has heard. */
  readonly decisions: Decisions;
  readonly strain: Strain;
  readonly seenMs: number;
  /** When the next step is due at the latest. */
  readonly dueMs: number;
}

export interface Rules {
  readonly self: NodeId;
  /** All configured proxies, this one included. */
  readonly proxies: readonly NodeId[];
  readonly settings: Settings;
  readonly gossip: GossipRules;
  readonly hosts: readonly NodeId[];
  readonly pools: readonly PoolRules[];
}

export interface ProxyStep {
  readonly state: ProxyState;
  readonly effects: readonly ProxyEffect[];
  readonly wakeMs: number;
}

export interface ProxyBirth {
  readonly bootId: string;
  /** Chance, for the rounds of gossip. */
  readonly seed: number;
  readonly own: OwnState;
}

export function newProxyState(rules: Rules, { bootId, seed, own }: ProxyBirth, nowMs: number): ProxyState {
  return {
    hosts: new Map(rules.hosts.map((host) => [host, newHostHealth(host, nowMs)])),
    pools: new Map(rules.pools.map(({ pool }) => [pool, newPoolView(pool, nowMs)])),
    routes: new Map(rules.pools.map(({ pool }) => [pool, null])),
    gossip: newGossipState(rules.self, { bootId, proxies: rules.proxies, seed }, nowMs),
    own,
    decisions: NO_DECISIONS,
    strain: noStrain,
    seenMs: nowMs,
    dueMs: nowMs,
  };
}

export function stepProxy(earlier: ProxyState, event: ProxyEvent, nowMs: number, given: Rules): ProxyStep {
  const effects: ProxyEffect[] = [];
  const before = event.type === "configured" ? reconfigured(earlier, nowMs, given) : earlier;
  const strain = strainAfter(before.strain, { dueMs: before.dueMs, nowMs }, given.settings);
  const rules = { ...given, settings: strained(given.settings, strain) };
  const woken = nowMs - before.seenMs > rules.settings.awayMs;
  let hosts = stepHosts(before.hosts, woken ? awayFrom : nothing, nowMs, rules, effects);
  let gossip = woken
    ? stepPeers(before.gossip, { type: "away", awayMs: nowMs - before.seenMs }, nowMs, rules, effects)
    : before.gossip;
  hosts = stepHosts(hosts, (host) => healthEvent(event, host), nowMs, rules, effects);
  gossip = stepPeers(gossip, gossipEvent(event), nowMs, rules, effects);
  const own = event.type === "own" ? event.own : before.own;
  const learned = learn(before.pools, event, { nowMs, wallAheadMs: own.wallAheadMs }, rules, effects);
  const decisions = learnDecisions(before.decisions, event);
  if (decisions !== before.decisions) effects.push(...noted(decisionNotes(before.decisions, decisions)));
  const council = councilOf({ gossip, own, decisions }, nowMs, rules);
  const situation = { hosts, council, nowMs, ...standing(decisions, { nowMs, own, self: rules.self }) };
  const decided = decideAll({ known: before.pools, learned }, situation, rules, effects);
  hosts = stepHosts(hosts, (host, health) => paceEvent(host, health, decided.pools, hosts), nowMs, rules, effects);
  hosts = stepHosts(hosts, looksAt(rumoured(event, before.pools)), nowMs, rules, effects);
  const routes = routeAll(before, decided.pools, hosts, effects);
  gossip = stepPeers(
    gossip,
    { type: "saw", content: contentOf(own, hosts, decided.pools, decisions) },
    nowMs,
    rules,
    effects,
  );
  effects.push(...noted(peerNotes(before.gossip, gossip, { beforeMs: before.seenMs, nowMs }, rules.gossip)));
  const wakeMs = Math.min(decided.wakeMs, gossip.roundDueMs, ...[...hosts.values()].map(healthWakeMs));
  const state = { hosts, pools: decided.pools, routes, gossip, own, decisions, strain, seenMs: nowMs, dueMs: wakeMs };
  return { state, effects, wakeMs };
}

type EventFor = (host: NodeId, health: HostHealth) => HealthEvent | null;

const awayFrom: EventFor = () => ({ type: "away" });
const nothing: EventFor = () => null;

const looksAt =
  ({ troubled, serving }: Rumours): EventFor =>
  (host, { verdict }) =>
    serving.has(host) || (verdict.type === "up" && troubled.has(host)) ? { type: "trafficFailed" } : null;

function stepHosts(
  before: ReadonlyMap<NodeId, HostHealth>,
  eventFor: EventFor,
  nowMs: number,
  { settings }: Rules,
  effects: ProxyEffect[],
): ReadonlyMap<NodeId, HostHealth> {
  const after = new Map(before);
  for (const [host, health] of before) {
    const event = eventFor(host, health);
    if (event === null) continue;
    const step = stepHealth(health, event, nowMs, settings);
    after.set(host, step.health);
    effects.push(
      ...step.effects.map((effect) => probeEffect(step.health, effect)),
      ...noted([...verdictNotes(health, step.health), ...quarantineNotes(health, step.health)]),
    );
  }
  return after;
}

/** The boot id binds a probe to the process that answered last; whether that one still lives is unknown once one failed. */
function probeEffect({ host, report, control }: HostHealth, effect: "probe" | "probeData"): ProxyEffect {
  if (effect === "probeData") return { type: "probeData", host };
  return { type: "probe", host, bootId: control.lastFailure === null ? (report?.body.bootId ?? null) : null };
}

function healthEvent(event: ProxyEvent, host: NodeId): HealthEvent | null {
  if (event.type === "tick" || event.type === "configured") return { type: "tick" };
  if (!("host" in event) || event.host !== host) return null;
  switch (event.type) {
    case "probeAnswered":
      return { type: "answered", report: event.report, sentMs: event.sentMs };
    case "probeFailed":
      return { type: "failed", kind: event.kind, sentMs: event.sentMs };
    case "dataAnswered":
    case "dataFailed":
    case "trafficFailed":
      return event;
    case "orderAnswered":
    case "voteAnswered":
      return null;
    case "orderFailed":
      return event.kind === "refused" || event.kind === "reset" ? { type: "trafficFailed" } : null;
    default:
      return unreachable(event);
  }
}

function stepPeers(
  before: GossipState,
  event: GossipEvent | null,
  nowMs: number,
  { gossip: rules }: Rules,
  effects: ProxyEffect[],
): GossipState {
  if (event === null) return before;
  const step = stepGossip(before, event, nowMs, rules);
  effects.push(...step.effects.map((exchange): ProxyEffect => ({ type: "gossip", exchange })));
  return step.state;
}

function gossipEvent(event: ProxyEvent): GossipEvent | null {
  switch (event.type) {
    case "tick":
    case "configured":
      return { type: "tick" };
    case "gossipHeard":
      return { ...event, type: "heard" };
    case "gossipAnswered":
      return { ...event, type: "answered" };
    case "gossipFailed":
      return { ...event, type: "failed" };
    default:
      return null;
  }
}

/** Who was taken out, or removed, has no seat. */
export const councilOf = (
  { gossip, own, decisions }: Pick<ProxyState, "gossip" | "own" | "decisions">,
  nowMs: number,
  rules: Pick<Rules, "self" | "gossip">,
): Council => ({
  self: rules.self,
  quarantined: own.quarantined,
  others: otherMembers(gossip, nowMs, rules.gossip).filter(({ proxy }) => exclusionOf(decisions, proxy) === null),
  wallAheadMs: own.wallAheadMs,
});

/** Whether this proxy may order anybody by itself, and who may not be ordered. */
function standing(
  decisions: Decisions,
  { nowMs, own, self }: { readonly nowMs: number; readonly own: OwnState; readonly self: NodeId },
): Pick<Situation, "restsUntilMs" | "offline"> {
  const offline = excludedNodes(decisions) as readonly NodeId[];
  if (offline.includes(self)) return { restsUntilMs: Number.POSITIVE_INFINITY, offline };
  const maintenance = maintenanceAt(decisions, nowMs + own.wallAheadMs);
  if (maintenance === null) return { restsUntilMs: null, offline };
  const { untilMs } = maintenance;
  return { restsUntilMs: untilMs === null ? Number.POSITIVE_INFINITY : untilMs - own.wallAheadMs, offline };
}

function paceEvent(
  host: NodeId,
  health: HostHealth,
  pools: ReadonlyMap<PoolId, PoolView>,
  hosts: ReadonlyMap<NodeId, HostHealth>,
): HealthEvent | null {
  const pace = [...pools.values()].some((view) => watched(view, hosts).includes(host)) ? "ordered" : "normal";
  return pace === health.pace ? null : { type: "paced", pace };
}

function decideAll(
  {
    known,
    learned,
  }: { readonly known: ReadonlyMap<PoolId, PoolView>; readonly learned: ReadonlyMap<PoolId, PoolView> },
  seen: Omit<Situation, "rules" | "settings" | "load">,
  rules: Rules,
  effects: ProxyEffect[],
): { readonly pools: ReadonlyMap<PoolId, PoolView>; readonly wakeMs: number } {
  const pools = new Map(learned);
  let wakeMs = Number.POSITIVE_INFINITY;
  for (const poolRules of rules.pools) {
    const { pool } = poolRules;
    const view = learned.get(pool) ?? newPoolView(pool, seen.nowMs);
    const load = (host: NodeId): number => hostLoad(pools, pool, host);
    const decision = decide(view, { ...seen, rules: poolRules, settings: rules.settings, load });
    pools.set(pool, decision.view);
    wakeMs = Math.min(wakeMs, decision.wakeMs);
    const fence = decision.view.fence?.id ?? null;
    effects.push(...decision.ask.map((standby): ProxyEffect => ({ type: "askVote", pool, fence, ...standby })));
    if (decision.order !== null) effects.push(...orderEffects(pool, decision.order));
    effects.push(...noted(poolNotes(known.get(pool) ?? view, decision.view, seen.nowMs)));
  }
  return { pools, wakeMs };
}

function orderEffects(pool: PoolId, order: Order): ProxyEffect[] {
  const { host, fence, cause, votes } = order;
  return [{ type: "promote", pool, order }, ...noted([{ type: "ordered", pool, host, fence, cause, votes }])];
}

function routeAll(
  before: ProxyState,
  pools: ReadonlyMap<PoolId, PoolView>,
  hosts: ReadonlyMap<NodeId, HostHealth>,
  effects: ProxyEffect[],
): ReadonlyMap<PoolId, Route> {
  const routes = new Map(before.routes);
  for (const [pool, view] of pools) {
    const route = view.claim !== null && isOpen(view, hosts) ? { host: view.claim.host, epoch: view.epoch } : null;
    const old = before.routes.get(pool) ?? null;
    if (route?.host !== old?.host || route?.epoch !== old?.epoch) {
      routes.set(pool, route);
      effects.push({ type: "route", pool, route });
    }
    if (isAbandoned(before, view, hosts)) effects.push(...abandon(before.pools.get(pool)));
  }
  return routes;
}

/** A paused host keeps its connections open: what was sent to it would wait for ever. */
function isAbandoned(before: ProxyState, view: PoolView, hosts: ReadonlyMap<NodeId, HostHealth>): boolean {
  const old = before.pools.get(view.pool)?.claim ?? null;
  if (old === null) return false;
  const isDown = hosts.get(old.host)?.verdict.type === "down";
  return view.claim?.fence.id !== old.fence.id || (isDown && before.hosts.get(old.host)?.verdict.type !== "down");
}

const abandon = (view: PoolView | undefined): ProxyEffect[] =>
  view?.claim ? [{ type: "abandon", pool: view.pool, host: view.claim.host, epoch: view.claim.fence.epoch }] : [];
