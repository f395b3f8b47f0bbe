/** The one entry to a pool's decisions: what happened goes in, the new state and what to do come out. Pure. */
import { assert } from "../../shared/errors.ts";
import type { Role } from "../../shared/wire/role.ts";
import type { PoolEvent, PoolState, PoolStep, Settings } from "./pool-state.ts";
import { stepPrimary } from "./primary.ts";
import { awaitsEnrol, beginYield, mayBeDeposed, noteEnrolled, yields } from "./rejoin.ts";
import { mayBecome } from "./role.ts";
import { stepRestoring, stepStandby } from "./standby.ts";
import { beginTakeover, stepTakeover } from "./takeover.ts";
import { answerTickets, becomeStandby, stay } from "./transitions.ts";

export function initialPool(settings: Settings): PoolState {
  return {
    settings,
    phase: { type: "offline" },
    applied: null,
    newestFence: null,
    voidFence: null,
    lastTenure: null,
    seenFence: null,
    failedSlot: null,
    unfit: null,
    alarm: null,
    offline: null,
    heir: null,
    yieldsUntilMs: null,
    enrolled: null,
    atHeadMs: null,
    freshMs: null,
    calls: 0,
  };
}

export function stepPool(state: PoolState, event: PoolEvent, now: number): PoolStep {
  const step = takeOut(dispatch(state, event, now));
  const [from, to] = [roleOf(state), roleOf(step.state)];
  assert(mayBecome(from, to), `a host that is ${from} became ${to}`);
  return step;
}

/** What this host is for the pool, as others see it. */
export function roleOf({ phase }: PoolState): Role {
  switch (phase.type) {
    case "primary":
      return phase.primary.stage === "opening" ? "taking-over" : "primary";
    case "standby":
    case "restoring":
    case "taking-over":
    case "fenced":
    case "offline":
      return phase.type;
  }
}

/** Whether requests may be answered: only after the new epoch may be told. */
export const isServing = ({ phase }: PoolState): boolean =>
  phase.type === "primary" && phase.primary.stage === "serving";

/** Stepped down, and no later step of this process can change that. */
export const isSick = ({ phase }: PoolState): boolean => phase.type === "fenced" && phase.sick;

/**
 * Who is taken out leaves as soon as nothing of it is under way: a store that applies or restores is let finish, a tenure is
 * handed over first, and a fence that was put is followed by whatever becomes of it. Nobody who is sick gets well by it.
 */
function takeOut(step: PoolStep): PoolStep {
  const { state } = step;
  return state.offline !== null && isAtRest(state)
    ? { ...step, state: { ...state, phase: { type: "offline" } } }
    : step;
}

function isAtRest({ phase }: PoolState): boolean {
  if (phase.type === "standby") return phase.activity.type !== "applying";
  return phase.type === "fenced" && !phase.sick;
}

function dispatch(state: PoolState, event: PoolEvent, now: number): PoolStep {
  if (event.type === "started") return onStarted(state, event, now);
  if (event.type === "decided") return onDecided(state, event.offline, now);
  if (event.type === "configured") return stay({ ...state, settings: { ...state.settings, ...event.tuning } });
  if (event.type === "enrol") return onEnrol(state, now);
  if (event.type === "fitness") return stay({ ...state, unfit: event.unfit });
  const { phase } = state;
  switch (phase.type) {
    case "standby":
      if (event.type === "ordered") return onStandbyOrdered(state, event, now);
      return stepStandby(state, phase, event, now);
    case "taking-over":
      return stepTakeover(state, phase, event, now);
    case "primary":
      return stepPrimary(state, phase.primary, event, now);
    case "restoring":
      if (event.type === "ordered") return refuse(state, event.ticket, "it is restoring");
      return stepRestoring(state, phase, event, now);
    case "fenced":
      if (event.type === "ordered") return refuse(state, event.ticket, `it is fenced: ${phase.reason}`);
      return onFencedEvent(state, phase, event, now);
    case "offline":
      if (event.type === "ordered") return refuse(state, event.ticket, state.offline ?? "it is offline");
      return stay(state);
  }
}

/** Before the start nothing is begun: that comes with it. */
function onDecided(state: PoolState, offline: string | null, now: number): PoolStep {
  const decided = { ...state, offline };
  const isBack = state.phase.type === "offline" && state.offline !== null && offline === null;
  return stay(isBack ? becomeStandby(noteEnrolled(decided), now) : decided);
}

function onStarted(state: PoolState, event: PoolEvent & { type: "started" }, now: number): PoolStep {
  const { applied, lastTenure, heir } = event;
  const started: PoolState = { ...state, applied, lastTenure, heir, newestFence: applied?.fence ?? null };
  return stay(becomeStandby(started, now));
}

function onStandbyOrdered(state: PoolState, event: PoolEvent & { type: "ordered" }, now: number): PoolStep {
  if (mayBeDeposed(state)) return refuse(state, event.ticket, "it does not know yet whether it was deposed");
  if (yields(state, now)) return refuse(state, event.ticket, `it has just handed over to ${state.heir?.host}`);
  return beginTakeover(state, event.order, [event.ticket], now);
}

/** Nobody has looked at the loss of a tenure that goes on. */
function onEnrol(state: PoolState, now: number): PoolStep {
  const { phase } = state;
  if (phase.type === "primary" || phase.type === "taking-over") return stay(state);
  const enrolled = noteEnrolled(state);
  return stay(phase.type === "fenced" && !phase.sick ? becomeStandby(enrolled, now) : enrolled);
}

/** A fenced host re-enrols by itself, or waits to be told. A sick one needs a new process. */
function onFencedEvent(
  state: PoolState,
  phase: PoolState["phase"] & { readonly type: "fenced" },
  event: PoolEvent,
  now: number,
): PoolStep {
  if (event.type !== "tick" || phase.sick || awaitsEnrol(state)) return stay(state);
  return stay(becomeStandby(beginYield(state, now), now));
}

function refuse(state: PoolState, ticket: number, reason: string): PoolStep {
  const answer = { outcome: "refused", reason, fence: state.newestFence, timings: null } as const;
  return answerTickets([ticket], answer, stay(state));
}
