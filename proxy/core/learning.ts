/** What a proxy learns of pools from what it is told: by hosts, by whom it ordered, by standbys, by other proxies. Pure. */
import { unreachable } from "../../shared/errors.ts";
import type { NodeId, PoolId } from "../../shared/ids.ts";
import { newer, type Decisions } from "../../shared/revisions/decisions.ts";
import type { Observation } from "../../shared/wire/messages.ts";
import type { FenceMessage } from "../../shared/wire/reports.ts";
import { orderFailed, orderRefused, orderServed } from "./failover.ts";
import type { Note } from "./note.ts";
import type { Content } from "./observation.ts";
import { learnReport, type PoolView, type StandbyVote } from "./pool-view.ts";
import { noted, type ProxyEffect, type ProxyEvent } from "./proxy-event.ts";
import type { Settings } from "./settings.ts";

type Pools = ReadonlyMap<PoolId, PoolView>;

/** Hosts that other proxies speak of. */
export interface Rumours {
  /** Not well, they say. */
  readonly troubled: ReadonlySet<string>;
  /** Serving in an epoch, or owner of a fence, that is new here. */
  readonly serving: ReadonlySet<string>;
}

interface LearnRules {
  readonly settings: Settings;
  readonly hosts: readonly NodeId[];
}

interface Now {
  readonly nowMs: number;
  readonly wallAheadMs: number;
}

export function learn(
  before: Pools,
  event: ProxyEvent,
  { nowMs, wallAheadMs }: Now,
  { settings, hosts }: LearnRules,
  effects: ProxyEffect[],
): Pools {
  if (event.type === "voteAnswered")
    return hosts.includes(event.host) ? learnVote(before, event, { nowMs, wallAheadMs }) : before;
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

/** The newest that anybody told: revisions are one line, written in the vault. */
export function learnDecisions(before: Decisions, event: ProxyEvent): Decisions {
  const told = event.type === "probeAnswered" ? [event.decisions ?? null] : [];
  const heard = toldBy(event).map(({ content }) => content?.decisions ?? null);
  return [...told, ...heard].reduce<Decisions>(
    (known, other) => (other === null ? known : newer(known, other)),
    before,
  );
}

function learnVote(
  before: Pools,
  { pool, host, fence, answer }: Extract<ProxyEvent, { type: "voteAnswered" }>,
  { nowMs, wallAheadMs }: Now,
): Pools {
  const view = before.get(pool);
  if (view === undefined) return before;
  const seenAtMs = Math.max(0, Math.round(nowMs + wallAheadMs));
  const vote: StandbyVote = { host, fence, verdict: answer.verdict, reason: answer.reason, heardMs: nowMs, seenAtMs };
  const standbyVotes = [...view.standbyVotes.filter((known) => known.host !== host), vote];
  return new Map(before).set(pool, { ...view, standbyVotes });
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

function orderNote(event: Extract<ProxyEvent, { type: "orderAnswered" | "orderFailed" }>): Note {
  const { pool, host } = event;
  if (event.type === "orderFailed") return { type: "order-ended", pool, host, outcome: "failed", reason: event.kind };
  return { type: "order-ended", pool, host, outcome: event.answer.outcome, reason: event.answer.reason };
}

/** What others say of a host is never believed, but looked at: trouble, or a primary of an epoch that is new here. */
export function rumoured(event: ProxyEvent, pools: Pools): Rumours {
  const contents = toldBy(event).flatMap(({ content }) => content ?? []);
  return {
    troubled: new Set(contents.flatMap(({ hosts }) => hosts.filter(isTroubled).map(({ host }) => host))),
    serving: new Set(contents.flatMap((content) => newPrimaries(content, pools))),
  };
}

const toldBy = (event: ProxyEvent): readonly Observation[] =>
  event.type === "gossipHeard" || event.type === "gossipAnswered" ? event.observations : [];

const isTroubled = ({ verdict }: Content["hosts"][number]): boolean => verdict === "suspect" || verdict === "down";

/** Who serves in an epoch that is new here, and who owns a fence that is: they are asked themselves. */
const newPrimaries = ({ pools }: Content, known: Pools): string[] =>
  pools.flatMap(({ pool, epoch, primary, fence }) => {
    const view = known.get(pool as PoolId);
    const serves = primary !== null && epoch > (view?.epoch ?? Number.MAX_SAFE_INTEGER);
    const owns =
      fence !== null && fence.epoch > (view === undefined ? Number.MAX_SAFE_INTEGER : (view.fence?.epoch ?? 0));
    return [...(serves ? [primary] : []), ...(owns ? [fence.owner] : [])];
  });
