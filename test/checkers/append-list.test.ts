/** The checker of lists: good ones pass, and each way to damage them is found. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkAppendLists, type AppendListCall } from "./append-list.ts";
import { afterAll, instants, type Instant } from "./instants.ts";
import type { Outcome } from "./timed-call.ts";

const times = (invokedMs: number, completedMs: number, outcome: Outcome = "ok") =>
  ({ process: "p", key: "k", invokedMs, completedMs, outcome }) as const;
const append = (value: string, from: number, to: number, outcome?: Outcome): AppendListCall => ({
  ...times(from, to, outcome),
  call: "append",
  value,
});
const read = (values: string, from: number, to: number): AppendListCall => ({
  ...times(from, to),
  call: "read",
  values: values.split(""),
});

const BAD: readonly (readonly [string, string, readonly AppendListCall[]])[] = [
  ["a lost append", "a is lost", [append("a", 0, 1), read("", 2, 3)]],
  ["a doubled append", "a is there twice", [append("a", 0, 1), read("aa", 2, 3)]],
  ["a phantom", "nobody appended x", [append("a", 0, 1), read("ax", 2, 3)]],
  ["a refused append", "though refused", [append("a", 0, 1, "fail"), read("a", 2, 3)]],
  ["two orders", "two orders", [append("a", 0, 5), append("b", 0, 5), read("ab", 6, 7), read("ba", 6, 7)]],
  ["the wrong order", "b stands before a", [append("a", 0, 1), append("b", 2, 3), read("ba", 4, 5)]],
  ["a list that shrinks", "shrunk", [append("a", 0, 9), read("a", 1, 2), read("", 3, 4)]],
  ["a value before its time", "before its time", [read("a", 0, 1), append("a", 2, 3)]],
];

describe("lists", () => {
  test.each(BAD)("refuse %s", (_, reason, calls) => {
    expect(checkAppendLists(calls)).toMatchObject({ ok: false, reason: expect.stringContaining(reason) as string });
  });

  test("allow what overlaps in any order, and unknown appends there or not", () => {
    const calls = [append("a", 0, 5), append("b", 0, 5), append("u", 0, 9, "unknown"), append("v", 0, 9, "unknown")];
    expect(checkAppendLists([...calls, read("b", 1, 2), read("bua", 6, 7)])).toEqual({ ok: true });
  });
});

/** Every append of a good history, each happened one visible in all later reads, and a last read of all. */
function listOf(all: readonly Instant[]): AppendListCall[] {
  const values: string[] = [];
  const calls = all.map(({ read: isRead, times: at, happened }, index): AppendListCall => {
    if (isRead) return { ...at, key: "k", call: "read", values: [...values] };
    if (happened) values.push(`v${index}`);
    return { ...at, key: "k", call: "append", value: `v${index}` };
  });
  return [...calls, { ...afterAll(all), key: "k", call: "read", values }];
}

/** The last read, which sees all, with its values changed. */
function withLast(calls: readonly AppendListCall[], change: (values: string[]) => string[]): readonly AppendListCall[] {
  const last = calls.at(-1);
  return last?.call === "read" ? [...calls.slice(0, -1), { ...last, values: change([...last.values]) }] : calls;
}

const lastOf = (calls: readonly AppendListCall[]): readonly string[] => {
  const last = calls.at(-1);
  return last?.call === "read" ? last.values : [];
};

describe("a good list", () => {
  const lists = instants(40).map(listOf);

  test("passes", () => {
    fc.assert(
      fc.property(lists, (calls) => {
        expect(checkAppendLists(calls)).toEqual({ ok: true });
      }),
    );
  });

  test("whose last read doubles a value, or shows one that nobody appended, does not", () => {
    fc.assert(
      fc.property(lists, fc.nat(), (calls, at) => {
        const values = lastOf(calls);
        fc.pre(values.length > 0);
        const value = values[at % values.length] ?? "";
        expect(checkAppendLists(withLast(calls, (all) => [...all, value])).ok).toBe(false);
        expect(checkAppendLists(withLast(calls, (all) => [...all, "phantom"])).ok).toBe(false);
      }),
    );
  });

  test("whose last read lacks an acknowledged value does not", () => {
    fc.assert(
      fc.property(lists, fc.nat(), (calls, at) => {
        const acknowledged = calls.flatMap((call) =>
          call.call === "append" && call.outcome === "ok" ? call.value : [],
        );
        fc.pre(acknowledged.length > 0);
        const lost = acknowledged[at % acknowledged.length];
        expect(checkAppendLists(withLast(calls, (all) => all.filter((value) => value !== lost))).ok).toBe(false);
      }),
    );
  });

  test("with two values swapped that did not overlap does not", () => {
    fc.assert(
      fc.property(lists, (calls) => {
        const values = lastOf(calls);
        const [first, last] = [values[0], values.at(-1)];
        const end = calls.find((call) => call.call === "append" && call.value === first && call.outcome === "ok");
        const begin = calls.find((call) => call.call === "append" && call.value === last);
        fc.pre(end !== undefined && begin !== undefined && (end.completedMs ?? Infinity) < begin.invokedMs);
        const swapped = [last ?? "", ...values.slice(1, -1), first ?? ""];
        const alone = calls.filter((call, index) => call.call === "append" || index === calls.length - 1);
        expect(checkAppendLists(withLast(alone, () => swapped)).ok).toBe(false);
      }),
    );
  });
});
