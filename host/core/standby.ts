/**
 * Following: list, read what was listed, apply, again. And restoring, where following cannot go on.
 */
import { slotAfter } from "../../shared/journal/head.ts";
import { slot, type Slot } from "../../shared/position.ts";
import { heirOf, type Heir } from "./heir.ts";
import { INVALID_READS } from "./publication.ts";
import type { Activity, Alarm, Effect, Listed, PoolEvent, PoolState, PoolStep, Restored, Seed } from "./pool-state.ts";
import { judgeRun, judgeSurvey, type RunVerdict, type Survey } from "./survey.ts";
import { awaitsEnrol, lossIn, waitForEnrol } from "./rejoin.ts";
import { begins, startDelayMs, takeOverAtStart } from "./self-start.ts";
import { becomeStandby, beginRestore, moveTo, stay } from "./transitions.ts";

/** Listings that must agree before an anomaly is believed: a listing is not atomic. */
const DOUBTFUL_SURVEYS = 3;
/** Pause after something was applied, so that a busy journal is listed at a bounded rate. */
const PAUSE_MS = 10;
const RETRY_MS = 100;
/** A host that could not list the vault for so long has an alarm. */
const UNLISTED_MS = 5000;

type Standby = PoolState["phase"] & { readonly type: "standby" };

export function stepStandby(state: PoolState, phase: Standby, event: PoolEvent, now: number): PoolStep {
  const { activity } = phase;
  switch (event.type) {
    case "hint":
      return activity.type === "idle" && activity.tries === 0 ? survey(state, 0) : stay(state);
    case "diverged":
      return onWrongState(state, event.slot, event.reason, now);
    case "tick":
      return onTick(state, phase, event.seed, now);
    case "surveyed":
      if (activity.type !== "surveying" || activity.call !== event.call) return stay(state);
      return event.survey ? onSurvey(state, activity.tries, event.survey, now) : onNoSurvey(state, event.reason, now);
    case "read":
      if (activity.type !== "reading" || activity.call !== event.call) return stay(state);
      return onRun(state, activity, judgeRun(state.applied, event.run, activity.survey, state.seenFence), now);
    case "applied":
      if (activity.type !== "applying" || activity.call !== event.call) return stay(state);
      return onApplied(state, event, activity.fullAtMs, now);
    default:
      return stay(state);
  }
}

type Restoring = PoolState["phase"] & { readonly type: "restoring" };

export function stepRestoring(state: PoolState, phase: Restoring, event: PoolEvent, now: number): PoolStep {
  if (event.type !== "restored" || event.call !== phase.call) return stay(state);
  return onRestored(state, event.result, now);
}

function onTick(state: PoolState, { activity, waitsForOrderUntilMs }: Standby, seed: Seed, now: number): PoolStep {
  if (waitsForOrderUntilMs !== null && now >= waitsForOrderUntilMs) return takeOverAtStart(state, seed, now);
  if (activity.type === "idle" && now >= activity.untilMs) return survey(state, activity.tries);
  return stay(state);
}

function onSurvey(state: PoolState, tries: number, found: Survey, now: number): PoolStep {
  const { failedSlot } = state;
  if (isStuck(state.alarm) && failedSlot !== null) return onStuck(state, failedSlot, found, now);
  const verdict = judgeSurvey(state.applied, found);
  switch (verdict.type) {
    case "caught-up":
      return pause(atHead(state, now), now + state.settings.surveyIntervalMs, 0);
    case "read":
      return read(state, { ...found, atMs: now }, verdict.from, verdict.to, tries);
    case "late":
      return onLate(state, tries);
    case "behind": {
      if (tries + 1 < DOUBTFUL_SURVEYS) return survey(state, tries + 1);
      const reason = "the own last record is neither in the vault nor below a checkpoint: was it rolled back?";
      return raise(state, { code: "HS_VAULT_BEHIND", slot: state.applied?.slot ?? slot(0), reason }, now);
    }
    case "missing": {
      if (tries + 1 < DOUBTFUL_SURVEYS) return survey(state, tries + 1);
      const reason = "later records exist and no checkpoint covers it";
      return raise(state, { code: "HS_RECORD_MISSING", slot: verdict.slot, reason }, now);
    }
  }
}

