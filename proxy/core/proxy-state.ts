/**
 * All that one proxy decides on, in one step function: hosts' health, pools' views, routes. Pure: effects are data, and
 * the shell (`proxy.ts`) performs them. Time comes in with each event; `wakeMs` says when to come back if nothing is heard.
 */
import type { NodeId, PoolId } from "../../shared/ids.ts";
import { unreachable } from "../../shared/errors.ts";
import type { Answer, FenceMessage, HostReport } from "../../shared/wire/messages.ts";
import { decide, isOpen, orderFailed, orderRefused, orderServed, watched, type PoolRules } from "./failover.ts";
import { healthWakeMs, newHostHealth, stepHealth, type HealthEvent, type HostHealth } from "./host-health.ts";
import { poolNotes, quarantineNotes, verdictNotes, type Note } from "./note.ts";
import { learnReport, newPoolView, type Order, type PoolView } from "./pool-view.ts";
import type { FailureKind } from "./probe-channel.ts";
import type { Settings } from "./settings.ts";

export interface ProxyState {
  readonly hosts: ReadonlyMap<NodeId, HostHealth>;
  readonly pools: ReadonlyMap<PoolId, PoolView>;
  readonly routes: ReadonlyMap<PoolId, Route>;
  readonly seenMs: number;
}

/** Where a pool's requests go. `null`: they wait. */
export type Route = { readonly host: NodeId; readonly epoch: number } | null;

export interface Rules {
  readonly settings: Settings;
  readonly hosts: readonly NodeId[];
  readonly pools: readonly PoolRules[];
}

export type ProxyEvent =
  | { readonly type: "tick" }
  | { readonly type: "probeAnswered"; readonly host: NodeId; readonly sentMs: number; readonly report: HostReport }
  | { readonly type: "probeFailed"; readonly host: NodeId; readonly sentMs: number; readonly kind: FailureKind }
  | { readonly type: "dataAnswered"; readonly host: NodeId; readonly sentMs: number }
  | { readonly type: "dataFailed"; readonly host: NodeId; readonly sentMs: number; readonly kind: FailureKind }
  /** A real request met an error, or an answer that says it went to the wrong host. */
  | { readonly type: "trafficFailed"; readonly host: NodeId }
  | {
      readonly type: "orderAnswered";
      readonly pool: PoolId;
      readonly host: NodeId;
      readonly sentMs: number;
      readonly answer: Answer<"promote">;
    }
  | {
      readonly type: "orderFailed";
      readonly pool: PoolId;
      readonly host: NodeId;
      readonly sentMs: number;
      readonly kind: FailureKind;
    };

export type ProxyEffect =
  | { readonly type: "probe"; readonly host: NodeId; readonly bootId: string | null }
  | { readonly type: "probeData"; readonly host: NodeId }
  | { readonly type: "promote"; readonly pool: PoolId; readonly order: Order }
  /** From now on. */
  | { readonly type: "route"; readonly pool: PoolId; readonly route: Route }
  /** Down or replaced: what waits for this host's answer, up to this epoch, is to be sent again. Follows the new route. */
  | { readonly type: "abandon"; readonly pool: PoolId; readonly host: NodeId; readonly epoch: number }
  | { readonly type: "note"; readonly note: Note };

export interface ProxyStep {
  readonly state: ProxyState;
  readonly effects: readonly ProxyEffect[];
  readonly wakeMs: number;
}

export function newProxyState(rules: Rules, nowMs: number): ProxyState {
  return {
    hosts: new Map(rules.hosts.map((host) => [host, newHostHealth(host, nowMs)])),
    pools: new Map(rules.pools.map(({ pool }) => [pool, newPoolView(pool, nowMs)])),
    routes: new Map(rules.pools.map(({ pool }) => [pool, null])),
    seenMs: nowMs,
  };
}

export function stepProxy(before: ProxyState, event: ProxyEvent, nowMs: number, rules: Rules): ProxyStep {
  const effects: ProxyEffect[] = [];
  const woken = nowMs - before.seenMs > rules.settings.awayMs;
  let hosts = stepHosts(before.hosts, woken ? awayFrom : nothing, nowMs, rules, effects);
  hosts = stepHosts(hosts, (host) => healthEvent(event, host), nowMs, rules, effects);
  const learned = learn(before.pools, event, nowMs, rules, effects);
  const decided = decideAll(learned, hosts, nowMs, rules, effects);
  hosts = stepHosts(hosts, (host, health) => paceEvent(host, health, decided.pools, hosts), nowMs, rules, effects);
  const routes = routeAll(before, decided.pools, hosts, effects);
  const wakeMs = Math.min(decided.wakeMs, ...[...hosts.values()].map(healthWakeMs));
  return { state: { hosts, pools: decided.pools, routes, seenMs: nowMs }, effects, wakeMs };
}

