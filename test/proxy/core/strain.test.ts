import { describe, expect, it } from "vitest";
import { noStrain, strainAfter, strained, type Strain } from "../../../proxy/core/strain.ts";
import { SETTINGS } from "./world.ts";

const late = (strain: Strain, nowMs: number): Strain =>
  strainAfter(strain, { dueMs: nowMs - SETTINGS.lateMs - 1, nowMs }, SETTINGS);
const inTime = (strain: Strain, nowMs: number): Strain => strainAfter(strain, { dueMs: nowMs, nowMs }, SETTINGS);

describe("a proxy whose own timers are late", () => {
  it("gives hosts one more miss for each late timer, up to a bound", () => {
    let strain = late(noStrain, 1000);
    expect(strained(SETTINGS, strain).failures).toBe(SETTINGS.failures + 1);
    for (let at = 0; at < 100; at++) strain = late(strain, 1000 + at);
    expect(strained(SETTINGS, strain).failures).toBe(SETTINGS.failures + 5);
  });

  it("takes one back for each interval in which it was in time", () => {
    const strain = late(late(noStrain, 1000), 1000);
    expect(inTime(strain, 1100).level).toBe(2);
    expect(inTime(strain, 1250).level).toBe(1);
    expect(inTime(inTime(strain, 1250), 1500)).toMatchObject({ level: 0 });
  });

  it("is not one for a few milliseconds", () => {
    expect(strainAfter(noStrain, { dueMs: 900, nowMs: 1000 }, SETTINGS)).toBe(noStrain);
  });
});
