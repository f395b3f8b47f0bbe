/** What a standby may say of a vault that it watched: for how long nothing moved while it looked. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RecordId } from "../../../shared/ids.ts";
import {
  nothingSeen,
  seen,
  stepStandstill,
  type Standstill,
  type StandstillEvent,
} from "../../../host/core/standstill.ts";

const BOUND_MS = 1000;
const fenceOf = (n: number): RecordId => n.toString(16).padStart(32, "0") as RecordId;

/** Each event with the time at which it comes. */
type Played = readonly [atMs: number, event: StandstillEvent];

const followed = (atMs: number, slot: number, fence = 1, atHeadMs: number | null = atMs): Played => [
  atMs,
  { type: "followed", fence: fenceOf(fence), slot, atHeadMs },
];
const marked = (atMs: number, tick: number, bootId = "a", askedMs = atMs): Played => [
  atMs,
  { type: "marked", mark: { bootId, tick, role: "primary" }, askedMs },
];
const unreadable = (atMs: number): Played => [atMs, { type: "unreadable" }];
const away = (atMs: number): Played => [atMs, { type: "away" }];

const play = (events: readonly Played[]): Standstill =>
  events.reduce((state, [atMs, event]) => stepStandstill(state, event, atMs, BOUND_MS), nothingSeen);

/** Looks at the same every 250 ms. */
const looks = (look: (atMs: number) => Played, fromMs: number, toMs: number): readonly Played[] =>
  Array.from({ length: (toMs - fromMs) / 250 + 1 }, (_, index) => look(fromMs + 250 * index));

describe("the owner's file", () => {
  const still = (fromMs: number, toMs: number): readonly Played[] => looks((atMs) => marked(atMs, 7), fromMs, toMs);

  test.each<[string, readonly Played[], number, string, number]>([
    ["never read", [], 0, "unseen", 0],
    ["read once: the first look, and no movement", [marked(0, 7)], 0, "watched", 0],
    ["the same for less than the bound", still(0, 750), 750, "watched", 750],
    ["the same for the bound", still(0, 1000), 1000, "still", 1000],
    ["the same for longer", still(0, 3000), 3000, "still", 3000],
    ["another tick: it moved", [...still(0, 1000), marked(1250, 8)], 1250, "moved", 0],
    ["and stands still again, for less", [marked(0, 6), ...still(250, 1000)], 1000, "moved", 750],
    ["and for the bound", [marked(0, 6), ...still(250, 1250)], 1250, "still", 1000],
    ["another life with the same tick: it moved", [...still(0, 1000), marked(1250, 7, "b")], 1250, "moved", 0],
    [
      "read slowly: only from one answer to the next question",
      [marked(400, 7, "a", 0), marked(1400, 7, "a", 1000)],
      1400,
      "watched",
      600,
    ],
    ["read long ago", still(0, 1000), 2001, "unseen", 0],
    ["a gap of the bound", [...still(0, 1000), ...still(2000, 2000)], 2000, "still", 2000],
    [
      "a longer gap, as of a process that was paused: a first look again",
      [...still(0, 1000), marked(2001, 7)],
      2001,
      "watched",
      0,
    ],
    ["another tick after a gap: who knows when", [...still(0, 1000), marked(2001, 9)], 2001, "watched", 0],
    ["unreadable", [...still(0, 1000), unreadable(1250)], 1250, "unseen", 0],
    ["readable again: a first look", [...still(0, 1000), unreadable(1250), marked(1500, 7)], 1500, "watched", 0],
    ["not a standby meanwhile: a first look", [...still(0, 1000), away(1250), marked(1500, 7)], 1500, "watched", 0],
    [
      "another fence: a first look",
      [followed(0, 1, 1), ...still(0, 1000), followed(1250, 2, 2), marked(1250, 7)],
      1250,
      "watched",
      0,
    ],
  ])("%s", (_, events, now, type, stillMs) => {
    expect(seen(play(events).mark, now, BOUND_MS)).toEqual({ type, stillMs });
  });

  test("its process stays the same while it ticks, and changes when it is started again", () => {
    const ticking = looks((atMs) => marked(atMs, atMs), 0, 2000);
    expect(seen(play(ticking).life, 2000, BOUND_MS)).toEqual({ type: "still", stillMs: 2000 });
    expect(seen(play([...ticking, marked(2250, 1, "b")]).life, 2250, BOUND_MS).type).toBe("moved");
  });
});

