/** Gives each kind of call to its checker, and says what does not hold. Pure. */
import { checkAppendLists } from "../checkers/append-list.ts";
import { checkBank } from "../checkers/bank.ts";
import { checkCounters } from "../checkers/exactly-once-counter.ts";
import { checkFullSet } from "../checkers/full-set.ts";
import { checkRegisters } from "../checkers/register.ts";
import { checkSessions } from "../checkers/session.ts";
import { firstOf, type Verdict } from "../checkers/verdict.ts";
import { BANK } from "./bank-workload.ts";
import type { ChaosCall } from "./recorder.ts";

type CallOf<Kind extends ChaosCall["of"]> = Extract<ChaosCall, { readonly of: Kind }>["call"];

const MOST_LINES = 20;

/** One text for each promise that is broken, with the calls that show it. */
export function judge(calls: readonly ChaosCall[]): readonly string[] {
  const sets = Map.groupBy(callsOf(calls, "set"), ({ key }) => key);
  const verdicts: readonly Verdict[] = [
    checkRegisters(callsOf(calls, "register")),
    checkAppendLists(callsOf(calls, "list")),
    checkBank(callsOf(calls, "bank"), BANK),
    checkCounters(callsOf(calls, "counter")),
    firstOf([...sets.values()].map(checkFullSet)),
    checkSessions(callsOf(calls, "session")),
  ];
  return verdicts.flatMap((verdict) =>
    verdict.ok ? [] : [verdict.reason, ...verdict.calls.slice(0, MOST_LINES).map((call) => `  ${call}`)].join("\n"),
  );
}

function callsOf<Kind extends ChaosCall["of"]>(calls: readonly ChaosCall[], kind: Kind): readonly CallOf<Kind>[] {
  return calls.flatMap((entry) => (entry.of === kind ? (entry.call as CallOf<Kind>) : []));
}
