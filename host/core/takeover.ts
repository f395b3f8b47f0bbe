/**
 * Taking over, in four steps; each may be abandoned anywhere without harm.
 *
 * 1. Read and verify the journal to the first free slot; refuse if the fence to depose is not the newest.
 * 2. Publish a fence there; who finds the slot taken reads that record and goes on behind it.
 * 3. List afresh: something beyond the own fence means that it is void, or that this host is already deposed.
 *    Until this step is passed the new epoch is told to nobody.
 * 4. Apply what is left, open for writing, serve.
 */
import type { Order, PoolEvent, PoolState, PoolStep, Takeover, TakeoverStage } from "./pool-state.ts";
import { catchUp, confirm, onApplied, onCatchUp, onConfirm, onExamined } from "./takeover-confirm.ts";
import { refuse } from "./takeover-ends.ts";
import { onFenceTick, onFencing } from "./takeover-fence.ts";
import { onRead, onSurvey, surveyFromOwn } from "./takeover-verify.ts";
import { answerTickets, moveTo, stay } from "./transitions.ts";

type TakingOver = PoolState["phase"] & { readonly type: "taking-over" };

/** From a standby. Refuses at once what cannot succeed; waits until the store stands still. */
export function beginTakeover(state: PoolState, order: Order, tickets: readonly number[], now: number): PoolStep {
  const takeover: Takeover = { order, tickets, verified: state.applied, timings: { beganMs: now } };
  const { phase } = state;
  if (phase.type === "standby" && phase.activity.type === "applying") {
    const stage = { type: "settling", call: phase.activity.call } as const;
    return stay({ ...state, phase: { type: "taking-over", takeover, stage } });
  }
  return begin(state, takeover, now);
}

function begin(state: PoolState, takeover: Takeover, now: number): PoolStep {
  const refusal = state.offline ?? state.unfit ?? state.alarm?.reason ?? null;
  if (refusal !== null) return refuse(state, takeover, refusal, now);
  return surveyFromOwn(state, takeover);
}

/** Where applying failed, the standby that this host becomes again finds out what to do about it. */
function onSettled(
  state: PoolState,
  takeover: Takeover,
  event: PoolEvent & { type: "applied" },
  now: number,
): PoolStep {
  const { head, failure } = event;
  if (failure !== null) return refuse({ ...state, applied: head }, takeover, failure, now);
  return begin(moveTo(state, head), { ...takeover, verified: head }, now);
}

export function stepTakeover(state: PoolState, phase: TakingOver, event: PoolEvent, now: number): PoolStep {
  const { takeover, stage } = phase;
  if (event.type === "ordered") return join(state, phase, event.ticket, event.order);
  if (event.type === "tick") return onTick(state, takeover, stage, now);
  if (!("call" in event) || event.call !== stage.call) return stay(state);
  switch (stage.type) {
    case "settling":
      return event.type === "applied" ? onSettled(state, takeover, event, now) : stay(state);
    case "surveying":
      return event.type === "surveyed" ? onSurvey(state, takeover, event.survey, event.reason, now) : stay(state);
    case "reading":
      return event.type === "read" ? onRead(state, takeover, stage, event.run, now) : stay(state);
    case "fencing":
      return onFencing(state, takeover, stage, event, now);
    case "confirming":
      return event.type === "surveyed" ? onConfirm(state, takeover, stage.fence, event.survey, now) : stay(state);
    case "examining":
      return event.type === "read" ? onExamined(state, takeover, stage.fence, event.run, now) : stay(state);
    case "catching-up":
      return event.type === "read" ? onCatchUp(state, takeover, stage.fence, event.run, now) : stay(state);
    case "applying":
      return event.type === "applied" ? onApplied(state, takeover, stage.fence, event, now) : stay(state);
  }
}

/** The same order again waits for the same outcome; another one is refused, and its sender decides again. */
function join(state: PoolState, phase: TakingOver, ticket: number, order: Order): PoolStep {
  const { takeover } = phase;
  if (order.fence !== takeover.order.fence) {
    const reason = "a takeover that deposes another fence is under way";
    const answer = { outcome: "refused", reason, fence: state.newestFence, timings: null } as const;
    return answerTickets([ticket], answer, stay(state));
  }
  const joined = { ...takeover, tickets: [...takeover.tickets, ticket] };
  return stay({ ...state, phase: { ...phase, takeover: joined } });
}

function onTick(state: PoolState, takeover: Takeover, stage: TakeoverStage, now: number): PoolStep {
  if (stage.type === "fencing") return onFenceTick(state, takeover, stage, now);
  const isWaiting = (stage.type === "confirming" || stage.type === "catching-up") && stage.call === null;
  if (!isWaiting || now < stage.untilMs) return stay(state);
  return stage.type === "confirming" ? confirm(state, takeover, stage.fence) : catchUp(state, takeover, stage.fence);
}
