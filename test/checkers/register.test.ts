/** The checker of registers: told histories, good and bad, and a comparison with a plain trial of all orders. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { linearize, type RegisterCall, type RegisterValue } from "./linearizability.ts";
import { anyHistory, goodHistory, isLinearizableByTrying } from "./register-histories.ts";
import { checkRegisters } from "./register.ts";
import type { Outcome } from "./timed-call.ts";
import { zonesOverlap } from "./zones.ts";

type At = readonly [invokedMs: number, completedMs: number | null];

const times = ([invokedMs, completedMs]: At, outcome: Outcome) => ({
  process: "p",
  key: "k",
  invokedMs,
  completedMs,
  outcome: completedMs === null ? ("unknown" as const) : outcome,
});
const write = (value: RegisterValue, at: At, outcome: Outcome = "ok"): RegisterCall => ({
  ...times(at, outcome),
  call: "write",
  value,
});
const read = (value: RegisterValue, at: At): RegisterCall => ({ ...times(at, "ok"), call: "read", value });
const cas = (from: RegisterValue, to: RegisterValue, at: At, outcome: Outcome = "ok"): RegisterCall => ({
  ...times(at, outcome),
  call: "cas",
  from,
  to,
  refused: outcome === "fail",
});

const GOOD: readonly (readonly [string, readonly RegisterCall[]])[] = [
  ["nothing", []],
  ["a read of what was never written", [read(null, [0, 1])]],
  ["a read that overlaps a write and shows it", [write(1, [0, 9]), read(1, [1, 2])]],
  ["a read that overlaps a write and does not show it", [write(1, [0, 9]), read(null, [1, 2])]],
  ["two writes that overlap, seen in the other order", [write(1, [0, 9]), write(2, [1, 8]), read(1, [10, 11])]],
  ["an unknown write that is seen much later", [write(1, [0, null]), read(null, [5, 6]), read(1, [90, 91])]],
  ["an unknown write that never happened", [write(1, [0, null]), read(null, [5, 6])]],
  ["an unknown write seen after another", [write(1, [0, null]), write(2, [5, 6]), read(2, [7, 8]), read(1, [9, 10])]],
  ["a failed write", [write(1, [0, 1], "fail"), read(null, [2, 3])]],
  ["a comparison that held", [write(1, [0, 1]), cas(1, 2, [2, 3]), read(2, [4, 5])]],
  ["a comparison rightly refused", [write(1, [0, 1]), cas(2, 3, [2, 3], "fail"), read(1, [4, 5])]],
  ["an unknown comparison that happened", [write(1, [0, 1]), cas(1, 2, [2, null]), read(2, [4, 5])]],
  ["calls that touch", [write(1, [0, 1]), write(2, [1, 2]), read(1, [3, 4])]],
];

const BAD: readonly (readonly [string, readonly RegisterCall[]])[] = [
  ["a lost write", [write(1, [0, 1]), read(null, [2, 3])]],
  ["a stale read", [write(1, [0, 1]), write(2, [2, 3]), read(1, [4, 5])]],
  ["a phantom", [read(7, [0, 1])]],
  ["a failed write that is seen", [write(1, [0, 1], "fail"), read(1, [2, 3])]],
  ["a read before the write began", [read(1, [0, 1]), write(1, [2, 3])]],
  ["a value that goes and comes back", [write(1, [0, 9]), read(1, [1, 2]), read(null, [3, 4])]],
  ["two comparisons from one value", [write(1, [0, 1]), cas(1, 2, [2, 9]), cas(1, 3, [2, 9])]],
  ["a comparison refused though it held", [write(1, [0, 1]), cas(1, 2, [2, 3], "fail")]],
  ["a comparison applied twice", [cas(null, 1, [0, 1]), write(2, [2, 3]), read(1, [4, 5])]],
  [
    "an unknown write that happens twice",
    [write(1, [0, null]), read(1, [1, 2]), write(2, [3, 4]), read(2, [5, 6]), read(1, [7, 8])],
  ],
];

describe("registers", () => {
  test.each(GOOD)("allow %s", (_, calls) => {
    expect(checkRegisters(calls)).toEqual({ ok: true });
    expect(linearize(calls)).toBe("linearizable");
  });

  test.each(BAD)("refuse %s, and tell it", (_, calls) => {
    const verdict = checkRegisters(calls);
    expect(verdict).toMatchObject({ ok: false, reason: expect.stringContaining("register k") as string });
    expect(linearize(calls)).toBe("not linearizable");
  });

  test("are judged key by key", () => {
    const other = { ...read(null, [2, 3]), key: "other" };
    expect(checkRegisters([write(1, [0, 1]), other]).ok).toBe(true);
    expect(checkRegisters([write(1, [0, 1]), other, { ...write(1, [0, 1]), key: "other" }]).ok).toBe(false);
  });

  test("whose search exceeds its budget are undecided, which is no pass", () => {
    const verdict = checkRegisters([cas(null, 1, [0, 1]), cas(1, 2, [2, 3]), read(2, [4, 5])], { budget: 1 });
    expect(verdict).toMatchObject({ ok: false, reason: expect.stringContaining("undecided") as string });
  });

  test("are shown by the fewest calls that break them", () => {
    const noise = Array.from({ length: 50 }, (_, n) => [
      write(`x${n}`, [n, n + 0.3]),
      read(`x${n}`, [n + 0.4, n + 0.5]),
    ]);
    const verdict = checkRegisters([...noise.flat(), write(1, [60, 61]), read("x3", [62, 63]), cas(1, 2, [70, 71])]);
    expect(verdict.ok ? [] : verdict.calls).toEqual([
      "write x3 (3.0 to 3.3 ms, p, ok)",
      "write 1 (60.0 to 61.0 ms, p, ok)",
      "read x3 (62.0 to 63.0 ms, p, ok)",
    ]);
  });
});

describe("the search", () => {
  test("agrees with a trial of all orders", () => {
    let bad = 0;
    fc.assert(
      fc.property(anyHistory(true), (calls) => {
        const expected = isLinearizableByTrying(calls);
        bad += expected ? 0 : 1;
        expect(linearize(calls)).toBe(expected ? "linearizable" : "not linearizable");
      }),
      { numRuns: 3000 },
    );
    expect(bad).toBeGreaterThan(300);
  });

  test("finds an order for every history that has one", () => {
    fc.assert(
      fc.property(goodHistory({ calls: 60, cas: true }), (calls) => {
        expect(linearize(calls)).toBe("linearizable");
        expect(checkRegisters(calls).ok).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test("settles 500 calls that overlap by eights, good or bad, within its budget", () => {
    fc.assert(
      fc.property(goodHistory({ calls: 500, atLeast: 500, cas: true }), (calls) => {
        expect(linearize(calls, null, 100_000)).toBe("linearizable");
        const stale: RegisterCall = { ...read(null, [5100, 5101]) };
        expect(linearize([...calls, write("x", [5050, 5051]), stale], null, 500_000)).toBe("not linearizable");
      }),
      { numRuns: 5 },
    );
  });
});

describe("zones", () => {
  test("agree with a trial of all orders wherever they apply", () => {
    let [applied, bad] = [0, 0];
    fc.assert(
      fc.property(anyHistory(false), (calls) => {
        const found = zonesOverlap(calls, null);
        if (found === null) return;
        const expected = isLinearizableByTrying(calls);
        applied += 1;
        bad += expected ? 0 : 1;
        expect(found).toBe(expected ? "linearizable" : "not linearizable");
      }),
      { numRuns: 5000 },
    );
    expect(applied).toBeGreaterThan(500);
    expect(bad).toBeGreaterThan(100);
  });

  test("agree with the search on long histories", () => {
    fc.assert(
      fc.property(goodHistory({ calls: 80, cas: false }), (calls) => {
        expect(zonesOverlap(calls, null)).toBe("linearizable");
        expect(linearize(calls)).toBe("linearizable");
      }),
    );
  });
});

describe("a good history that is damaged", () => {
  const history = goodHistory({ calls: 40, cas: true });
  const pick = fc.nat();

  test("by a read that shows what nobody wrote is refused", () => {
    fc.assert(
      fc.property(history, pick, (calls, at) => {
        const reads = calls.filter((call) => call.call === "read" && call.outcome === "ok");
        const damaged = reads[at % reads.length];
        fc.pre(damaged !== undefined);
        expect(checkRegisters(calls.map((call) => (call === damaged ? { ...call, value: "phantom" } : call))).ok).toBe(
          false,
        );
      }),
    );
  });

  test("by a last read that misses the last acknowledged write is refused", () => {
    fc.assert(
      fc.property(history, (calls) => {
        const settled = calls.filter(({ outcome }) => outcome === "ok");
        const endMs = Math.max(0, ...settled.map(({ completedMs }) => completedMs ?? 0));
        const written = write("last", [endMs + 1, endMs + 2]);
        expect(checkRegisters([...calls, written, read("last", [endMs + 3, endMs + 4])]).ok).toBe(true);
        expect(checkRegisters([...calls, written, read(null, [endMs + 3, endMs + 4])]).ok).toBe(false);
      }),
    );
  });

  test("by two values that take turns is refused", () => {
    fc.assert(
      fc.property(history, (calls) => {
        const endMs = Math.max(0, ...calls.map(({ completedMs }) => completedMs ?? 0));
        const turns = ["a", "b", "a"].map((value, n) => read(value, [endMs + 10 + n * 2, endMs + 11 + n * 2]));
        const writes = [write("a", [endMs + 1, endMs + 90]), write("b", [endMs + 1, endMs + 90])];
        expect(checkRegisters([...calls, ...writes, ...turns.slice(0, 2)]).ok).toBe(true);
        expect(checkRegisters([...calls, ...writes, ...turns]).ok).toBe(false);
      }),
    );
  });
});
