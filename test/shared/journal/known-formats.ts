/** Makes the program under test one that knows other versions of records, as the next version of it will. */
import { afterEach } from "vitest";
import { RECORD_FORMATS, type FormatRange } from "../../../shared/journal/record-formats.ts";

const { max } = RECORD_FORMATS;

/** Until the end of the test. */
export function knowUpTo(newest: number): void {
  (RECORD_FORMATS as { -readonly [Key in keyof FormatRange]: number }).max = newest;
}

afterEach(() => knowUpTo(max));
