/** The checker of sessions: positions only grow within one; others do not matter to it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkSessions, type SessionCall } from "./session.ts";

const call = (session: string, invokedMs: number, broughtLsn: number | null, lsn: number | null): SessionCall => ({
  process: session,
  session,
  invokedMs,
  completedMs: invokedMs + 1,
  outcome: "ok",
  broughtLsn,
  lsn,
});

describe("sessions", () => {
  test.each<readonly [string, readonly SessionCall[]]>([
    ["an answer from before what was brought", [call("s", 0, 5, 4)]],
    ["an answer from before the last one", [call("s", 0, null, 5), call("s", 2, null, 4)]],
    [
      "an old answer after one that told nothing",
      [call("s", 0, null, 5), call("s", 2, 5, null), call("s", 4, null, 4)],
    ],
  ])("refuse %s", (_, calls) => {
    expect(checkSessions(calls)).toMatchObject({
      ok: false,
      reason: expect.stringContaining("session s: 4") as string,
    });
  });

  test("do not mind others, nor calls that failed", () => {
    expect(checkSessions([call("s", 0, null, 5), call("t", 2, null, 4)])).toEqual({ ok: true });
    expect(checkSessions([call("s", 0, null, 5), { ...call("s", 2, 5, 4), outcome: "fail" }])).toEqual({ ok: true });
  });

  test("pass while they grow, and are refused as soon as one goes back", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5), { minLength: 2, maxLength: 30 }), fc.nat(), (steps, at) => {
        let lsn = 1;
        const calls = steps.map((step, index) => call("s", index * 2, lsn, (lsn += step)));
        expect(checkSessions(calls)).toEqual({ ok: true });
        const index = at % calls.length;
        const damaged = calls.map((one, place) => (place === index ? { ...one, lsn: (one.broughtLsn ?? 0) - 1 } : one));
        expect(checkSessions(damaged).ok).toBe(false);
      }),
    );
  });
});
