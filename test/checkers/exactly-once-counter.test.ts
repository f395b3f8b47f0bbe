/** The checker of counters: each increment once, whatever is unknown; lost, doubled and stale ones are found. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkCounters, type CounterCall } from "./exactly-once-counter.ts";
import { afterAll, instants, type Instant } from "./instants.ts";
import type { Outcome } from "./timed-call.ts";

const times = (invokedMs: number, completedMs: number, outcome: Outcome = "ok") =>
  ({ process: "p", key: "k", invokedMs, completedMs, outcome }) as const;
const add = (answer: number | null, from: number, to: number, outcome?: Outcome): CounterCall => ({
  ...times(from, to, outcome),
  call: "increment",
  answer,
});
const read = (value: number, from: number, to: number): CounterCall => ({ ...times(from, to), call: "read", value });

describe("counters", () => {
  test.each<readonly [string, string, readonly CounterCall[]]>([
    ["a lost increment", "0, which is not within 1 to 1", [add(1, 0, 1), read(0, 2, 3)]],
    ["a doubled increment", "2, which is not within 1 to 1", [add(1, 0, 1), read(2, 2, 3)]],
    ["a refused increment", "1, which is not within 0 to 0", [add(null, 0, 1, "fail"), read(1, 2, 3)]],
    ["two equal answers", "two increments were told 1", [add(1, 0, 1), add(1, 2, 3)]],
    ["answers that go back", "a later increment was told less", [add(2, 0, 1), add(1, 2, 3)]],
    ["an answer that is too high", "3 of 2", [add(1, 0, 1), add(3, 2, 3)]],
    ["a value before its time", "1, which is not within 0 to 0", [read(1, 0, 1), add(1, 2, 3)]],
  ])("refuse %s", (_, reason, calls) => {
    expect(checkCounters(calls)).toMatchObject({ ok: false, reason: expect.stringContaining(reason) as string });
  });

  test.each([1, 2])("allow an unknown increment to have happened or not: %i", (value) => {
    expect(checkCounters([add(1, 0, 1), add(null, 0, 1, "unknown"), read(value, 2, 3)])).toEqual({ ok: true });
  });

  const counterOf = (all: readonly Instant[]): readonly CounterCall[] => {
    let value = 0;
    const calls = all.map(({ read: isRead, times: at, happened }): CounterCall => {
      if (isRead) return { ...at, key: "k", call: "read", value };
      if (happened) value += 1;
      return { ...at, key: "k", call: "increment", answer: at.outcome === "ok" ? value : null };
    });
    return [...calls, { ...afterAll(all), key: "k", call: "read", value }];
  };
  const counters = instants(40).map(counterOf);

  test("pass when good", () => {
    fc.assert(
      fc.property(counters, (calls) => {
        expect(checkCounters(calls)).toEqual({ ok: true });
      }),
    );
  });

  test("are refused when the last read is outside of what can be", () => {
    fc.assert(
      fc.property(counters, fc.integer({ min: 1, max: 3 }), (calls, by) => {
        const [ok, unknown] = (["ok", "unknown"] as const).map(
          (outcome) => calls.filter((call) => call.call === "increment" && call.outcome === outcome).length,
        );
        const last = calls.at(-1);
        const damaged = (value: number): boolean =>
          checkCounters([...calls, { ...read(value, 1000, 1001), process: last?.process ?? "" }]).ok;
        expect(damaged((ok ?? 0) - by)).toBe(false);
        expect(damaged((ok ?? 0) + (unknown ?? 0) + by)).toBe(false);
      }),
    );
  });

  test("are refused when two answers are swapped that did not overlap, or are the same", () => {
    fc.assert(
      fc.property(counters, (calls) => {
        const answered = calls.filter((call) => call.call === "increment" && call.outcome === "ok");
        const [first, last] = [answered[0], answered.at(-1)];
        fc.pre(first?.call === "increment" && last?.call === "increment" && first !== last);
        const told = (one: number | null, other: number | null): readonly CounterCall[] =>
          calls.map((call) =>
            call === first ? { ...first, answer: one } : call === last ? { ...last, answer: other } : call,
          );
        expect(checkCounters(told(first.answer, first.answer)).ok).toBe(false);
        fc.pre((first.completedMs ?? Infinity) < last.invokedMs);
        expect(checkCounters(told(last.answer, first.answer)).ok).toBe(false);
      }),
    );
  });
});
