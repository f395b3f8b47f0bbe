/**
 * What one proxy sees, by version, and how two accounts of it become one. Pure.
 *
 * Merging is a join: commutative, associative, idempotent, and it never goes back. Of two lives of one origin that of
 * the higher incarnation holds, then that of the greater boot id; within a life the higher version, and of one version
 * the one that was forgotten. Only the origin writes under its versions, so equal versions have equal contents. The
 * beat goes on beside the version: it says that the origin lives, and changes nothing else.
 */
import type { NodeId } from "../../shared/ids.ts";
import type { Digest, Observation } from "../../shared/wire/messages.ts";

/** Which version of which life an account is of. */
export type Stamp = Digest[number];
export type Content = NonNullable<Observation["content"]>;
export type Known = ReadonlyMap<NodeId, Observation>;

/** Both must be of the same origin. */
export function mergeObservations(a: Observation, b: Observation): Observation {
  const lives = compareLives(a, b);
  if (lives !== 0) return lives > 0 ? a : b;
  const newer = compareWithin(a, b) >= 0 ? a : b;
  const beat = Math.max(a.beat, b.beat);
  return newer.beat === beat ? newer : { ...newer, beat };
}

/** Greater than 0 if `a` is of a later life. */
export function compareLives(a: Omit<Stamp, "origin">, b: Omit<Stamp, "origin">): number {
  if (a.incarnation !== b.incarnation) return a.incarnation - b.incarnation;
  return a.bootId === b.bootId ? 0 : a.bootId > b.bootId ? 1 : -1;
}

/** Greater than 0 if `a` says something that `b` does not: a later life or version. Beats do not count. */
export const compareStamps = (a: Stamp, b: Stamp): number => compareLives(a, b) || a.version - b.version;

/** Whether `a` shows its origin alive after what `b` shows. */
export function isLivelier(a: Stamp, b: Stamp): boolean {
  const lives = compareLives(a, b);
  return lives > 0 || (lives === 0 && a.beat > b.beat);
}

export const stampOf = ({ origin, incarnation, bootId, version, beat }: Observation): Stamp => ({
  origin,
  incarnation,
  bootId,
  version,
  beat,
});

function compareWithin(a: Observation, b: Observation): number {
  return a.version - b.version || Number(a.content === null) - Number(b.content === null);
}
