/** The steps into a phase that more than one other phase takes. */
import type { Head } from "../../shared/journal/head.ts";
import type { Slot } from "../../shared/position.ts";
import type { OrderAnswer, PoolState, PoolStep, Primary } from "./pool-state.ts";

/** Nothing to do. */
export const stay = (state: PoolState): PoolStep => ({ state, effects: [] });

export function becomeStandby(state: PoolState, now: number): PoolState {
  const activity = { type: "idle", untilMs: now, tries: 0 } as const;
  return { ...state, phase: { type: "standby", activity, waitsForOrderUntilMs: null } };
}

/** The store has applied records up to `head`: what stopped it before does so no more. */
export function moveTo(state: PoolState, head: Head | null): PoolState {
  const { failedSlot } = state;
  const passed = failedSlot !== null && head !== null && head.slot >= failedSlot;
  return {
    ...state,
    applied: head,
    newestFence: head?.fence ?? state.newestFence,
    failedSlot: passed ? null : failedSlot,
    alarm: null,
  };
}

/** Asks for the newest valid checkpoint. `aside`: what is wrong with the own copy, which is then kept aside. */
export function beginRestore(state: PoolState, atLeast: Slot | null, aside: string | null): PoolStep {
  const call = state.calls + 1;
  return {
    state: { ...state, calls: call, phase: { type: "restoring", call, atLeast } },
    effects: [{ type: "restore", call, atLeast, aside }],
  };
}

/** Deposed or stepped down; what nobody may forget is why. */
export function becomeFenced(state: PoolState, reason: string, health: "fit" | "sick"): PoolState {
  return { ...state, phase: { type: "fenced", reason, sick: health === "sick" } };
}

/** Tells everybody who waits for a takeover how it ended, before anything else happens. */
export function answerTickets(tickets: readonly number[], answer: OrderAnswer, step: PoolStep): PoolStep {
  const answers = tickets.map((ticket) => ({ type: "answer-order", ticket, answer }) as const);
  return { state: step.state, effects: [...answers, ...step.effects] };
}

export const withPrimary = (state: PoolState, primary: Primary): PoolState => ({
  ...state,
  phase: { type: "primary", primary },
});
