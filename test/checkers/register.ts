/**
 * Per-key linearizability of registers with read, write and compare-and-set. Keys are judged one by one, since a history is
 * linearizable exactly if that of each of its keys is. A history that is not comes back as the fewest calls that show it.
 */
import { DEFAULT_BUDGET, linearize, type RegisterCall, type RegisterValue, type SearchEnd } from "./linearizability.ts";
import { smallestOffence } from "./offence.ts";
import { describeTimes } from "./timed-call.ts";
import { firstOf, HOLDS, violation, type Verdict } from "./verdict.ts";
import { zonesOverlap } from "./zones.ts";

export interface RegisterCheck {
  readonly initial?: RegisterValue;
  /** How many steps the search may take for one key. */
  readonly budget?: number;
}

export function checkRegisters(calls: readonly RegisterCall[], check: RegisterCheck = {}): Verdict {
  const keys = Map.groupBy(calls, ({ key }) => key);
  return firstOf([...keys].map(([key, ofKey]) => checkRegister(key, ofKey, check)));
}

function checkRegister(
  key: string,
  calls: readonly RegisterCall[],
  { initial = null, budget = DEFAULT_BUDGET }: RegisterCheck,
): Verdict {
  const decide = (history: readonly RegisterCall[]): SearchEnd =>
    zonesOverlap(history, initial) ?? linearize(history, initial, budget);
  switch (decide(calls)) {
    case "linearizable":
      return HOLDS;
    case "undecided":
      return violation(`register ${key}: undecided, ${calls.length} calls need more than ${budget} steps`);
    case "not linearizable": {
      const offence = smallestOffence(calls, (history) => decide(history) === "not linearizable");
      return violation(`register ${key}: no order of its calls explains all answers`, offence.map(describe));
    }
  }
}

function describe(call: RegisterCall): string {
  const times = describeTimes(call);
  switch (call.call) {
    case "read":
      return `read ${call.value} (${times})`;
    case "write":
      return `write ${call.value} (${times})`;
    case "cas":
      return `compare ${call.from} and set ${call.to}${call.refused ? ", refused" : ""} (${times})`;
  }
}
