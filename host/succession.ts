/**
 * Who is to follow a primary that steps back of its own will. Pure.
 *
 * Fit is who could be ordered by the proxies too; beyond that, it must follow closely: whoever first has to catch up would
 * make clients wait for it. Among those the preferred ones come first, then who serves fewest pools, then who has applied most.
 */
import { isQuarantined, unfitnessOf, vaultTroubleOf, type FitnessRules } from "../shared/fitness.ts";
import type { NodeId } from "../shared/ids.ts";
import type { Fitness } from "../shared/wire/operation-messages.ts";
import type { HostReport } from "../shared/wire/reports.ts";

/** One of the other hosts, and what it said; or why it said nothing. */
export type Asked =
  | { readonly host: NodeId; readonly report: HostReport }
  | { readonly host: NodeId; readonly report: null; readonly reason: string };

export interface SuccessionRules extends FitnessRules {
  readonly preferred: readonly NodeId[];
  /** A probe of the vault that is older says nothing. */
  readonly storageFreshMs: number;
  /** Behind by more, a host would make clients wait until it has caught up. */
  readonly warmMs: number;
  /** Why an operator took a host out; `null`: it is in. */
  readonly offline: (host: NodeId) => string | null;
}

export interface Candidate extends Fitness {
  readonly host: NodeId;
  readonly report: HostReport | null;
}

/** All others, those that are fit first, the best one at the top. */
export function rankSuccessors(asked: readonly Asked[], rules: SuccessionRules): readonly Candidate[] {
  return asked.map((other) => judge(other, rules)).toSorted((a, b) => compare(a, b, rules));
}

function judge(asked: Asked, rules: SuccessionRules): Candidate {
  const { host, report } = asked;
  if (report === null) return { host, report, unfit: `it does not answer: ${asked.reason}`, slot: null, lagMs: null };
  const entry = report.pools.find(({ pool }) => pool === rules.pool);
  const unfit =
    rules.offline(host) ??
    unfitnessOf(report, rules) ??
    vaultTroubleOf(report, rules.storageFreshMs) ??
    coldnessOf(entry?.lagMs ?? 0, rules);
  return { host, report, unfit, slot: entry?.slot ?? null, lagMs: entry?.lagMs ?? null };
}

const coldnessOf = (lagMs: number, { warmMs }: SuccessionRules): string | null =>
  lagMs <= warmMs ? null : "it is catching up, and would make clients wait";

function compare(a: Candidate, b: Candidate, rules: SuccessionRules): number {
  return (
    Number(a.unfit !== null) - Number(b.unfit !== null) ||
    distrust(a) - distrust(b) ||
    preference(a, rules) - preference(b, rules) ||
    load(a) - load(b) ||
    (b.slot ?? 0) - (a.slot ?? 0) ||
    (a.host < b.host ? -1 : 1)
  );
}

/** How many pools it serves. */
const load = ({ report }: Candidate): number => report?.pools.filter(({ serving }) => serving).length ?? 0;

const distrust = ({ report }: Candidate): number => Number(report !== null && isQuarantined(report));

function preference({ host }: Candidate, { preferred }: SuccessionRules): number {
  const index = preferred.indexOf(host);
  return index < 0 ? preferred.length : index;
}
