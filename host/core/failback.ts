/**
 * When a primary gives its pool back to a host that is preferred over it (`failback: auto`): after that one was fit for long
 * enough without a break, never in maintenance, never soon after its own takeover. So a host that falls again and again gets
 * nothing back, and two cannot pass a pool to one another quickly. Pure.
 */
import type { NodeId } from "../../shared/ids.ts";

/** Since when each life of a preferred host is known to be fit. */
export type FitSince = ReadonlyMap<string, { readonly host: NodeId; readonly sinceMs: number }>;

export interface Sight {
  /** Hosts that are fit now and preferred over this one, the most preferred first; each with the life that it has. */
  readonly fit: readonly { readonly host: NodeId; readonly bootId: string }[];
  readonly servingSinceMs: number;
  readonly inMaintenance: boolean;
}

export const NOBODY_FIT: FitSince = new Map();

/** `to`: hand over to that host now. */
export function stepFailback(
  before: FitSince,
  { fit, servingSinceMs, inMaintenance }: Sight,
  nowMs: number,
  stableMs: number,
): { readonly fitSince: FitSince; readonly to: NodeId | null } {
  const lives = fit.map(({ host, bootId }) => {
    const life = `${host} ${bootId}`;
    return [life, { host, sinceMs: before.get(life)?.sinceMs ?? nowMs }] as const;
  });
  const stable = lives.find(([, { sinceMs }]) => nowMs - sinceMs >= stableMs)?.[1].host ?? null;
  const rests = inMaintenance || nowMs - servingSinceMs < stableMs;
  return { fitSince: new Map(lives), to: rests ? null : stable };
}

/** Who is preferred over `self`; all that are named, if it is not named itself. */
export function preferredOver(self: NodeId, preferred: readonly NodeId[]): readonly NodeId[] {
  const own = preferred.indexOf(self);
  return own < 0 ? preferred : preferred.slice(0, own);
}
