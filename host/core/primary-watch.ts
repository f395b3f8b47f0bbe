/**
 * An idle primary looks now and then whether it has been deposed, so that it becomes a standby without anybody's writing;
 * and whether its own last record is still there, so that it makes no hole in a vault that was rolled back.
 */
import { slotAfter, type Head } from "../../shared/journal/head.ts";
import type { Slot } from "../../shared/position.ts";
import { depose, leave } from "./deposition.ts";
import type { PoolState, PoolStep, Primary, Watch } from "./pool-state.ts";
import { isBehind, type Run, type Survey } from "./survey.ts";
import { becomeFenced, stay, withPrimary } from "./transitions.ts";

const WATCH_MS = 500;
/** Listings that must agree before an own record is believed to be gone: a listing is not atomic. */
const WATCH_MISSES = 3;

export const firstWatch = (head: Head, now: number): Watch => ({
  call: null,
  untilMs: now + WATCH_MS,
  from: head.slot,
  misses: 0,
  reads: "next",
});

/** Lists, if it is time to. */
export function watch(state: PoolState, primary: Primary, now: number): PoolStep {
  const { watch: last } = primary;
  if (primary.stage !== "serving" || last.call !== null || now < last.untilMs) return stay(state);
  const call = state.calls + 1;
  // A record that was missed is looked for again: of one that writes all the time each late listing misses another one.
  const from = last.misses > 0 ? last.from : primary.head.slot;
  return {
    state: { ...withPrimary(state, { ...primary, watch: { ...last, call, from } }), calls: call },
    effects: [{ type: "survey", call, from }],
  };
}

/**
 * A listing shows the slot after the own head while nothing of the own is in flight: somebody else's, surely. One that
 * does not even show the own last record is of an older vault; whoever publishes there makes a hole.
 */
export function onWatched(state: PoolState, primary: Primary, survey: Survey | null, now: number): PoolStep {
  if (survey === null) return stay(rest(state, primary, now));
  if (isBehind(primary.watch.from, survey)) return onMissed(state, primary, now);
  const next = slotAfter(primary.head);
  const seen: Primary = { ...primary, watch: { ...primary.watch, misses: 0 } };
  if (!survey.slots.includes(next) || busy(primary)) return stay(rest(state, seen, now));
  return readOne(state, seen, "next", next);
}

/** Believed after several listings; and where the own fence is gone too, the share is not there at all, which is no news. */
function onMissed(state: PoolState, primary: Primary, now: number): PoolStep {
  const misses = primary.watch.misses + 1;
  const missed: Primary = { ...primary, watch: { ...primary.watch, misses } };
  if (misses < WATCH_MISSES || primary.uncommitted) return stay(rest(state, missed, now));
  return readOne(state, missed, "fence", primary.fence.slot);
}

/** Only what can be read deposes: a successor's record, or what nobody can pass. */
export function onWatchRead(state: PoolState, primary: Primary, { records, stop }: Run, now: number): PoolStep {
  const [sealed] = records;
  if (primary.watch.reads === "fence") return onFenceRead(state, primary, sealed?.hash, now);
  const gone = !sealed && stop?.type !== "invalid" && stop?.type !== "newer";
  const passed = sealed !== undefined && sealed.record.header.slot <= primary.head.slot;
  if (gone || passed || busy(primary)) return stay(rest(state, primary, now));
  return depose(state, primary, sealed ?? null);
}

/** The fence is there and a later record of its tenure is not. What is in flight may go to a history that was lost. */
function onFenceRead(state: PoolState, primary: Primary, hash: string | undefined, now: number): PoolStep {
  if (hash !== primary.fence.hash) return stay(rest(state, primary, now));
  const reason = `the own record ${primary.watch.from} is not in the vault any more: was it rolled back?`;
  return leave(becomeFenced(state, reason, "fit"), primary, { type: "unknown" });
}

function readOne(state: PoolState, primary: Primary, reads: "next" | "fence", at: Slot): PoolStep {
  const call = state.calls + 1;
  return {
    state: { ...withPrimary(state, { ...primary, watch: { ...primary.watch, call, reads } }), calls: call },
    effects: [{ type: "read", call, from: at, to: at }],
  };
}

const rest = (state: PoolState, primary: Primary, now: number): PoolState =>
  withPrimary(state, { ...primary, watch: { ...primary.watch, call: null, untilMs: now + WATCH_MS } });

/** A batch is on its way to the journal or to the store: what a listing shows may be the own. */
const busy = ({ publication, uncommitted }: Primary): boolean => publication !== null || uncommitted;
