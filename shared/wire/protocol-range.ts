/**
 * The versions of the protocol that a node speaks, from the oldest to the newest. Two nodes speak the newest that both
 * know, so that a cluster is updated node by node: a version is first added, and the oldest one dropped when nobody needs it.
 */
export interface ProtocolRange {
  readonly min: number;
  readonly max: number;
}

/** What this program speaks. */
export const PROTOCOL: ProtocolRange = { min: 1, max: 1 };

/** What a message is written in that does not say so: the field is younger than the protocol. */
export const UNSAID_VERSION = 1;

/** The newest version that both know; `null`: there is none. */
export function commonVersion(one: ProtocolRange, other: ProtocolRange): number | null {
  const version = Math.min(one.max, other.max);
  return version >= Math.max(one.min, other.min) ? version : null;
}

export const isWithin = (version: number, { min, max }: ProtocolRange): boolean => min <= version && version <= max;

export const rangeText = ({ min, max }: ProtocolRange): string => `${min} to ${max}`;
