/**
 * Spans of time as people write them: a number and its unit, such as `250ms`, `10m`, `1.5h`. A number alone is refused,
 * since nobody can tell which unit was meant; only `0` needs none.
 */
const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = /^(\d{1,16}(?:\.\d{1,3})?)(ms|s|m|h|d)$/;

/** Milliseconds, or `null` if `text` is no duration or not a whole number of milliseconds. */
export function parseDuration(text: string): number | null {
  if (text === "0") return 0;
  const match = DURATION.exec(text);
  if (!match) return null;
  const ms = Number(match[1]) * UNITS_MS[match[2] as keyof typeof UNITS_MS];
  return Number.isSafeInteger(ms) ? ms : null;
}

/** The shortest way to write `ms` that `parseDuration` reads back as the same number. */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0";
  const units = Object.entries(UNITS_MS).toReversed();
  const [unit, factor] = units.find(([, size]) => ms % size === 0) ?? ["ms", 1];
  return `${ms / factor}${unit}`;
}
