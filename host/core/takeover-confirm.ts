/**
 * Steps 3 and 4 of a takeover: list afresh, and only if nothing lies beyond the own fence apply what is left and open.
 */
import { slotAfter, type Head } from "../../shared/journal/head.ts";
import { slot } from "../../shared/position.ts";
import type { PoolEvent, PoolState, PoolStep, Takeover } from "./pool-state.ts";
import { open, releaseRecord, resign, startTenure } from "./primary.ts";
import { judgeRun, type Run, type Survey } from "./survey.ts";
import { ask, deriveId, endTakeover, refuse, refuseAndRestore, stamp } from "./takeover-ends.ts";
import { stay } from "./transitions.ts";

const RETRY_MS = 20;
const CATCH_UP_RECORDS = 64;
export function confirm(state: PoolState, takeover: Takeover, head: Head): PoolStep {
  return ask(
    state,
    takeover,
    (call) => ({ type: "confirming", call, untilMs: 0, fence: head }),
    (call) => ({ type: "survey", call, from: slotAfter(head) }),
  );
}

export function onConfirm(
  state: PoolState,
  takeover: Takeover,
  head: Head,
  survey: Survey | null,
  now: number,
): PoolStep {
  if (survey === null) return confirmLater(state, takeover, head, now);
  const next = slotAfter(head);
  if (survey.slots.includes(next)) {
    return ask(
      state,
      takeover,
      (call) => ({ type: "examining", call, fence: head }),
      (call) => ({ type: "read", call, from: next, to: next }),
    );
  }
  // A checkpoint of the fence's own slot is not this host's either: it has made none yet.
  const beyond = survey.slots.length > 0 || survey.checkpoints.some((at) => at >= head.slot);
  return beyond ? onLate(state, takeover) : catchUp(state, stamp(takeover, "confirmedMs", now), head);
}

function confirmLater(state: PoolState, takeover: Takeover, head: Head, now: number): PoolStep {
  const stage = { type: "confirming", call: null, untilMs: now + RETRY_MS, fence: head } as const;
  return stay({ ...state, phase: { type: "taking-over", takeover, stage } });
}

/** The record after the own fence. If it carries the fence's hash, the fence is history, and this host deposed. */
export function onExamined(state: PoolState, takeover: Takeover, head: Head, run: Run, now: number): PoolStep {
  const [next] = run.records;
  if (!next && run.stop?.type !== "invalid" && run.stop?.type !== "newer") {
    return confirmLater(state, takeover, head, now);
  }
  if (!next) return refuse(state, takeover, `slot ${slotAfter(head)} follows the own fence and cannot be read`, now);
  if (next.record.header.previousHash !== head.hash) return onVoid(state, takeover, head);
  return refuse({ ...state, newestFence: head.fence }, takeover, "this host was already deposed again", now);
}

/** Others have gone on beyond the own fence, from it or without it: that cannot be told, and this host restores. */
const onLate = (state: PoolState, takeover: Takeover): PoolStep =>
  refuseAndRestore(state, takeover, "this host was too late: others have gone on beyond its fence", "keep");

/** This host was so late that its slot had been cleaned away. It publishes nothing more, and restores. */
const onVoid = (state: PoolState, takeover: Takeover, { fence }: Head): PoolStep =>
  refuseAndRestore({ ...state, voidFence: fence }, takeover, "the own fence is void: this host was too late", "keep");

/** Reads what is left to apply, again from where the store is. */
export function catchUp(state: PoolState, takeover: Takeover, head: Head): PoolStep {
  const from = slotAfter(state.applied);
  const to = slot(Math.min(head.slot, from + CATCH_UP_RECORDS - 1));
  return ask(
    state,
    takeover,
    (call) => ({ type: "catching-up", call, untilMs: 0, fence: head }),
    (call) => ({ type: "read", call, from, to }),
  );
}

export function onCatchUp(state: PoolState, takeover: Takeover, head: Head, run: Run, now: number): PoolStep {
  const { steps, stop } = judgeRun(state.applied, run, upTo(head, run), head.hash);
  if (steps.length === 0) {
    const mayPass = stop.type === "unreadable" || stop.type === "gone";
    const inTime = now - takeover.timings.beganMs < state.settings.takeoverTimeoutMs;
    if (mayPass && inTime) return catchUpLater(state, takeover, head, now);
    return cannotServe(state, takeover, head, `cannot catch up: ${stop.type}`);
  }
  return ask(
    state,
    takeover,
    (call) => ({ type: "applying", call, fence: head }),
    (call) => ({ type: "apply", call, steps }),
  );
}

/**
 * Everything up to the own fence was there when it was verified, but may have been cleaned away since, and its name taken
 * by a void fence: so each fence before the own one is proven by the record after it, or not at all.
 */
function upTo({ slot: own }: Head, { records }: Run): Survey {
  const listed = records.map(({ record }) => slot(Math.min(record.header.slot + 1, own)));
  return { slots: listed, checkpoints: [own] };
}

/** What was verified a moment ago is there; a share may fail to show it for a while. */
function catchUpLater(state: PoolState, takeover: Takeover, head: Head, now: number): PoolStep {
  const stage = { type: "catching-up", call: null, untilMs: now + RETRY_MS, fence: head } as const;
  return stay({ ...state, phase: { type: "taking-over", takeover, stage } });
}

export function onApplied(
  state: PoolState,
  takeover: Takeover,
  head: Head,
  event: PoolEvent & { type: "applied" },
  now: number,
): PoolStep {
  const moved: PoolState = { ...state, applied: event.head, newestFence: event.head?.fence ?? state.newestFence };
  if (event.failure !== null) return cannotServe(moved, takeover, head, event.failure);
  if (event.head === null || event.head.slot < head.slot) return catchUp(moved, takeover, head);
  return becomePrimary(moved, stamp(takeover, "appliedMs", now), head, now);
}

function becomePrimary(state: PoolState, takeover: Takeover, head: Head, now: number): PoolStep {
  const lastTenure = { fence: head.fence.id, reason: takeover.order.reason, stable: false };
  return open({ ...state, newestFence: head.fence, lastTenure }, takeover, head, now);
}

/**
 * The fence is history, but this host's own state cannot be brought to it: it says so, and another may follow. What is to
 * be done about its state, the standby that it becomes finds out.
 */
function cannotServe(state: PoolState, takeover: Takeover, head: Head, reason: string): PoolStep {
  const noted: PoolState = { ...state, newestFence: head.fence };
  const record = releaseRecord(head, deriveId(takeover.order, slotAfter(head)), { successor: null, cause: reason });
  return endTakeover(noted, takeover, reason, resign(noted, startTenure(takeover, head, 0), record, reason));
}
