/** Calls for property tests that take effect at their own instants 10, 20, 30 …, begin before them and end after them. */
import fc from "fast-check";
import type { Outcome, TimedCall } from "./timed-call.ts";

export interface Instant {
  readonly read: boolean;
  readonly times: TimedCall;
  /** Whether it took effect: unknown ones may have. */
  readonly happened: boolean;
}

export function instants(most: number): fc.Arbitrary<readonly Instant[]> {
  const instant = fc.record({
    read: fc.boolean(),
    before: fc.integer({ min: 0, max: 35 }),
    after: fc.integer({ min: 0, max: 35 }),
    outcome: fc.constantFrom<Outcome>("ok", "ok", "ok", "unknown", "fail"),
    happens: fc.boolean(),
  });
  return fc.array(instant, { maxLength: most }).map((all) =>
    all.map(({ read, before, after, outcome, happens }, index) => ({
      read,
      happened: outcome === "ok" || (outcome === "unknown" && happens),
      times: {
        process: `p${index}`,
        invokedMs: index * 10 - before,
        completedMs: outcome === "unknown" ? null : index * 10 + after,
        outcome,
      },
    })),
  );
}

/** A call that begins after all of these have ended. */
export function afterAll(all: readonly Instant[]): TimedCall {
  const endMs = all.length * 10 + 50;
  return { process: "last", invokedMs: endMs, completedMs: endMs + 1, outcome: "ok" };
}
