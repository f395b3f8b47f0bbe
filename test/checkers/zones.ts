/**
 * The short way for a register that is never compared and whose written values all differ (Gibbons and Korach). The calls of
 * one value, its write and its reads, must stand together in any order that explains them; so they span a zone in time. From
 * the first end of a call to the last beginning of one, if that is forward, the register held that value: no two such zones
 * may overlap, and none of the others (all of whose calls overlap in one instant) may lie within one.
 */
import { endMs } from "./timed-call.ts";
import type { RegisterCall, RegisterValue, SearchEnd } from "./linearizability.ts";

interface Zone {
  readonly forward: boolean;
  readonly fromMs: number;
  readonly toMs: number;
}

/** `null` if this way does not apply: use the search. */
export function zonesOverlap(calls: readonly RegisterCall[], initial: RegisterValue): SearchEnd | null {
  const told = calls.filter(({ call, outcome }) => outcome === "ok" || (outcome === "unknown" && call === "write"));
  const written = new Map<RegisterValue, RegisterCall>();
  for (const call of calls) {
    if (call.call === "cas") return null;
    if (call.call !== "write") continue;
    if (call.value === initial || written.has(call.value)) return null;
    written.set(call.value, call);
  }
  const zones: Zone[] = [];
  for (const [value, ofValue] of Map.groupBy(told, valueOf)) {
    const zone = zoneOf(ofValue, value === initial);
    if (zone === "impossible") return "not linearizable";
    if (zone !== null) zones.push(zone);
  }
  return clash(zones) ? "not linearizable" : "linearizable";
}

const valueOf = (call: RegisterCall): RegisterValue => (call.call === "cas" ? call.to : call.value);

/** `null`: a write that nobody saw and that may never have happened. */
function zoneOf(calls: readonly RegisterCall[], initial: boolean): Zone | "impossible" | null {
  const write = calls.find(({ call }) => call === "write");
  const reads = calls.filter(({ call }) => call === "read");
  if (write === undefined && !initial) return "impossible";
  if (reads.some((read) => write !== undefined && endMs(read) < write.invokedMs)) return "impossible";
  if (write?.outcome === "unknown" && reads.length === 0) return null;
  const firstEndMs = initial ? -Infinity : Math.min(...calls.map(endMs));
  const lastBeginMs = Math.max(...calls.map(({ invokedMs }) => invokedMs));
  const forward = firstEndMs < lastBeginMs;
  return { forward, fromMs: Math.min(firstEndMs, lastBeginMs), toMs: Math.max(firstEndMs, lastBeginMs) };
}

function clash(zones: readonly Zone[]): boolean {
  const forward = zones.filter((zone) => zone.forward).toSorted((a, b) => a.fromMs - b.fromMs);
  if (forward.some((zone, index) => zone.fromMs < (forward[index - 1]?.toMs ?? -Infinity))) return true;
  return zones.some((zone) => !zone.forward && isWithin(zone, forward));
}

/** Looked up by halving: the forward zones do not overlap, so that only the last one that begins before can hold it. */
function isWithin(zone: Zone, forward: readonly Zone[]): boolean {
  let [low, high] = [0, forward.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((forward[middle]?.fromMs ?? Infinity) < zone.fromMs) low = middle + 1;
    else high = middle;
  }
  return zone.toMs < (forward[low - 1]?.toMs ?? -Infinity);
}
