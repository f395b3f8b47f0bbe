import { beforeEach, describe, expect, it } from "vitest";
import { parseNodeId } from "../../../shared/ids.ts";
import { REPLAY_WINDOW, ReplayGuard } from "../../../shared/signature/replay-guard.ts";

const FROM = parseNodeId("proxy-1");
let nowMs = 0;
const clock = { monotonicMs: () => nowMs, wallMs: () => 0, after: () => () => {} };
const arrival = (series: string, counter: number, time: "inside" | "outside" = "outside") => ({
  from: FROM,
  nonce: { series, counter, text: "" },
  time,
});
const guard = (maxSeries = 4096) => new ReplayGuard({ clock, windowMs: 60_000, maxSeries });

beforeEach(() => {
  nowMs = 0;
});

describe("replays", () => {
  it("each counter passes once, in any order, within the window", () => {
    const replays = guard();
    // A fixed shuffle over three windows, never further apart than a window.
    const counters = Array.from({ length: 3 * REPLAY_WINDOW }, (_, at) => (at ^ 0b10101) + 1);
    for (const counter of counters) expect(replays.admit(arrival("a", counter)), `${counter}`).toBeNull();
    for (const counter of counters) expect(replays.admit(arrival("a", counter)), `${counter}`).not.toBeNull();
  });

  it("what left the window is refused, though it was never seen", () => {
    const replays = guard();
    expect(replays.admit(arrival("a", REPLAY_WINDOW + 5))).toBeNull();
    expect(replays.admit(arrival("a", 5))).toMatch("older");
    expect(replays.admit(arrival("a", 6))).toBeNull();
  });

  it("a leap forward forgets no counter that is still in the window", () => {
    const replays = guard();
    for (const counter of [1, 2, REPLAY_WINDOW, 3 * REPLAY_WINDOW, 3 * REPLAY_WINDOW + 500])
      expect(replays.admit(arrival("a", counter))).toBeNull();
    expect(replays.admit(arrival("a", 3 * REPLAY_WINDOW))).toMatch("seen");
    expect(replays.admit(arrival("a", 3 * REPLAY_WINDOW - 1))).toBeNull();
  });

  it("series and senders do not shadow one another, and an earlier start stays refused", () => {
    const replays = guard();
    expect(replays.admit(arrival("a", 1))).toBeNull();
    expect(replays.admit(arrival("b", 1))).toBeNull();
    expect(replays.admit({ ...arrival("a", 1), from: parseNodeId("proxy-2") })).toBeNull();
    expect(replays.admit(arrival("a", 1))).toMatch("seen");
  });

  it("after something was forgotten, nothing unknown is believed outside the time window", () => {
    const replays = guard(2);
    replays.admit(arrival("a", 1));
    replays.admit(arrival("b", 1));
    expect(replays.admit(arrival("c", 1, "inside"))).toMatch("too many");
    nowMs = 60_001;
    expect(replays.admit(arrival("c", 1, "outside"))).toMatch("unknown");
    expect(replays.admit(arrival("a", 2))).toBeNull();
    expect(replays.admit(arrival("c", 1, "inside"))).toBeNull();
    // `b` was silent longest and is forgotten: its old nonce must not pass again.
    expect(replays.admit(arrival("b", 1))).toMatch("unknown");
    expect(replays.admit(arrival("a", 2))).toMatch("seen");
  });
});
