/**
 * Whether a node distrusts its own clock, from what others, and it itself, see of it. Pure. Each voice says how far the
 * clock is ahead of the median of at least three. Where most of those heard lately say for a while that it is
 * certainly off, the node quarantines itself; it returns when they have not for longer. Silence blames nobody.
 *
 * Nothing of safety rests on it: a node in quarantine is the last to be chosen, and a primary hands over.
 */
import type { ClockOffset } from "../wire/messages.ts";
import { certainlyOffMs } from "./clock-median.ts";

export interface QuarantineRules {
  /** `clock.offset`. */
  readonly boundMs: number;
  /** How long most must say so. */
  readonly patienceMs: number;
  /** How long they must not say so any more. */
  readonly returnMs: number;
  /** Who was not heard for so long has nothing to say. */
  readonly voiceMs: number;
}

export interface Quarantine {
  /** The newest word of each. */
  readonly voices: ReadonlyMap<string, Voice>;
  /** Since when most say otherwise than what holds; `null`: they do not. */
  readonly doubtSinceMs: number | null;
  /** Why the clock is distrusted, as it was when that began; `null`: it is not. */
  readonly reason: string | null;
}

interface Voice {
  readonly deviation: ClockOffset;
  readonly atMs: number;
}

/** `deviation` is `null` where the other cannot say. */
export type QuarantineEvent =
  | { readonly type: "heard"; readonly from: string; readonly deviation: ClockOffset | null }
  | { readonly type: "tick" };

export const NO_QUARANTINE: Quarantine = { voices: new Map(), doubtSinceMs: null, reason: null };

const PATIENCE = 3;
const SHORTEST_RETURN_MS = 5_000;
const MOST_VOICES = 256;

/** @param intervalMs between two words of one voice. */
export const quarantineRules = (boundMs: number, intervalMs: number): QuarantineRules => ({
  boundMs,
  patienceMs: PATIENCE * intervalMs,
  returnMs: Math.max(SHORTEST_RETURN_MS, 2 * PATIENCE * intervalMs),
  voiceMs: Math.max(SHORTEST_RETURN_MS, 2 * PATIENCE * intervalMs),
});

export function stepQuarantine(
  before: Quarantine,
  event: QuarantineEvent,
  nowMs: number,
  rules: QuarantineRules,
): Quarantine {
  const voices = hear(before.voices, event, nowMs, rules);
  return before.reason === null ? trusted(voices, before, nowMs, rules) : distrusted(voices, before, nowMs, rules);
}

function trusted(voices: Quarantine["voices"], before: Quarantine, nowMs: number, rules: QuarantineRules): Quarantine {
  const blaming = blamers(voices, rules.boundMs);
  if (!isMost(blaming, voices)) return { voices, doubtSinceMs: null, reason: null };
  const doubtSinceMs = before.doubtSinceMs ?? nowMs;
  const isLong = nowMs - doubtSinceMs >= rules.patienceMs;
  return isLong ? { voices, doubtSinceMs: null, reason: reasonOf(blaming) } : { voices, doubtSinceMs, reason: null };
}

/** Half the bound, so that a clock just at it does not come and go. */
function distrusted(
  voices: Quarantine["voices"],
  { doubtSinceMs: since, reason }: Quarantine,
  nowMs: number,
  { boundMs, returnMs }: QuarantineRules,
): Quarantine {
  if (isMost(blamers(voices, boundMs / 2), voices)) return { voices, doubtSinceMs: null, reason };
  const doubtSinceMs = since ?? nowMs;
  return nowMs - doubtSinceMs >= returnMs ? { ...NO_QUARANTINE, voices } : { voices, doubtSinceMs, reason };
}

function hear(
  before: Quarantine["voices"],
  event: QuarantineEvent,
  nowMs: number,
  { voiceMs }: QuarantineRules,
): Quarantine["voices"] {
  const voices = new Map([...before].filter(([, { atMs }]) => nowMs - atMs <= voiceMs));
  if (event.type === "tick") return voices;
  const { from, deviation } = event;
  if (deviation === null) voices.delete(from);
  else if (voices.has(from) || voices.size < MOST_VOICES) voices.set(from, { deviation, atMs: nowMs });
  return voices;
}

const blamers = (voices: Quarantine["voices"], boundMs: number): readonly ClockOffset[] =>
  [...voices.values()].flatMap(({ deviation }) => (certainlyOffMs(deviation) > boundMs ? [deviation] : []));

const isMost = (blaming: readonly ClockOffset[], voices: Quarantine["voices"]): boolean =>
  blaming.length * 2 > voices.size;

function reasonOf(blaming: readonly ClockOffset[]): string {
  const [surest] = blaming.toSorted((one, other) => one.errorMs - other.errorMs);
  const { offsetMs, errorMs } = surest ?? { offsetMs: 0, errorMs: 0 };
  const side = offsetMs > 0 ? "ahead of" : "behind";
  return `its clock is ${Math.round(Math.abs(offsetMs))} ms (± ${Math.ceil(errorMs)} ms) ${side} the median`;
}
