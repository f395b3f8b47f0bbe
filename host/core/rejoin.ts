/**
 * Whether a host that lost its pool follows again by itself. With `rejoin: manual` it waits until it is enrolled, also over
 * restarts: its store still says that the newest tenure is its own, and the journal says whose is newer. Who handed its pool
 * over lost nothing, and does not wait. Pure.
 */
import type { FenceRef } from "../../shared/journal/record.ts";
import type { PoolState } from "./pool-state.ts";
import type { Step } from "./survey.ts";
import { becomeFenced } from "./transitions.ts";

/** Whether the loss of the tenure that the store ends in would have to be looked at by people first. */
export function awaitsEnrol({ settings, applied, enrolled, heir }: PoolState): boolean {
  if (settings.rejoin === "auto" || applied === null || applied.fence.owner !== settings.self) return false;
  return enrolled !== applied.fence.id && heir?.fence !== applied.fence.id;
}

/** Longer than the next host needs for its fence; if that one has died, this host is needed after all. */
const YIELD_MS = 2000;

/** With the newest state, whoever steps back would be the first to be ordered by a proxy that sees it not serve. */
export const beginYield = (state: PoolState, now: number): PoolState => ({ ...state, yieldsUntilMs: now + YIELD_MS });

export const yields = ({ yieldsUntilMs, heir, applied, settings }: PoolState, now: number): boolean =>
  yieldsUntilMs !== null && now < yieldsUntilMs && heir?.fence === applied?.fence.id && heir?.host !== settings.self;

/** Before it was at the head a host does not know whether it was deposed while it was away. */
export const mayBeDeposed = (state: PoolState): boolean => state.atHeadMs === null && awaitsEnrol(state);

/** The fence by which another host deposed this one, if applying `steps` would pass it; `null`: nothing to wait for. */
export function lossIn(state: PoolState, steps: readonly Step[]): FenceRef | null {
  if (!awaitsEnrol(state)) return null;
  const at = steps.findIndex(({ head }) => head.fence.owner !== state.settings.self);
  const lost = steps[at];
  if (lost === undefined || steps.slice(0, at).some(handsOver)) return null;
  return lost.head.fence;
}

const handsOver = ({ sealed: { record } }: Step): boolean =>
  record.kind === "release" && record.release.successor !== null;

/** `by`: `null` where the journal is cleaned too far to say. */
export function waitForEnrol(state: PoolState, by: FenceRef | null): PoolState {
  const reason = by === null ? "deposed while it was away" : `deposed by ${by.owner} in epoch ${by.epoch}`;
  return { ...becomeFenced(state, reason, "fit"), heir: null, newestFence: by ?? state.newestFence };
}

/** Somebody has looked, and says that it may follow. */
export const noteEnrolled = (state: PoolState): PoolState => ({ ...state, enrolled: state.applied?.fence.id ?? null });
