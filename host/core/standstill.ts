/**
 * Whether a pool's part of the vault stands still, as one standby has seen it itself: the journal, by its own listings, and
 * the file in which the owner of the newest fence says that its main thread lives. Pure.
 *
 * What counts is the time between the first and the last look that showed the same, never the time since: who was paused,
 * was cut off from the vault or was no standby has seen nothing meanwhile, and looks for the whole bound anew.
 */
import type { RecordId } from "../../shared/ids.ts";

/** What looks at one thing have shown. */
export interface Sight<T> {
  readonly value: T;
  /** When this host first saw that value. */
  readonly sinceMs: number;
  /** When it looked last. */
  readonly seenMs: number;
  /** It saw another value before that: this is a movement, and not only the first look. */
  readonly moved: boolean;
}

/** What the owner says in its file. */
export interface Mark {
  readonly bootId: string;
  readonly tick: number;
  /** What it says that it is for the pool; `null`: nothing. */
  readonly role: string | null;
}

export interface Standstill {
  /** The newest fence that this host knows; with another one everything begins anew. */
  readonly fence: RecordId | null;
  /** The newest record. */
  readonly journal: Sight<number> | null;
  readonly mark: Sight<Mark> | null;
  /** The owner's process: it changes when the owner is started again. */
  readonly life: Sight<string> | null;
}

export type StandstillEvent =
  /** Where this host stands in the journal, and when it last found nothing beyond. */
  | {
      readonly type: "followed";
      readonly fence: RecordId | null;
      readonly slot: number;
      readonly atHeadMs: number | null;
    }
  /** The owner's file, read at `askedMs` or a little later. */
  | { readonly type: "marked"; readonly mark: Mark; readonly askedMs: number }
  /** The owner's file is not there, or cannot be read: it neither moves nor stands still. */
  | { readonly type: "unreadable" }
  /** This host does not follow the pool as a standby. */
  | { readonly type: "away" };

/** `unseen`: not looked at lately. `watched`: not for the whole bound yet. `moved`: seen to move within it. */
export type Seen = {
  readonly type: "unseen" | "watched" | "moved" | "still";
  /** Between the first and the last look that showed the same. */
  readonly stillMs: number;
};

export const nothingSeen: Standstill = { fence: null, journal: null, mark: null, life: null };

export function stepStandstill(before: Standstill, event: StandstillEvent, now: number, boundMs: number): Standstill {
  switch (event.type) {
    case "followed": {
      const known = event.fence === before.fence ? before : { ...nothingSeen, fence: event.fence };
      if (event.atHeadMs === null) return { ...known, journal: null };
      return { ...known, journal: look(known.journal, event.slot, { now, seenMs: event.atHeadMs, boundMs }) };
    }
    case "marked": {
      const { mark, askedMs: seenMs } = event;
      const { bootId, tick } = mark;
      const same = before.mark?.value.bootId === bootId && before.mark.value.tick === tick;
      const value = same && before.mark ? before.mark.value : mark;
      const at = { now, seenMs, boundMs };
      return { ...before, mark: look(before.mark, value, at), life: look(before.life, bootId, at) };
    }
    case "unreadable":
      return { ...before, mark: null, life: null };
    case "away":
      return nothingSeen;
  }
}

/** What the looks at one thing amount to. */
export function seen(sight: Sight<unknown> | null, now: number, boundMs: number): Seen {
  if (sight === null || now - sight.seenMs > boundMs) return { type: "unseen", stillMs: 0 };
  const stillMs = Math.max(0, sight.seenMs - sight.sinceMs);
  if (stillMs >= boundMs) return { type: "still", stillMs };
  return { type: sight.moved ? "moved" : "watched", stillMs };
}

interface Look {
  readonly now: number;
  /** What was seen was so then, or later. */
  readonly seenMs: number;
  readonly boundMs: number;
}

/** After a gap nobody knows what happened in it, so the next look is a first one. */
function look<T>(before: Sight<T> | null, value: T, { now, seenMs, boundMs }: Look): Sight<T> {
  if (before === null || seenMs - before.seenMs > boundMs) return { value, sinceMs: now, seenMs, moved: false };
  if (before.value !== value) return { value, sinceMs: now, seenMs, moved: true };
  return { ...before, seenMs: Math.max(before.seenMs, seenMs) };
}