type EventFor = (host: NodeId, health: HostHealth) => HealthEvent | null;

const awayFrom: EventFor = () => ({ type: "away" });
const nothing: EventFor = () => null;

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
  if (event.type === "tick") return event;
  if (event.host !== host) return null;
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
      return null;
    case "orderFailed":
      return event.kind === "refused" || event.kind === "reset" ? { type: "trafficFailed" } : null;
    default:
      return unreachable(event);
  }
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

function learn(
  before: ReadonlyMap<PoolId, PoolView>,
  event: ProxyEvent,
  nowMs: number,
  { settings, hosts }: Rules,
  effects: ProxyEffect[],
): ReadonlyMap<PoolId, PoolView> {
  if (event.type === "probeAnswered") {
    if (!hosts.includes(event.host) || event.report.host !== event.host) return before;
    return new Map([...before].map(([pool, view]) => [pool, learnReport(view, event.report, event.sentMs, nowMs)]));
  }
  if (event.type !== "orderAnswered" && event.type !== "orderFailed") return before;
  const view = before.get(event.pool);
  if (view === undefined) return before;
  const untilMs = nowMs + settings.retryMs;
  const learned =
    event.type === "orderFailed" ? endFailed(view, event, untilMs) : takeAnswer(view, event, { nowMs, untilMs });
  effects.push(...noted([orderNote(event)]));
  return new Map(before).set(event.pool, learned);
}

/** An order that was given up meanwhile, or given anew, is not touched by the old one's failure. */
function endFailed(view: PoolView, { host, sentMs }: { host: NodeId; sentMs: number }, untilMs: number): PoolView {
  return view.order?.host === host && view.order.sentMs === sentMs ? orderFailed(view, host, untilMs) : view;
}

function takeAnswer(
  view: PoolView,
  { host, sentMs, answer }: Extract<ProxyEvent, { type: "orderAnswered" }>,
  at: { readonly nowMs: number; readonly untilMs: number },
): PoolView {
  switch (answer.outcome) {
    case "accepted":
      return view;
    case "serving":
      return isOwn(answer.fence, host)
        ? orderServed(view, host, answer.fence, at.nowMs)
        : endFailed(view, { host, sentMs }, at.untilMs);
    case "refused":
      return orderRefused(view, host, answer.fence, at);
    default:
      return unreachable(answer.outcome);
  }
}

const isOwn = (fence: FenceMessage | null, host: NodeId): fence is FenceMessage => fence?.owner === host;

function decideAll(
  before: ReadonlyMap<PoolId, PoolView>,
  hosts: ReadonlyMap<NodeId, HostHealth>,
  nowMs: number,
  rules: Rules,
  effects: ProxyEffect[],
): { readonly pools: ReadonlyMap<PoolId, PoolView>; readonly wakeMs: number } {
  const pools = new Map(before);
  let wakeMs = Number.POSITIVE_INFINITY;
  for (const poolRules of rules.pools) {
    const view = before.get(poolRules.pool) ?? newPoolView(poolRules.pool, nowMs);
    const decision = decide(view, hosts, nowMs, poolRules, rules.settings);
    pools.set(poolRules.pool, decision.view);
    wakeMs = Math.min(wakeMs, decision.wakeMs);
    if (decision.order !== null) effects.push(...orderEffects(poolRules.pool, decision.order));
    effects.push(...noted(poolNotes(view, decision.view, nowMs)));
  }
  return { pools, wakeMs };
}

function orderEffects(pool: PoolId, order: Order): ProxyEffect[] {
  const { host, fence, cause } = order;
  return [{ type: "promote", pool, order }, ...noted([{ type: "ordered", pool, host, fence, cause }])];
}

function orderNote(event: Extract<ProxyEvent, { type: "orderAnswered" | "orderFailed" }>): Note {
  const { pool, host } = event;
  if (event.type === "orderFailed") return { type: "order-ended", pool, host, outcome: "failed", reason: event.kind };
  return { type: "order-ended", pool, host, outcome: event.answer.outcome, reason: event.answer.reason };
}

const noted = (notes: readonly Note[]): ProxyEffect[] => notes.map((note) => ({ type: "note", note }));

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
