/**
 * Counters that each increment raises by one and answers with the new value: no two increments share an answer, a later one
 * is answered with more, and a value that is read counts what was acknowledged before it, and what was tried, at most.
 */
import { byInvocation, describeTimes, endMs, precedes, type TimedCall } from "./timed-call.ts";
import { firstOf, HOLDS, violation, type Verdict } from "./verdict.ts";

export type CounterCall = TimedCall & { readonly key: string } & (
    | { readonly call: "increment"; readonly answer: number | null }
    | { readonly call: "read"; readonly value: number }
  );

type Increment = Extract<CounterCall, { call: "increment" }>;
type Read = Extract<CounterCall, { call: "read" }>;

export function checkCounters(calls: readonly CounterCall[]): Verdict {
  const keys = Map.groupBy(calls, ({ key }) => key);
  return firstOf([...keys].map(([key, ofKey]) => checkCounter(key, ofKey)));
}

function checkCounter(key: string, calls: readonly CounterCall[]): Verdict {
  const increments = calls.filter((call): call is Increment => call.call === "increment" && call.outcome !== "fail");
  const reads = calls.filter((call): call is Read => call.call === "read" && call.outcome === "ok");
  const distinct = checkAnswers(key, increments);
  return distinct.ok ? firstOf(reads.map((read) => checkRead(key, read, increments))) : distinct;
}

function checkAnswers(key: string, increments: readonly Increment[]): Verdict {
  const answered = increments.filter(({ outcome }) => outcome === "ok").toSorted(byInvocation);
  const seen = new Map<number | null, Increment>();
  for (const increment of answered) {
    const twin = seen.get(increment.answer);
    if (twin)
      return violation(`counter ${key}: two increments were told ${increment.answer}`, [twin, increment].map(describe));
    seen.set(increment.answer, increment);
  }
  // By answer, from the back: none that was told more had ended before this one began.
  let first: Increment | null = null;
  for (const increment of answered.toSorted((a, b) => (b.answer ?? 0) - (a.answer ?? 0))) {
    if (first && precedes(first, increment))
      return violation(`counter ${key}: a later increment was told less`, [first, increment].map(describe));
    if (endMs(increment) < (first ? endMs(first) : Infinity)) first = increment;
  }
  return checkHighest(key, increments, answered);
}

/** Nobody is told more than there are increments. */
function checkHighest(key: string, increments: readonly Increment[], answered: readonly Increment[]): Verdict {
  const high = answered.find(({ answer }) => answer === null || answer < 1 || answer > increments.length);
  return high ? violation(`counter ${key}: ${high.answer} of ${increments.length}`, [describe(high)]) : HOLDS;
}

function checkRead(key: string, read: Read, increments: readonly Increment[]): Verdict {
  const least = increments.filter((increment) => precedes(increment, read)).length;
  const most = increments.filter((increment) => !precedes(read, increment)).length;
  if (read.value >= least && read.value <= most) return HOLDS;
  return violation(`counter ${key}: ${read.value}, which is not within ${least} to ${most}`, [describe(read)]);
}

function describe(call: CounterCall): string {
  return `${call.call} ${call.call === "read" ? call.value : call.answer} (${describeTimes(call)})`;
}
