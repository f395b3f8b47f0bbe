/**
 * The versions of records that this program knows: it reads and can write each of them. Which one it writes is not its
 * choice: a pool begins with the oldest, and goes on with what the newest `format` record of its history says, so that a
 * program that came first writes nothing that the others cannot read.
 */
export interface FormatRange {
  readonly min: number;
  readonly max: number;
}

export const RECORD_FORMATS: FormatRange = { min: 1, max: 1 };

/** What a node reads that does not say so: it is older than the question. */
export const FIRST_FORMATS: FormatRange = { min: 1, max: 1 };

/** What a pool is written in before any `format` record. */
export const FIRST_WRITE_VERSION = 1;

/** Why this program cannot go on where `version` is written. */
export const newerReason = (version: number): string =>
  `its format ${version} is newer than this program reads (${rangeOf(RECORD_FORMATS)})`;

export const rangeOf = ({ min, max }: FormatRange): string => (min === max ? `${min}` : `${min} to ${max}`);
