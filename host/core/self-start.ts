/** When a standby takes over by itself, without an order: at a start, and where a release names it. */
import type { TakeoverReason } from "../../shared/journal/record.ts";
import type { PoolState, PoolStep, Seed } from "./pool-state.ts";
import { beginTakeover } from "./takeover.ts";
import { stay } from "./transitions.ts";

/** Before a host that should begin by itself, and could not, tries again. */
const START_RETRY_MS = 1000;

/**
 * Every start of a primary is a takeover: the owner of the newest fence, or the first preferred of a new pool. Who fenced
 * in this life has had its turn. So is a handover, if whoever conducts it is gone: the one whom the release names begins.
 */
export function begins(state: PoolState): boolean {
  const { applied, settings } = state;
  if (applied === null) return settings.firstPreferred;
  if (isHeir(state)) return true;
  return applied.fence.owner === settings.self && applied.fence.bootId !== settings.bootId;
}

const isHeir = ({ applied, heir, settings }: PoolState): boolean =>
  heir !== null && heir.host === settings.self && heir.fence === applied?.fence.id;

/** How long it waits at the head before it begins. Whom a release names was told to. */
export function startDelayMs(state: PoolState, time: "first" | "again"): number {
  if (isHeir(state)) return 0;
  if (time === "again") return START_RETRY_MS;
  return waits(state) ? state.settings.takeoverTimeoutMs : 0;
}

/** A crash loop must not win every time. */
function waits({ applied, settings, lastTenure }: PoolState): boolean {
  if (applied === null || !settings.orderable || lastTenure?.fence !== applied.fence.id) return false;
  return lastTenure.reason === "start" && !lastTenure.stable;
}

export function takeOverAtStart(state: PoolState, seed: Seed, now: number): PoolStep {
  if (!begins(state) || state.unfit !== null || state.alarm !== null) return stay(clearWait(state));
  const order = {
    ...causeOf(state),
    fence: state.applied?.fence.id ?? null,
    orderedBy: null,
    votes: [],
    seed: seed.id,
    origin: seed.origin,
    wallMs: seed.wallMs,
  };
  // Once: if it fails, the proxies find somebody.
  return beginTakeover({ ...clearWait(state), heir: null }, order, [], now);
}

function causeOf(state: PoolState): { readonly reason: TakeoverReason; readonly cause: string } {
  if (state.applied === null) return { reason: "cold", cause: "a new pool" };
  if (isHeir(state)) return { reason: "switchover", cause: state.heir?.cause ?? "" };
  return { reason: "start", cause: "the owner of the newest fence started" };
}

function clearWait(state: PoolState): PoolState {
  if (state.phase.type !== "standby") return state;
  return { ...state, phase: { ...state.phase, waitsForOrderUntilMs: null } };
}
