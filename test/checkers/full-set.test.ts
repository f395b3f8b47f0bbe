/** The checker of sets: what was acknowledged is in every later read, and nothing else than what was added. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkFullSet, type FullSetCall } from "./full-set.ts";
import { afterAll, instants, type Instant } from "./instants.ts";
import type { Outcome } from "./timed-call.ts";

const times = (invokedMs: number, completedMs: number, outcome: Outcome = "ok") =>
  ({ process: "p", invokedMs, completedMs, outcome }) as const;
const add = (value: string, from: number, to: number, outcome?: Outcome): FullSetCall => ({
  ...times(from, to, outcome),
  call: "add",
  value,
});
const read = (values: string, from: number, to: number): FullSetCall => ({
  ...times(from, to),
  call: "read",
  values: values.split(""),
});

describe("sets", () => {
  test.each<readonly [string, string, readonly FullSetCall[]]>([
    ["a lost value", "a is lost", [add("a", 0, 1), read("", 2, 3)]],
    ["a value that comes and goes", "a is lost", [add("a", 0, 1), read("a", 2, 3), read("", 4, 5)]],
    ["a doubled value", "twice", [add("a", 0, 1), read("aa", 2, 3)]],
    ["a phantom", "nobody added x", [read("x", 2, 3)]],
    ["a refused value", "though refused", [add("a", 0, 1, "fail"), read("a", 2, 3)]],
    ["a value before its time", "before its time", [read("a", 0, 1), add("a", 2, 3)]],
  ])("refuse %s", (_, reason, calls) => {
    expect(checkFullSet(calls)).toMatchObject({ ok: false, reason: expect.stringContaining(reason) as string });
  });

  const setOf = (all: readonly Instant[]): FullSetCall[] => {
    const values: string[] = [];
    const calls = all.map(({ read: isRead, times: at, happened }, index): FullSetCall => {
      if (isRead) return { ...at, call: "read", values: [...values] };
      if (happened) values.push(`v${index}`);
      return { ...at, call: "add", value: `v${index}` };
    });
    return [...calls, { ...afterAll(all), call: "read", values }];
  };
  const sets = instants(40).map(setOf);

  test("pass when good", () => {
    fc.assert(
      fc.property(sets, (calls) => {
        expect(checkFullSet(calls)).toEqual({ ok: true });
      }),
    );
  });

  test("are refused when a later read lacks what was acknowledged, or has what nobody added", () => {
    fc.assert(
      fc.property(sets, fc.nat(), (calls, at) => {
        const last = calls.at(-1);
        const acknowledged = calls.flatMap((call) => (call.call === "add" && call.outcome === "ok" ? call.value : []));
        fc.pre(last?.call === "read" && acknowledged.length > 0);
        const lost = acknowledged[at % acknowledged.length];
        const again = (values: readonly string[]): boolean => checkFullSet([...calls, { ...last, values }]).ok;
        expect(again(last.values)).toBe(true);
        expect(again(last.values.filter((value) => value !== lost))).toBe(false);
        expect(again([...last.values, "phantom"])).toBe(false);
        expect(again([...last.values, lost ?? ""])).toBe(false);
      }),
    );
  });
});