/** What comes next is cleaned away: only a checkpoint beyond it helps. */
function onLate(state: PoolState, tries: number): PoolStep {
  if (tries + 1 < DOUBTFUL_SURVEYS) return survey(state, tries + 1);
  if (awaitsEnrol(state)) return stay(waitForEnrol(state, null));
  return beginRestore(state, state.applied && slotAfter(state.applied), null);
}

/** A share that cannot be listed for long makes this host no candidate, and is told. */
function onNoSurvey(state: PoolState, reason: string, now: number): PoolStep {
  const silentMs = now - (state.atHeadMs ?? 0);
  if (state.alarm !== null || (state.atHeadMs !== null && silentMs < UNLISTED_MS))
    return pause(state, now + RETRY_MS, 0);
  return pause({ ...state, alarm: { code: "HS_VAULT_IO", slot: slotAfter(state.applied), reason } }, now + RETRY_MS, 0);
}

/** Only a checkpoint at or beyond the record that nobody can pass helps. */
function onStuck(state: PoolState, failedSlot: Slot, { checkpoints }: Survey, now: number): PoolStep {
  const aside = state.alarm?.code === "HS_STORE_DIVERGED" ? state.alarm.reason : null;
  if (checkpoints.some((at) => at >= failedSlot)) return beginRestore(state, failedSlot, aside);
  return pause(state, now + state.settings.surveyIntervalMs, 0);
}

function onRun(
  state: PoolState,
  { survey: found, tries }: Activity & { type: "reading" },
  { steps, stop }: RunVerdict,
  now: number,
): PoolStep {
  const lost = lossIn(state, steps);
  if (lost !== null) return stay(waitForEnrol(state, lost));
  if (steps.length > 0) return apply(state, steps, found);
  switch (stop.type) {
    case "end":
    case "gone":
    case "unreadable":
      return pause(state, now + RETRY_MS, 0);
    case "unproven-fence":
      return read(state, found, slotAfter(state.applied), slot(slotAfter(state.applied) + 1), tries);
    case "unlisted-fence":
      return survey({ ...state, seenFence: stop.hash }, tries);
    case "void-fence":
      return onLate({ ...state, voidFence: stop.fence }, tries);
    case "not-history":
      return onDivergence(state, slotAfter(state.applied), stop.reason, now);
    case "unpassable":
      if (tries + 1 >= INVALID_READS) return stuck(state, stop.slot, stop.reason, now);
      return read(state, found, stop.slot, stop.slot, tries + 1);
  }
}

function onApplied(
  state: PoolState,
  { head, failure }: PoolEvent & { type: "applied" },
  fullAtMs: number | null,
  now: number,
): PoolStep {
  if (failure !== null) {
    const moved = { ...state, applied: head, newestFence: head?.fence ?? state.newestFence };
    return onDivergence(moved, slotAfter(head), failure, now);
  }
  const moved = moveTo(state, head);
  if (fullAtMs === null) return survey(moved, 0);
  return pause({ ...moved, freshMs: fullAtMs }, now + PAUSE_MS, 0);
}

/** The first time the own copy is suspected; the second time, at the same record, the record is. */
function onDivergence(state: PoolState, at: Slot, reason: string, now: number): PoolStep {
  if (state.failedSlot === at) return stuck(state, at, reason, now);
  return beginRestore({ ...state, failedSlot: at }, null, reason);
}

function onRestored(state: PoolState, result: Restored, now: number): PoolStep {
  const standby = becomeStandby(state, now);
  switch (result.type) {
    case "restored": {
      const { head } = result;
      const behind = state.failedSlot !== null && head.slot < state.failedSlot;
      const failedSlot = behind ? state.failedSlot : null;
      return survey({ ...standby, applied: head, newestFence: head.fence, failedSlot, alarm: null }, 0);
    }
    case "none":
      return onNoCheckpoint({ ...standby, applied: result.head }, result.reason, now);
    case "failed":
      return onRestoreFailed(standby, result, now);
  }
}

