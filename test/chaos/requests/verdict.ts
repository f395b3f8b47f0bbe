/** What is to be true at the end of a run, each as a list of where it is not, with examples. Pure. */
import type { EffectsVerdict } from "./effects.ts";
import type { FaultTime } from "./pauses.ts";
import type { Failure, Tally } from "./tally.ts";

const MOST_EXAMPLES = 20;

export function violationsOf(
  tally: Pick<Tally, "failed" | "failures" | "wrongAnswers" | "wrong">,
  effects: EffectsVerdict,
  faults: readonly FaultTime[],
): readonly string[] {
  return [
    ...blame(
      "requests failed",
      tally.failed,
      tally.failures.map((failure) => toldOf(failure, faults)),
    ),
    ...blame("answers are short or wrong", tally.wrongAnswers, tally.wrong),
    ...blame("writes are lost", effects.lost.length, effects.lost),
    ...blame("writes are doubled", effects.doubled.length, effects.doubled),
    ...blame("writes are there that nobody sent", effects.foreign.length, effects.foreign),
  ];
}

function blame(what: string, times: number, examples: readonly string[]): readonly string[] {
  return times === 0 ? [] : [[`${times} ${what}:`, ...examples.slice(0, MOST_EXAMPLES)].join("\n    ")];
}

/** With the fault that it falls into, and how long after its beginning. */
function toldOf({ client, request, kind, detail, beganMs, atMs }: Failure, faults: readonly FaultTime[]): string {
  const fault = faults.findLast((one) => one.beganMs <= atMs);
  const when = fault ? `${(atMs - fault.beganMs).toFixed(0)} ms after ${fault.name}` : "before any fault";
  return `${client} ${request}, begun ${(atMs - beganMs).toFixed(0)} ms before, ${when}: ${kind}: ${detail}`;
}
