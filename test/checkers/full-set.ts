/** A set that only grows: what was added is in every read that began after the answer, and nothing else ever is. */
import { describeTimes, precedes, type TimedCall } from "./timed-call.ts";
import { HOLDS, violation, type Verdict } from "./verdict.ts";

export type FullSetCall = TimedCall &
  ({ readonly call: "add"; readonly value: string } | { readonly call: "read"; readonly values: readonly string[] });

type Add = Extract<FullSetCall, { call: "add" }>;
type Read = Extract<FullSetCall, { call: "read" }>;

export function checkFullSet(calls: readonly FullSetCall[]): Verdict {
  const adds = new Map(calls.filter((call): call is Add => call.call === "add").map((add) => [add.value, add]));
  const reads = calls.filter((call): call is Read => call.call === "read" && call.outcome === "ok");
  for (const read of reads) {
    const verdict = checkRead(read, adds);
    if (!verdict.ok) return verdict;
  }
  return HOLDS;
}

function checkRead(read: Read, adds: ReadonlyMap<string, Add>): Verdict {
  const shown = new Set(read.values);
  if (shown.size !== read.values.length) return violation("set: a value is there twice", [describe(read)]);
  for (const value of shown) {
    const add = adds.get(value);
    if (add === undefined) return violation(`set: nobody added ${value}`, [describe(read)]);
    if (add.outcome === "fail") return violation(`set: ${value} is there though refused`, [add, read].map(describe));
    if (precedes(read, add)) return violation(`set: ${value} was there before its time`, [read, add].map(describe));
  }
  const lost = [...adds.values()].find((add) => precedes(add, read) && !shown.has(add.value));
  return lost ? violation(`set: ${lost.value} is lost`, [lost, read].map(describe)) : HOLDS;
}

function describe(call: FullSetCall): string {
  const what = call.call === "add" ? `add ${call.value}` : `read of ${call.values.length}`;
  return `${what} (${describeTimes(call)})`;
}
