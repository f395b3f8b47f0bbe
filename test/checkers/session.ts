/** Sessions: a client that brings the position it was last told never gets an answer from before it. */
import { byInvocation, describeTimes, type TimedCall } from "./timed-call.ts";
import { firstOf, HOLDS, violation, type Verdict } from "./verdict.ts";

export type SessionCall = TimedCall & {
  /** Whose calls follow one another. */
  readonly session: string;
  readonly broughtLsn: number | null;
  /** What the answer told; `null` if it told none. */
  readonly lsn: number | null;
};

export function checkSessions(calls: readonly SessionCall[]): Verdict {
  const sessions = Map.groupBy(
    calls.filter(({ outcome }) => outcome === "ok"),
    ({ session }) => session,
  );
  return firstOf([...sessions.values()].map(checkSession));
}

function checkSession(calls: readonly SessionCall[]): Verdict {
  let last: SessionCall | null = null;
  for (const call of calls.toSorted(byInvocation)) {
    if (call.lsn === null) continue;
    const atLeast = Math.max(call.broughtLsn ?? 0, last?.lsn ?? 0);
    if (call.lsn < atLeast)
      return violation(
        `session ${call.session}: ${call.lsn} after ${atLeast}`,
        [...(last ? [last] : []), call].map(describe),
      );
    last = call;
  }
  return HOLDS;
}

const describe = (call: SessionCall): string => `answer at ${call.lsn} (${describeTimes(call)})`;
