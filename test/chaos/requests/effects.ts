/** What became of each write: compared are what clients were told and how often each took effect. Pure. */
export interface EffectsVerdict {
  /** Acknowledged, and not there. */
  readonly lost: readonly string[];
  /** There more than once. */
  readonly doubled: readonly string[];
  /** There, and sent by nobody. */
  readonly foreign: readonly string[];
}

/**
 * @param times how often each write took effect.
 * @param open writes that failed: each may be there once.
 */
export function judgeEffects(
  times: ReadonlyMap<string, number>,
  { acknowledged, open }: { readonly acknowledged: ReadonlySet<string>; readonly open: ReadonlySet<string> },
): EffectsVerdict {
  const there = [...times].filter(([, n]) => n > 0);
  return {
    lost: [...acknowledged].filter((write) => (times.get(write) ?? 0) < 1),
    doubled: there.filter(([, n]) => n > 1).map(([write, n]) => `${write} ${n} times`),
    foreign: there.filter(([write]) => !acknowledged.has(write) && !open.has(write)).map(([write]) => write),
  };
}
