/**
 * What an error of SQLite means for the host. A constraint that fails is the application's affair; a file that is not a
 * sound database is divergence (set aside, restore); a disk or a memory that fails is nobody's state: the node stops.
 */

/** Primary result codes, https://sqlite.org/rescode.html. */
const RESULT = {
  busy: 5,
  noMemory: 7,
  readOnly: 8,
  io: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
};

const LOCAL: ReadonlySet<number> = new Set([
  RESULT.busy,
  RESULT.noMemory,
  RESULT.readOnly,
  RESULT.io,
  RESULT.full,
  RESULT.cannotOpen,
]);
const DAMAGE: ReadonlySet<number> = new Set([RESULT.corrupt, RESULT.notADatabase]);

/** The machine failed: disk full, I/O error, no memory, locked by another process. Says nothing about the state. */
export const isLocalFailure = (error: unknown): boolean => LOCAL.has(resultOf(error));

/** The file is not a sound database. */
export const isDamage = (error: unknown): boolean => DAMAGE.has(resultOf(error));

/** An integer beyond 2^53 was read as a number. */
export const isNumberOverflow = (error: unknown): boolean =>
  error instanceof Error && (error as Error & { code?: unknown }).code === "ERR_OUT_OF_RANGE";

/** The primary result code: the low byte of an extended one. 0 if it is no error of SQLite. */
function resultOf(error: unknown): number {
  if (!(error instanceof Error)) return 0;
  const { errcode } = error as Error & { errcode?: unknown };
  return typeof errcode === "number" ? errcode & 0xff : 0;
}
