/** What a checker says of a history: that it keeps its promise, or how it breaks it, in words and with the calls at fault. */
export type Verdict = { readonly ok: true } | Violation;

export interface Violation {
  readonly ok: false;
  readonly reason: string;
  /** The fewest calls found that already break the promise, one line each, in the order in which they began. */
  readonly calls: readonly string[];
}

export const HOLDS: Verdict = { ok: true };

export function violation(reason: string, calls: readonly string[] = []): Violation {
  return { ok: false, reason, calls };
}

/** The first violation, or that all hold. */
export function firstOf(verdicts: Iterable<Verdict>): Verdict {
  for (const verdict of verdicts) if (!verdict.ok) return verdict;
  return HOLDS;
}
