/**
 * Whether a host could take a pool over, by what it says of itself: one rule for the proxies that order, for a primary that
 * hands over, and for people who ask what would happen. Pure.
 */
import type { HostReport, PoolReport } from "./wire/reports.ts";

export interface FitnessRules {
  readonly pool: string;
  /** `null`: the vault has no id yet, any is right. */
  readonly vaultId: string | null;
}

/** Who is further behind the head of the journal lets clients wait for it: others come first where nobody is in a hurry. */
export const WARM_MS = 2000;

/** Why that host cannot take the pool over; `null`: it can. Its own probe of the vault is another question. */
export function unfitnessOf(report: HostReport, { pool, vaultId }: FitnessRules): string | null {
  if (!report.candidate) return "it is no candidate (candidate: false)";
  if (vaultId !== null && report.vaultId !== vaultId) return "it is on another vault";
  const entry = report.pools.find((candidate) => candidate.pool === pool);
  return entry === undefined ? `it does not know pool ${pool}` : unreadinessOf(entry);
}

/** Why it could not write to the vault a moment ago; `null`: it could. */
export function vaultTroubleOf({ probe }: HostReport, freshMs: number): string | null {
  if (probe.ok && probe.ageMs <= freshMs) return null;
  return probe.ok
    ? `it has not written to the vault for ${Math.round(probe.ageMs)} ms`
    : "it cannot write to the vault";
}

/** Whether it distrusts its own clock, as it last said. */
export const isQuarantined = ({ quarantined }: Pick<HostReport, "quarantined">): boolean =>
  (quarantined ?? null) !== null;

function unreadinessOf({ role, unfit, alarm }: PoolReport): string | null {
  if (unfit !== null) return unfit;
  if (alarm !== null) return alarm;
  return role === "offline" || role === "restoring" ? `it is ${role}` : null;
}
