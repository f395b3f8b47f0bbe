/** Rows that were read with bigints, as an application expects them: bigints only where a number would lose digits. */
import type { Row } from "./store.ts";

/** Changes `row` in place, and returns it. */
export function narrowRow<R extends Row | undefined>(row: R): R {
  if (row === undefined) return row;
  for (const column of Object.keys(row)) {
    const value = row[column];
    if (typeof value === "bigint" && value >= LEAST && value <= MOST) row[column] = Number(value);
  }
  return row;
}

const MOST = BigInt(Number.MAX_SAFE_INTEGER);
const LEAST = -MOST;
