/** The parts of a chaos run that decide, without processes: which faults, what they cost, what is told, what is wrong. */
import { describe, expect, test } from "vitest";
import { Dice } from "../simulation/dice.ts";
import { readCommand } from "./chaos-options.ts";
import { chooseFault } from "./choose-fault.ts";
import { FAULT_KINDS, nameOfFault } from "./fault.ts";
import { faultRows } from "./incident.ts";
import { judge } from "./judge.ts";
import type { ChaosCall } from "./recorder.ts";
import { reportText } from "./report-text.ts";
import { beforeSummerTimeS } from "./wall-clocks.ts";

const faultsOf = (seed: number, times: number): readonly string[] => {
  const dice = new Dice(seed);
  return Array.from({ length: times }, () => JSON.stringify(chooseFault(dice, FAULT_KINDS)));
};

describe("the choice of faults", () => {
  test("is the same for the same seed, and another for another", () => {
    expect(faultsOf(1, 50)).toEqual(faultsOf(1, 50));
    expect(faultsOf(1, 50)).not.toEqual(faultsOf(2, 50));
  });

  test("comes to every fault, each of a bounded time", () => {
    const dice = new Dice(3);
    const faults = Array.from({ length: 5000 }, () => chooseFault(dice, FAULT_KINDS));
    expect(new Set(faults.map(({ type }) => type)).size).toBe(11);
    expect(new Set(faults.map(nameOfFault)).size).toBeGreaterThan(40);
    expect(Math.max(...faults.map(({ forMs }) => forMs))).toBeLessThanOrEqual(6000);
  });

  test("keeps to the kinds that it may use", () => {
    const dice = new Dice(4);
    const types = Array.from({ length: 200 }, () => chooseFault(dice, ["pause", "data"]).type);
    expect(new Set(types)).toEqual(new Set(["pause", "lose data"]));
  });
});

test("a fault costs the longest call that was under way during it", () => {
  const incident = { name: "SIGKILL primary", failovers: 1 };
  const incidents = [
    { ...incident, beganMs: 100, overMs: 200 },
    { ...incident, beganMs: 300, overMs: 400 },
  ];
  const spans = [
    { invokedMs: 0, completedMs: 99 },
    { invokedMs: 90, completedMs: 150 },
    { invokedMs: 190, completedMs: 5000 },
    { invokedMs: 390, completedMs: 700 },
    { invokedMs: 401, completedMs: 9999 },
  ];
  expect(faultRows(incidents, spans)).toEqual([
    { fault: "SIGKILL primary", times: 2, medianPauseMs: 310, worstPauseMs: 4810, failovers: 2 },
  ]);
});

describe("the verdict", () => {
  const times = { process: "p", invokedMs: 0, completedMs: 1, outcome: "ok" } as const;
  const later = { ...times, invokedMs: 2, completedMs: 3 };
  const cases: readonly (readonly [string, readonly ChaosCall[]])[] = [
    ["register", [{ of: "register", call: { ...times, key: "k", call: "read", value: "phantom" } }]],
    ["list", [{ of: "list", call: { ...times, key: "k", call: "read", values: ["phantom"] } }]],
    ["bank", [{ of: "bank", call: { ...times, balances: { a: 500, b: 0, c: 0, d: 0, e: 1 } } }]],
    ["counter", [{ of: "counter", call: { ...times, key: "k", call: "read", value: 1 } }]],
    ["set", [{ of: "set", call: { ...times, key: "k", call: "read", values: ["phantom"] } }]],
    [
      "session",
      [
        { of: "session", call: { ...times, session: "s", broughtLsn: null, lsn: 5 } },
        { of: "session", call: { ...later, session: "s", broughtLsn: null, lsn: 4 } },
      ],
    ],
  ];

  test.each(cases)("finds what is wrong with a %s", (kind, calls) => {
    expect(judge(calls)).toEqual([expect.stringContaining(kind)]);
    expect(judge([])).toEqual([]);
  });
});

test("a report ends with the promise, or with the seed that broke it", () => {
  const report = {
    seed: 571,
    folder: "somewhere",
    seconds: 60,
    faults: [{ fault: "SIGKILL primary", times: 2, medianPauseMs: 60.4, worstPauseMs: 310, failovers: 2 }],
    skipped: ["skipped: partitions"],
    calls: { ok: 5, fail: 1, unknown: 0 },
    acknowledgedWrites: 3,
    reads: 2,
    epochs: 3,
    failovers: 2,
    setbacks: { ECONNREFUSED: 2 },
    violations: [],
  };
  expect(reportText(report)).toMatch(
    /SIGKILL primary +2 +60 ms +310 ms +2\n[^]*skipped[^]*nothing lost, nothing doubled\n$/,
  );
  expect(reportText({ ...report, violations: ["x is lost"] })).toMatch(/1 PROMISES BROKEN, seed 571[^]*x is lost\n$/);
});

test.each([
  ["2026-01-15T00:00:00Z", "2026-03-29T00:59:58Z"],
  ["2026-06-15T00:00:00Z", "2026-10-25T00:59:58Z"],
  ["2026-12-15T00:00:00Z", "2027-03-28T00:59:58Z"],
])("from %s the next change of summer time is two seconds after %s", (now, then) => {
  const at = new Date(now);
  expect(new Date(at.getTime() + beforeSummerTimeS(at) * 1000)).toEqual(new Date(then));
});

test("a command line that makes no sense is refused with what is accepted", () => {
  expect(readCommand(["--seed", "7", "--faults", "kill,clock"], 1)).toMatchObject({
    seed: 7,
    kinds: ["kill", "clock"],
  });
  expect(() => readCommand(["--faults", "kill,earthquake"], 1)).toThrow(
    "--faults: found earthquake, accepted are kill",
  );
  expect(() => readCommand(["--minutes", "never"], 1)).toThrow("--minutes: found never");
});