describe("the journal", () => {
  const still = (fromMs: number, toMs: number): readonly Played[] => looks((atMs) => followed(atMs, 3), fromMs, toMs);

  test.each<[string, readonly Played[], number, string, number]>([
    ["this host was never at its head", [followed(0, 3, 1, null)], 0, "unseen", 0],
    ["at its head for less than the bound", still(0, 750), 750, "watched", 750],
    ["for the bound", still(0, 1000), 1000, "still", 1000],
    ["a record more", [...still(0, 1000), followed(1250, 4)], 1250, "moved", 0],
    [
      "not at its head any more: it was so up to then",
      [...still(0, 1000), followed(1500, 3, 1, 1000)],
      1500,
      "still",
      1000,
    ],
    ["not for longer than the bound", [...still(0, 1000), followed(2001, 3, 1, 1000)], 2001, "unseen", 0],
    ["at its head again after that", [...still(0, 1000), followed(2100, 3, 1, 2100)], 2100, "watched", 0],
    ["another fence", [...still(0, 1000), followed(1250, 3, 2)], 1250, "watched", 0],
    ["not a standby meanwhile", [...still(0, 1000), away(1100), followed(1250, 3)], 1250, "watched", 0],
  ])("%s", (_, events, now, type, stillMs) => {
    expect(seen(play(events).journal, now, BOUND_MS)).toEqual({ type, stillMs });
  });
});

const step = fc.record({
  afterMs: fc.oneof(fc.nat(400), fc.nat(3000)),
  event: fc.oneof(
    fc.record({
      type: fc.constant("followed" as const),
      fence: fc.nat(1).map(fenceOf),
      slot: fc.nat(2),
      lateMs: fc.option(fc.nat(1500)),
    }),
    fc.record({
      type: fc.constant("marked" as const),
      bootId: fc.constantFrom("a", "b"),
      tick: fc.nat(2),
      lateMs: fc.nat(800),
    }),
    fc.constant({ type: "unreadable" as const }),
    fc.constant({ type: "away" as const }),
  ),
});

test("nothing stands still within the bound after it was seen to be otherwise, after a gap, or when it was not looked at", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let [now, state] = [0, nothingSeen];
      /** Since when each look has shown the same; what the core must not go beyond. */
      const since = { journal: 0, mark: 0 };
      const shown = { journal: "", mark: "" };
      const show = (what: "journal" | "mark", value: string): void => {
        if (shown[what] !== value) since[what] = now;
        shown[what] = value;
      };
      for (const { afterMs, event } of steps) {
        now += afterMs;
        if (event.type === "followed") {
          const { type, fence, slot, lateMs } = event;
          const atHeadMs = lateMs === null ? null : now - lateMs;
          state = stepStandstill(state, { type, fence, slot, atHeadMs }, now, BOUND_MS);
          if (!shown.journal.startsWith(fence)) show("mark", "none");
          show("journal", atHeadMs === null ? `${fence} none` : `${fence} ${slot}`);
        } else if (event.type === "marked") {
          const { type, bootId, tick, lateMs } = event;
          const mark = { bootId, tick, role: null };
          state = stepStandstill(state, { type, mark, askedMs: now - lateMs }, now, BOUND_MS);
          show("mark", `${bootId} ${tick}`);
        } else {
          state = stepStandstill(state, event, now, BOUND_MS);
          show("mark", "none");
          if (event.type === "away") show("journal", "none");
        }
        for (const what of ["journal", "mark"] as const) {
          const { type, stillMs } = seen(state[what], now, BOUND_MS);
          expect(stillMs).toBeLessThanOrEqual(now - since[what]);
          if (type === "still") expect(now - since[what]).toBeGreaterThanOrEqual(BOUND_MS);
          const gapMs = event.type === "marked" && what === "mark" ? afterMs - event.lateMs : 0;
          if (gapMs > BOUND_MS) expect(type).not.toBe("still");
        }
      }
    }),
    { numRuns: 1000 },
  );
});
