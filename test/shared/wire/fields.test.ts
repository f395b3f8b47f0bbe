import { describe, expect, it } from "vitest";
import {
  formatRequestNumber,
  parseRequestNumber,
  readCount,
  readEpoch,
  readLsn,
  readOutcome,
} from "../../../shared/wire/fields.ts";
import type { BootId } from "../../../shared/ids.ts";

const BOOT = "0f".repeat(16) as BootId;

describe("Hotspare fields", () => {
  it("a request number comes back as it was written", () => {
    const number = { bootId: BOOT, number: 12 };
    expect(parseRequestNumber(formatRequestNumber(number))).toEqual(number);
  });

  it("what is not well-formed reads as absent", () => {
    for (const value of [
      undefined,
      "",
      BOOT,
      `${BOOT}-`,
      `${BOOT}-1x`,
      `${BOOT}-99999999999999999`,
      `x${BOOT}-1`,
      ["a"],
    ]) {
      expect(parseRequestNumber(value)).toBeNull();
    }
    for (const value of [undefined, "", "-1", "1.5", "1e3", " 1", "1, 2", "9999999999999999", ["1"]]) {
      expect([readCount(value), readEpoch(value), readLsn(value)]).toEqual([null, null, null]);
    }
    expect([
      readOutcome("not-primary"),
      readOutcome("not-applied"),
      readOutcome("other"),
      readOutcome(undefined),
    ]).toEqual(["not-primary", "not-applied", null, null]);
  });

  it("whole numbers are read", () => {
    expect([readCount("0"), readEpoch("7"), readLsn("9007199254740991")]).toEqual([0, 7, 9007199254740991]);
  });
});
