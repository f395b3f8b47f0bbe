/**
 * Step 1 of a takeover: read and verify the journal to the first free slot, checksum and chain only; what is new is applied
 * after the fence, so that a primary that still lives cannot outrun the taker.
 */
import { slotAfter } from "../../shared/journal/head.ts";
import { slot, type Slot } from "../../shared/position.ts";
import type { PoolState, PoolStep, Takeover, TakeoverStage } from "./pool-state.ts";
import { endOfRun, judgeRun, judgeSurvey, type Run, type Survey } from "./survey.ts";
import { ask, noteFence, refuse, refuseAndRestore, stamp } from "./takeover-ends.ts";
import { fence } from "./takeover-fence.ts";

/** From the own last record on: it must still be there with its own hash, or lie below a checkpoint. */
export function surveyFromOwn(state: PoolState, takeover: Takeover): PoolStep {
  return ask(
    state,
    takeover,
    (call) => ({ type: "surveying", call }),
    (call) => ({
      type: "survey",
      call,
      from: state.applied?.slot ?? slot(1),
    }),
  );
}

export function onSurvey(
  state: PoolState,
  takeover: Takeover,
  survey: Survey | null,
  why: string,
  now: number,
): PoolStep {
  if (survey === null) return refuse(state, takeover, `the vault cannot be listed: ${why}`, now);
  const { applied } = state;
  if (applied !== null && !survey.slots.includes(applied.slot)) {
    const covered = survey.checkpoints.some((at) => at >= applied.slot);
    if (!covered) return refuseBehind(state, takeover, now);
    return readOn(state, takeover, survey, now);
  }
  if (applied === null) return readOn(state, takeover, survey, now);
  const to = endOfRun(survey, applied.slot);
  return askRead(state, takeover, survey, applied.slot, to);
}

function refuseBehind(state: PoolState, takeover: Takeover, now: number): PoolStep {
  const at = slotAfter(state.applied);
  const reason = "the own last record is neither in the vault nor below a checkpoint: was the vault rolled back?";
  return refuse({ ...state, alarm: { code: "HS_VAULT_BEHIND", slot: at, reason } }, takeover, reason, now);
}

export function onRead(
  state: PoolState,
  takeover: Takeover,
  stage: TakeoverStage & { type: "reading" },
  run: Run,
  now: number,
): PoolStep {
  const own = state.applied;
  const [first] = run.records;
  const repeats = own !== null && stage.from === own.slot;
  if (repeats && first && first.hash !== own.hash) {
    return refuseAndRestore(state, takeover, "the own last record is not the one in the vault", "aside");
  }
  if (repeats && !first && run.stop) return refuse(state, takeover, ownRecordReason(own.slot, run.stop), now);
  const rest = repeats ? { ...run, records: run.records.slice(1) } : run;
  const { steps, stop } = judgeRun(takeover.verified, rest, stage.survey, "any");
  const moved: Takeover = { ...takeover, verified: steps.at(-1)?.head ?? takeover.verified };
  const noted = noteFence(state, moved.verified);
  switch (stop.type) {
    case "end":
      return readOn(noted, moved, stage.survey, now);
    case "unproven-fence": {
      const at = slotAfter(moved.verified);
      return askRead(noted, moved, stage.survey, at, slot(at + 1));
    }
    case "not-history":
      return refuseAndRestore(noted, moved, stop.reason, "aside");
    case "void-fence":
      return refuse({ ...noted, voidFence: stop.fence }, moved, "a void fence follows the own state", now);
    case "unlisted-fence":
      return refuse(noted, moved, "a void fence follows the own state", now);
    case "gone":
      return refuse(noted, moved, "a listed record is gone", now);
    case "unreadable":
      return refuse(noted, moved, stop.reason, now);
    case "unpassable":
      return refuse(noted, moved, `slot ${stop.slot} cannot be passed: ${stop.reason}`, now);
  }
}

const ownRecordReason = (at: Slot, stop: NonNullable<Run["stop"]>): string =>
  `the own last record, slot ${at}, is ${stop.type} in the vault`;

function readOn(state: PoolState, takeover: Takeover, survey: Survey, now: number): PoolStep {
  const verdict = judgeSurvey(takeover.verified, survey);
  switch (verdict.type) {
    case "read":
      return askRead(state, takeover, survey, verdict.from, verdict.to);
    case "late":
      return refuse(state, takeover, "this host is late", now);
    case "behind":
      return refuseBehind(state, takeover, now);
    case "missing":
      return refuse(state, takeover, `slot ${verdict.slot} is missing and later ones exist`, now);
    case "caught-up":
      return fence(state, stamp(takeover, "verifiedMs", now), now);
  }
}

function askRead(state: PoolState, takeover: Takeover, survey: Survey, from: Slot, to: Slot): PoolStep {
  return ask(
    state,
    takeover,
    (call) => ({ type: "reading", call, survey, from }),
    (call) => ({ type: "read", call, from, to }),
  );
}
