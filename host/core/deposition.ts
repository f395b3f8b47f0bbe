/**
 * How a tenure ends that its owner did not end: somebody else's record has the slot of its next one.
 *
 * That alone does not prove that the batch in flight is not history: the own record may have been there first, been applied
 * and cleaned away while this host slept, and its name taken by a void fence. Only where a fresh listing shows no checkpoint
 * at or beyond the slot was nothing cleaned there, and the requests are told that they were not applied; else nobody is
 * told anything, and their keys settle them at the next primary.
 */
import { extend } from "../../shared/journal/head.ts";
import type { SealedRecord } from "../../shared/journal/record.ts";
import type { Discarded, PoolState, PoolStep, Primary } from "./pool-state.ts";
import type { Survey } from "./survey.ts";
import { answerTickets, becomeFenced } from "./transitions.ts";

/** The slot of the batch in flight is another's: list before anybody is told. */
export function beginDeposition(state: PoolState, primary: Primary, by: SealedRecord): PoolStep {
  const call = state.calls + 1;
  const taken: Primary = { ...primary, takenBy: by, publicationCall: call };
  return {
    state: { ...state, calls: call, phase: { type: "primary", primary: taken } },
    effects: [{ type: "survey", call, from: by.record.header.slot }],
  };
}

/** `survey`: that listing; `null` where it could not be had. */
export function endDeposition(state: PoolState, primary: Primary, by: SealedRecord, survey: Survey | null): PoolStep {
  const cleaned = survey === null || survey.checkpoints.some((at) => at >= by.record.header.slot);
  return cleaned
    ? leave(becomeFenced(state, reasonFor(by), "fit"), primary, { type: "unknown" })
    : depose(state, primary, by);
}

/** Deposed for certain: what is in flight is not in history and never will be. `by`: `null` if it cannot be read. */
export function depose(state: PoolState, primary: Primary, by: SealedRecord | null): PoolStep {
  const extension = by ? extend(primary.head, by) : null;
  const newestFence = extension?.ok ? extension.head.fence : state.newestFence;
  return leave({ ...becomeFenced(state, reasonFor(by), "fit"), newestFence }, primary, { type: "deposed" });
}

/** Whoever waits for this tenure to serve hears that it will not. */
export function leave(state: PoolState, { tickets }: Primary, outcome: Discarded): PoolStep {
  const reason = state.phase.type === "fenced" ? state.phase.reason : "it stepped down";
  const answer = { outcome: "refused", reason, fence: state.newestFence, timings: null } as const;
  return answerTickets(tickets, answer, { state, effects: [{ type: "discard", outcome }] });
}

function reasonFor(by: SealedRecord | null): string {
  const header = by?.record.header;
  return header ? `deposed by ${header.owner} in epoch ${header.epoch}` : "deposed";
}