/** A copy that was set aside is gone: the journal is followed from its beginning, if that is still there. */
function onNoCheckpoint(state: PoolState, reason: string, now: number): PoolStep {
  if (isStuck(state.alarm)) return pause(state, now + state.settings.surveyIntervalMs, 0);
  if (state.applied === null && state.alarm === null) return survey(state, 0);
  return raise(state, { code: "HS_CHECKPOINT_INVALID", slot: slotAfter(state.applied), reason }, now);
}

/** Nothing was learnt of the record at which the own copy failed; who is stuck stays so. */
function onRestoreFailed(state: PoolState, { code, reason }: Restored & { type: "failed" }, now: number): PoolStep {
  if (isStuck(state.alarm)) return pause(state, now + state.settings.surveyIntervalMs, 0);
  return raise({ ...state, failedSlot: null }, { code, slot: slotAfter(state.applied), reason }, now);
}

const isStuck = (alarm: Alarm | null): boolean =>
  alarm?.code === "HS_POOL_STUCK" || alarm?.code === "HS_STORE_DIVERGED";

/** Only a checkpoint beyond the mark can be right: one at it may be what is wrong. */
function onWrongState(state: PoolState, at: Slot, reason: string, now: number): PoolStep {
  const beyond = slot(at + 1);
  return raise({ ...state, failedSlot: beyond }, { code: "HS_STORE_DIVERGED", slot: beyond, reason }, now);
}

function stuck(state: PoolState, at: Slot, reason: string, now: number): PoolStep {
  return raise({ ...state, failedSlot: at }, { code: "HS_POOL_STUCK", slot: at, reason }, now);
}

function raise(state: PoolState, alarm: Alarm, now: number): PoolStep {
  return pause({ ...state, alarm }, now + state.settings.surveyIntervalMs, 0);
}

/** At the head: the moment when a host may begin by itself, and again where it could not. */
function atHead(state: PoolState, now: number): PoolState {
  const cleared = state.alarm === null ? state : { ...state, alarm: null };
  const there: PoolState = { ...cleared, atHeadMs: now, freshMs: now };
  const { phase } = there;
  if (phase.type !== "standby" || phase.waitsForOrderUntilMs !== null || !begins(there)) return there;
  const delayMs = startDelayMs(there, state.atHeadMs === null ? "first" : "again");
  return { ...there, phase: { ...phase, waitsForOrderUntilMs: now + delayMs } };
}

function survey(state: PoolState, tries: number): PoolStep {
  return act(
    state,
    (call) => ({ type: "surveying", call, tries }),
    (call) => ({
      type: "survey",
      call,
      from: state.applied?.slot ?? slot(1),
    }),
  );
}

function read(state: PoolState, found: Listed, from: Slot, to: Slot, tries: number): PoolStep {
  return act(
    state,
    (call) => ({ type: "reading", call, survey: found, tries }),
    (call) => ({ type: "read", call, from, to }),
  );
}

function apply(state: PoolState, steps: RunVerdict["steps"], found: Listed): PoolStep {
  const last = steps.at(-1)?.head.slot ?? slot(0);
  const more = found.slots.some((at) => at > last);
  return act(
    { ...state, heir: heirIn(steps) ?? state.heir },
    (call) => ({ type: "applying", call, fullAtMs: more ? null : found.atMs }),
    (call) => ({ type: "apply", call, steps }),
  );
}

/** Whom the last record names, if it is a release. */
function heirIn(steps: RunVerdict["steps"]): Heir | null {
  const last = steps.at(-1);
  return last === undefined ? null : heirOf(last.sealed.record, last.head.fence);
}

function act(state: PoolState, activity: (call: number) => Activity, effect: (call: number) => Effect): PoolStep {
  if (state.phase.type !== "standby") return stay(state);
  const call = state.calls + 1;
  return {
    state: { ...state, calls: call, phase: { ...state.phase, activity: activity(call) } },
    effects: [effect(call)],
  };
}

function pause(state: PoolState, untilMs: number, tries: number): PoolStep {
  if (state.phase.type !== "standby") return stay(state);
  return stay({ ...state, phase: { ...state.phase, activity: { type: "idle", untilMs, tries } } });
}
