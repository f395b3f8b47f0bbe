/**
 * Lists to which unique values are appended, and which are read whole. There is one order of each list, that of its longest
 * read: every other read shows a beginning of it, each value once, only what somebody appended and was not refused. What was
 * acknowledged before a read began is in it; what was appended after another was acknowledged stands after it.
 */
import { byInvocation, describeTimes, endMs, precedes, type TimedCall } from "./timed-call.ts";
import { firstOf, HOLDS, violation, type Verdict } from "./verdict.ts";

export type AppendListCall = TimedCall & { readonly key: string } & (
    | { readonly call: "append"; readonly value: string }
    | { readonly call: "read"; readonly values: readonly string[] }
  );

type Append = Extract<AppendListCall, { call: "append" }>;
type Read = Extract<AppendListCall, { call: "read" }>;

interface List {
  readonly key: string;
  readonly appends: ReadonlyMap<string, Append>;
  readonly reads: readonly Read[];
  readonly longest: readonly string[];
}

export function checkAppendLists(calls: readonly AppendListCall[]): Verdict {
  const keys = Map.groupBy(calls, ({ key }) => key);
  return firstOf(
    [...keys].flatMap(([key, ofKey]) => {
      const list = listOf(key, ofKey);
      return [checkReads(list), checkPresence(list), checkGrowth(list), checkOrder(list)];
    }),
  );
}

function listOf(key: string, calls: readonly AppendListCall[]): List {
  const reads = calls
    .filter((call): call is Read => call.call === "read" && call.outcome === "ok")
    .toSorted(byInvocation);
  const longest = reads.reduce<readonly string[]>(
    (most, { values }) => (values.length > most.length ? values : most),
    [],
  );
  const appends = calls.filter((call): call is Append => call.call === "append");
  return { key, appends: new Map(appends.map((append) => [append.value, append])), reads, longest };
}

/** Each read by itself: a beginning of the longest, nothing twice, nothing that nobody appended. */
function checkReads({ key, appends, reads, longest }: List): Verdict {
  const twice = longest.find((value, index) => longest.indexOf(value) !== index);
  if (twice !== undefined) return violation(`list ${key}: ${twice} is there twice`, [longest.join(" ")]);
  for (const value of longest) {
    const append = appends.get(value);
    if (append === undefined) return violation(`list ${key}: nobody appended ${value}`);
    if (append.outcome === "fail")
      return violation(`list ${key}: ${value} is there though refused`, [describe(append)]);
  }
  for (const read of reads) {
    const at = read.values.findIndex((value, index) => value !== longest[index]);
    if (at !== -1)
      return violation(`list ${key}: two orders, ${read.values[at]} and ${longest[at]} both at ${at}`, [
        describe(read),
      ]);
  }
  return HOLDS;
}

/** What was acknowledged before a read began is in it; what began after it ended is not. */
function checkPresence({ key, appends, reads, longest }: List): Verdict {
  const places = new Map(longest.map((value, index) => [value, index]));
  const acknowledged = [...appends.values()].filter(({ outcome }) => outcome === "ok");
  for (const append of acknowledged) {
    const place = places.get(append.value) ?? Infinity;
    const missed = reads.find((read) => precedes(append, read) && read.values.length <= place);
    if (missed) return violation(`list ${key}: ${append.value} is lost`, [describe(append), describe(missed)]);
  }
  for (const read of reads) {
    const early = read.values.map((value) => appends.get(value)).find((append) => append && precedes(read, append));
    if (early)
      return violation(`list ${key}: ${early.value} was there before its time`, [describe(read), describe(early)]);
  }
  return HOLDS;
}

/** A read never shows less than one that had ended before it began. */
function checkGrowth({ key, reads }: List): Verdict {
  const ended = reads.toSorted((a, b) => endMs(a) - endMs(b));
  let [next, most] = [0, null as Read | null];
  for (const read of reads) {
    for (let end = ended[next]; end && endMs(end) < read.invokedMs; end = ended[(next += 1)])
      if (end.values.length > (most?.values.length ?? -1)) most = end;
    if (most && most.values.length > read.values.length)
      return violation(`list ${key}: it has shrunk`, [describe(most), describe(read)]);
  }
  return HOLDS;
}

/** From the back: nothing that stands later had ended before this one began. */
function checkOrder({ key, appends, longest }: List): Verdict {
  let first: Append | null = null;
  for (const value of longest.toReversed()) {
    const append = appends.get(value);
    if (append === undefined) continue;
    if (first && precedes(first, append))
      return violation(`list ${key}: ${append.value} stands before ${first.value}`, [
        describe(first),
        describe(append),
      ]);
    if (endMs(append) < (first ? endMs(first) : Infinity)) first = append;
  }
  return HOLDS;
}

function describe(call: AppendListCall): string {
  const what =
    call.call === "append" ? `append ${call.value}` : `read of ${call.values.length}, … ${call.values.at(-1)}`;
  return `${what} (${describeTimes(call)})`;
}
