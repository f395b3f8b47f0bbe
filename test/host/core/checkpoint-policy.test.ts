import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  beginPolicy,
  dueReason,
  step,
  type CheckpointEvent,
  type CheckpointPolicy,
} from "../../../host/core/checkpoint-policy.ts";

const LIMITS = { bytes: 1000, intervalMs: 60_000 };

/** Runs events, each with its time. */
function after(events: readonly (readonly [number, CheckpointEvent])[], imageBytes = 100): CheckpointPolicy {
  return events.reduce((state, [nowMs, event]) => step(state, event, nowMs), beginPolicy(imageBytes, 0, 0));
}

const due = (state: CheckpointPolicy, nowMs: number): string | null => dueReason(state, LIMITS, nowMs);

describe("by size", () => {
  test.each([
    [1000, 100, null],
    [1001, 100, "size of the journal"],
    [1001, 3000, null],
    [1501, 3000, "size of the journal"],
  ])("a journal of %d bytes over an image of %d: %s", (bytes, imageBytes, expected) => {
    expect(due(after([[1, { type: "committed", bytes }]], imageBytes), 2)).toBe(expected);
  });

  test("what the journal held at the start counts", () => {
    expect(due(beginPolicy(100, 2000, 0), 0)).toBe("size of the journal");
  });
});

describe("by interval", () => {
  test("only if something changed since the last one began", () => {
    const idle = after([]);
    expect(due(idle, 1e9)).toBeNull();
    const changed = step(idle, { type: "committed", bytes: 1 }, 10);
    expect(due(changed, 59_999)).toBeNull();
    expect(due(changed, 60_000)).toBe("interval");
  });
});

describe("one runs, one waits", () => {
  const running = after([
    [0, { type: "committed", bytes: 5000 }],
    [100, { type: "began" }],
  ]);

  test("nothing is due while one runs, however urgent", () => {
    const asked = step(running, { type: "requested", reason: "stuck", urgency: "now" }, 110);
    expect(due(asked, 120)).toBeNull();
  });

  test("what was asked for meanwhile waits four times its duration after its end", () => {
    const asked = step(running, { type: "requested", reason: "space made", urgency: "soon" }, 110);
    const ended = step(asked, { type: "published", imageBytes: 100 }, 1100);
    expect(due(ended, 1100 + 3999)).toBeNull();
    expect(due(ended, 1100 + 4000)).toBe("space made");
  });

  test("for stuck nodes there is no such wait", () => {
    const ended = step(running, { type: "published", imageBytes: 100 }, 1100);
    const asked = step(ended, { type: "requested", reason: "stuck", urgency: "now" }, 1101);
    expect(due(asked, 1101)).toBe("stuck");
  });

  test("an urgent wish takes over the place of one that waits, not the other way", () => {
    const soon = { type: "requested", reason: "space made", urgency: "soon" } as const;
    const now = { type: "requested", reason: "stuck", urgency: "now" } as const;
    for (const events of [[soon, now] as const, [now, soon] as const]) {
      const state = after(events.map((event) => [0, event] as const));
      expect(state.waiting).toEqual({ reason: "stuck", urgency: "now" });
    }
  });
});

test("a failed one gives its bytes back and is tried again after a pause, urgent or not", () => {
  const failed = after([
    [0, { type: "committed", bytes: 5000 }],
    [0, { type: "began" }],
    [0, { type: "failed" }],
    [0, { type: "requested", reason: "stuck", urgency: "now" }],
  ]);
  expect(failed.journalBytes).toBe(5000);
  expect(due(failed, 4999)).toBeNull();
  expect(due(failed, 5000)).toBe("stuck");
});

test("whatever happens: no byte is forgotten, and none is due while one runs", () => {
  const event = fc.oneof(
    fc.record({ type: fc.constant("committed" as const), bytes: fc.nat(2000) }),
    fc.constant({ type: "requested", reason: "asked", urgency: "soon" } as const),
    fc.constant({ type: "began" } as const),
    fc.record({ type: fc.constant("published" as const), imageBytes: fc.nat(5000) }),
    fc.constant({ type: "failed" } as const),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(10_000), event)), (events) => {
      let state = beginPolicy(100, 0, 0);
      let nowMs = 0;
      let uncovered = 0;
      let snapshot = 0;
      for (const [delayMs, happened] of events) {
        if ((happened.type === "began") === (state.running !== null) && happened.type !== "committed") continue;
        nowMs += delayMs;
        state = step(state, happened, nowMs);
        if (happened.type === "committed") uncovered += happened.bytes;
        if (happened.type === "began") [snapshot, uncovered] = [uncovered, 0];
        if (happened.type === "failed") uncovered += snapshot;
        expect(state.journalBytes).toBe(uncovered);
        if (state.running) expect(due(state, nowMs + 1e9)).toBeNull();
      }
    }),
  );
});
