/**
 * Places where a process may be stopped: before its nth call of a kind. A few of them by default, drawn with a seed that is
 * printed; all with `HOTSPARE_CRASH_POINTS=all`; the same again with `HOTSPARE_SEED`.
 */
import { randomInt } from "node:crypto";
import { seededRandom } from "../shared/vault/test-vaults.ts";

export interface CrashPoint {
  readonly call: string;
  /** Counted from 1. */
  readonly nth: number;
}

const MOST = 2 ** 31;
const seed = Number(process.env["HOTSPARE_SEED"] ?? randomInt(MOST));
const all = process.env["HOTSPARE_CRASH_POINTS"] === "all";

/** Up to `most` calls of each kind. */
export const crashPoints = (most: Readonly<Record<string, number>>): readonly CrashPoint[] =>
  Object.entries(most).flatMap(([call, times]) =>
    Array.from({ length: times }, (_, index) => ({ call, nth: index + 1 })),
  );

/** `count` of them in a random order, or all. */
export function sample(what: string, points: readonly CrashPoint[], count: number): readonly CrashPoint[] {
  if (all) return points;
  process.stderr.write(`${what}: ${count} of ${points.length} places, HOTSPARE_SEED=${seed}\n`);
  const random = seededRandom(seed);
  const drawn = points.map((point) => ({ point, at: random.bytes(4).readUInt32BE() }));
  return drawn
    .toSorted((one, other) => one.at - other.at)
    .slice(0, count)
    .map(({ point }) => point);
}

export const killAt = ({ call, nth }: CrashPoint): string => `${call}:signal=KILL:when=${nth}`;
