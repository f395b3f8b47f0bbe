/** When a worker process that ended is started again: at once, if it had been well; else ever later, up to a bound. */

/** One that lived for so long was well. */
export const WELL_MS = 10_000;
const FIRST_MS = 100;
const LONGEST_MS = 10_000;

/** @param shortLives lives in a row, the last one included, that ended before they had lasted for `WELL_MS`. */
export function restartDelayMs(shortLives: number): number {
  return shortLives === 0 ? 0 : Math.min(LONGEST_MS, FIRST_MS * 2 ** (shortLives - 1));
}
