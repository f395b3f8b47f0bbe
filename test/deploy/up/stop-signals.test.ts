import { afterEach, expect, test, vi } from "vitest";
import { hearStopSignals } from "../../../deploy/cli/up/stop-signals.ts";

let nowMs = 0;
const clock = { monotonicMs: () => nowMs, wallMs: () => 0, after: () => () => {} };
const stop = vi.fn();
const hurry = vi.fn();
const signals = hearStopSignals(clock, { stop, hurry });
afterEach(() => signals.end());

test("a signal that npm passes on a second time does not make a stop in order one at once", () => {
  process.emit("SIGINT");
  nowMs = 300;
  process.emit("SIGINT");
  process.emit("SIGTERM");
  expect([stop.mock.calls.length, hurry.mock.calls.length]).toEqual([1, 0]);
  nowMs = 1500;
  process.emit("SIGINT");
  expect([stop.mock.calls.length, hurry.mock.calls.length]).toEqual([1, 1]);
});
