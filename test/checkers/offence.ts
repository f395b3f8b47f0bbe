/**
 * Makes a register's history that is not linearizable as small as it can while it stays so, for people to read. Only steps
 * that cannot break a good history are taken: to cut it off at an instant, to forget a read or a refusal, to leave open
 * whether a write succeeded, and to forget such a write if nobody saw its value and nobody was refused.
 */
import type { RegisterCall, RegisterValue } from "./linearizability.ts";
import { byInvocation } from "./timed-call.ts";

/** More calls than this are not taken away one by one: what is left is cut off at the earliest instant, at least. */
const MOST_CALLS = 400;

export function smallestOffence(
  calls: readonly RegisterCall[],
  offends: (calls: readonly RegisterCall[]) => boolean,
): readonly RegisterCall[] {
  let history = earliestOffence(calls, offends);
  if (history.length > MOST_CALLS) return history;
  for (const shrink of [withoutLook, leftOpen, withoutUnseen]) history = shrinkAll(history, shrink, offends);
  return history.toSorted(byInvocation);
}

/** Cut off after the first answer that makes it offend. */
function earliestOffence(
  calls: readonly RegisterCall[],
  offends: (calls: readonly RegisterCall[]) => boolean,
): readonly RegisterCall[] {
  const ends = calls.flatMap(({ completedMs }) => completedMs ?? []).toSorted((a, b) => a - b);
  let [low, high] = [0, ends.length - 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (offends(cutAt(calls, ends[middle] ?? 0))) high = middle;
    else low = middle + 1;
  }
  return cutAt(calls, ends[high] ?? Infinity);
}

function cutAt(calls: readonly RegisterCall[], atMs: number): readonly RegisterCall[] {
  return calls
    .filter(({ invokedMs }) => invokedMs <= atMs)
    .flatMap((call) => ((call.completedMs ?? Infinity) <= atMs ? call : (open(call) ?? [])));
}

type Shrink = (call: RegisterCall, history: readonly RegisterCall[]) => RegisterCall | null | "keep";

function shrinkAll(
  calls: readonly RegisterCall[],
  shrink: Shrink,
  offends: (calls: readonly RegisterCall[]) => boolean,
): readonly RegisterCall[] {
  let history = calls;
  for (const call of calls) {
    const less = shrink(call, history);
    if (less === "keep") continue;
    const smaller = history.flatMap((other) => (other === call ? (less ?? []) : other));
    if (offends(smaller)) history = smaller;
  }
  return history;
}

const withoutLook: Shrink = (call) => (call.call === "read" || call.outcome === "fail" ? null : "keep");

const leftOpen: Shrink = (call) => (call.outcome === "ok" && call.call !== "read" ? open(call) : "keep");

const withoutUnseen: Shrink = (call, history) => {
  if (call.outcome !== "unknown" || call.call === "read") return "keep";
  const value = call.call === "write" ? call.value : call.to;
  const refused = history.some((other) => other.outcome === "fail");
  return refused || history.some((other) => other !== call && shows(other, value)) ? "keep" : null;
};

const shows = (call: RegisterCall, value: RegisterValue): boolean =>
  (call.call === "read" && call.value === value) || (call.call === "cas" && call.from === value);

/** What is known of a call before its answer is there; `null`: nothing that matters. */
function open(call: RegisterCall): RegisterCall | null {
  if (call.call === "read" || call.outcome === "fail") return null;
  return { ...call, completedMs: null, outcome: "unknown" };
}
