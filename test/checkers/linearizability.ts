/**
 * Is there an order of these calls on one register that explains every answer and keeps the order of calls that did not
 * overlap? The search of Wing, Gong and Lowe: place one call after the other, go back where no call fits, and never look
 * twice at the same set of placed calls with the same value.
 *
 * A call whose outcome is unknown may be placed anywhere after it began, or nowhere. What only looks (a read, a refused
 * comparison) is placed as soon as it fits: it changes nothing, so that placing it later can gain nothing. The search has a
 * budget, since the question is hard in general; what it does not settle is `undecided`, which is never a pass.
 */
import { byInvocation, endMs, type TimedCall } from "./timed-call.ts";

/** `null`: nothing was ever written. */
export type RegisterValue = string | number | null;

export type RegisterCall = TimedCall & { readonly key: string } & (
    | { readonly call: "read"; readonly value: RegisterValue }
    | { readonly call: "write"; readonly value: RegisterValue }
    | {
        readonly call: "cas";
        readonly from: RegisterValue;
        readonly to: RegisterValue;
        /** With the outcome `fail`: refused because the value was not `from`, which is an answer that must be true. */
        readonly refused?: boolean;
      }
  );

export type SearchEnd = "linearizable" | "not linearizable" | "undecided";

/** What was placed: all settled calls before `first`, those in `beyond`, those unknown ones; and the value it leads to. */
interface Placed {
  readonly first: number;
  readonly beyond: readonly number[];
  readonly unknown: readonly number[];
  readonly value: RegisterValue;
}

interface Calls {
  readonly settled: readonly RegisterCall[];
  readonly unknown: readonly RegisterCall[];
}

export const DEFAULT_BUDGET = 2_000_000;

/** @param calls of one key. */
export function linearize(
  calls: readonly RegisterCall[],
  initial: RegisterValue = null,
  budget = DEFAULT_BUDGET,
): SearchEnd {
  const sorted = calls.filter(tellsSomething).toSorted(byInvocation);
  const split: Calls = {
    settled: sorted.filter(({ outcome }) => outcome !== "unknown"),
    unknown: sorted.filter(({ outcome }) => outcome === "unknown"),
  };
  const stack: Placed[] = [{ first: 0, beyond: [], unknown: [], value: initial }];
  const seen = new Set<string>();
  for (let placed = stack.pop(); placed !== undefined; placed = stack.pop()) {
    if (placed.first === split.settled.length) return "linearizable";
    const name = nameOf(placed);
    if (seen.has(name)) continue;
    if (seen.size >= budget) return "undecided";
    seen.add(name);
    stack.push(...after(placed, split));
  }
  return "not linearizable";
}

/** A call that failed, and a read without an answer, say nothing; a comparison that was refused does. */
function tellsSomething(call: RegisterCall): boolean {
  if (isRefusal(call)) return true;
  return call.outcome === "ok" || (call.outcome === "unknown" && call.call !== "read");
}

const isRefusal = (call: RegisterCall): boolean =>
  call.call === "cas" && call.outcome === "fail" && call.refused === true;

const onlyLooks = (call: RegisterCall): boolean => call.call === "read" || isRefusal(call);

/** What may come next, the likeliest last: it is looked at first. */
function after(placed: Placed, calls: Calls): readonly Placed[] {
  const { open, endsMs } = openCalls(placed, calls.settled);
  const look = open.find(
    (index) => onlyLooks(at(calls.settled, index)) && fits(at(calls.settled, index), placed.value),
  );
  if (look !== undefined) return [placeSettled(placed, look, placed.value)];
  const next: Placed[] = [];
  for (const index of openUnknown(placed, calls.unknown, endsMs)) {
    const call = at(calls.unknown, index);
    const value = effect(call, placed.value);
    if (!fits(call, placed.value) || !isWanted(value, placed, open, calls)) continue;
    next.push({ ...placed, unknown: insert(placed.unknown, index), value });
  }
  for (const index of open.toReversed()) {
    const call = at(calls.settled, index);
    if (!onlyLooks(call) && fits(call, placed.value))
      next.push(placeSettled(placed, index, effect(call, placed.value)));
  }
  return next;
}

/** The settled calls that may be placed next: each began before any other that is left had ended. */
function openCalls(
  placed: Placed,
  settled: readonly RegisterCall[],
): { readonly open: readonly number[]; readonly endsMs: number } {
  const open: number[] = [];
  let endsMs = Infinity;
  for (let index = placed.first; index < settled.length; index += 1) {
    const call = at(settled, index);
    if (call.invokedMs > endsMs) break;
    if (placed.beyond.includes(index)) continue;
    open.push(index);
    endsMs = Math.min(endsMs, settledAtMs(call));
  }
  return { open, endsMs };
}

function openUnknown(placed: Placed, unknown: readonly RegisterCall[], endsMs: number): readonly number[] {
  return unknown.flatMap(({ invokedMs }, index) =>
    invokedMs <= endsMs && !placed.unknown.includes(index) ? index : [],
  );
}

/**
 * Whether a call that may come next needs this value. An unknown call is placed only then, directly before who needs it: one
 * that nobody sees before the next write can as well be left for later.
 */
function isWanted(value: RegisterValue, placed: Placed, open: readonly number[], calls: Calls): boolean {
  const needs = (call: RegisterCall): boolean => call.call !== "write" && fits(call, value);
  return (
    open.some((index) => needs(at(calls.settled, index))) ||
    calls.unknown.some((call, index) => !placed.unknown.includes(index) && needs(call))
  );
}

const settledAtMs = (call: RegisterCall): number => (isRefusal(call) ? (call.completedMs ?? Infinity) : endMs(call));

function fits(call: RegisterCall, value: RegisterValue): boolean {
  switch (call.call) {
    case "read":
      return call.value === value;
    case "write":
      return true;
    case "cas":
      return isRefusal(call) ? call.from !== value : call.from === value;
  }
}

function effect(call: RegisterCall, value: RegisterValue): RegisterValue {
  switch (call.call) {
    case "read":
      return value;
    case "write":
      return call.value;
    case "cas":
      return call.to;
  }
}

function placeSettled(placed: Placed, index: number, value: RegisterValue): Placed {
  const beyond = new Set(insert(placed.beyond, index));
  let { first } = placed;
  while (beyond.delete(first)) first += 1;
  return { ...placed, first, beyond: [...beyond], value };
}

const insert = (sorted: readonly number[], index: number): readonly number[] =>
  [...sorted, index].toSorted((a, b) => a - b);

const nameOf = ({ first, beyond, unknown, value }: Placed): string =>
  `${first};${beyond.join()};${unknown.join()};${typeof value}${value}`;

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`no call ${index}`);
  return item;
}
