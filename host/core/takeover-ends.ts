/** What every stage of a takeover can do: ask the shell for something, and end without serving. */
import { sha256 } from "../../shared/hash.ts";
import type { RecordId } from "../../shared/ids.ts";
import type { Head } from "../../shared/journal/head.ts";
import type { Slot } from "../../shared/position.ts";
import type { Effect, Order, PoolState, PoolStep, Takeover, TakeoverStage } from "./pool-state.ts";
import { answerTickets, becomeStandby, beginRestore, stay } from "./transitions.ts";

export function ask(
  state: PoolState,
  takeover: Takeover,
  stage: (call: number) => TakeoverStage,
  effect: (call: number) => Effect,
): PoolStep {
  const call = state.calls + 1;
  return {
    state: { ...state, calls: call, phase: { type: "taking-over", takeover, stage: stage(call) } },
    effects: [effect(call)],
  };
}

export const stamp = (takeover: Takeover, phase: keyof Takeover["timings"], now: number): Takeover => ({
  ...takeover,
  timings: { ...takeover.timings, [phase]: now },
});

export function refuse(state: PoolState, takeover: Takeover, reason: string, now: number): PoolStep {
  return endTakeover(state, takeover, reason, stay(becomeStandby(state, now)));
}

export function refuseAndRestore(
  state: PoolState,
  takeover: Takeover,
  reason: string,
  copy: "aside" | "keep",
): PoolStep {
  return endTakeover(state, takeover, reason, beginRestore(state, null, copy === "aside" ? reason : null));
}

export function endTakeover(state: PoolState, { tickets }: Takeover, reason: string, step: PoolStep): PoolStep {
  return answerTickets(tickets, { outcome: "refused", reason, fence: state.newestFence, timings: null }, step);
}

/** The newest fence that may be told: one that something follows. The last record may be a void fence. */
export function noteFence(state: PoolState, verified: Head | null): PoolState {
  const isFollowed = verified !== null && verified.slot > verified.fence.slot;
  return isFollowed ? { ...state, newestFence: verified.fence } : state;
}

/** An id of its own for each slot, made from the order's chance. */
export const deriveId = (order: Order, at: Slot): RecordId => sha256(`${order.seed} ${at}`).slice(0, 32) as RecordId;
