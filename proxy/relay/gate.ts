/**
 * The way to one pool's primary: open while there is one, else requests park here. Those that waited go first, in order,
 * a bounded number at a time, so that a new primary is not met by all of them at once.
 *
 * Suspects, which were at a host when it ended, go one by one beside them: one of them may have killed it. If it kills the next
 * host too, it takes none of the others with it, which would then have been executed twice as well.
 */
import type { Cancel, Clock } from "../../shared/clock.ts";
import type { NodeId } from "../../shared/ids.ts";
import type { ErrorCode } from "../../shared/errors.ts";
import { Parking, type ParkBounds } from "../core/parking.ts";
import type { Route } from "../core/proxy-event.ts";

export type OpenRoute = NonNullable<Route>;

export interface Waiter {
  /** It was at a host when that ended; `route`: where it would go now. */
  isSuspectAt(route: Route): boolean;
  /** Go now. `settled` is to be called when its answer begins or fails: the next one follows. */
  go(route: OpenRoute, settled: () => void): void;
  /** There was no place, its time is over, or there is no such pool any more; it has left. */
  turnedAway(why: TurnedAway): void;
}

export type TurnedAway = "full" | "late" | "gone";

/** What its client is told, if it has reached no host. */
export const TURNED_AWAY: Readonly<Record<TurnedAway, ErrorCode>> = {
  full: "HS_PARK_FULL",
  late: "HS_PARKED_TOO_LONG",
  gone: "HS_POOL_REMOVED",
};

interface Resting {
  readonly host: NodeId;
  readonly sinceMs: number;
  readonly wake: () => void;
  readonly cancel: Cancel;
}

/** Of one proxy, over all processes that carry its requests. */
export const RELEASES = 128;
/** A request that is answered slowly (long polling) does not keep its turn longer. A host that has just started is slow, too. */
const TURN_MS = 1000;
/**
 * How long all suspects together may keep one another waiting at one primary, at most a turn each: many that are answered
 * slowly must not use up the time that they may wait.
 */
const TRIALS_MS = 1000;
const SHORTEST_TRIAL_MS = 10;
const HOLD_MS = 10;
const LONGEST_HOLD_MS = 250;
const EXPIRY_STEP_MS = 20;

export class Gate {
  readonly #clock: Clock;
  #bounds: ParkBounds;
  readonly #releases: number;
  readonly #parking: Parking<Waiter>;
  readonly #suspects: Parking<Waiter>;
  #onTrial = false;
  #letsGo = false;
  #trialsLeftMs = TRIALS_MS;
  /** Where and when a connection broke last: no suspect goes there before that host has shown that it lives. */
  #broken: { readonly host: NodeId; readonly sinceMs: number } | null = null;
  /** Parked too, but not yet to be let go. */
  readonly #resting = new Map<Waiter, Resting>();
  #route: Route = null;
  #turns = 0;
  #hold: Cancel | null = null;
  #holdMs = HOLD_MS;
  #expiry: { readonly atMs: number; readonly cancel: Cancel } | null = null;
  /** What everybody is told that it is closed to; `null`: it is open. */
  #closed: TurnedAway | null = null;

  /** @param releases how many of those that waited may be on the way without an answer. */
  constructor(bounds: ParkBounds, clock: Clock, releases: number) {
    this.#clock = clock;
    this.#releases = releases;
    this.#bounds = bounds;
    this.#parking = new Parking(bounds);
    this.#suspects = new Parking(bounds);
  }

  get parked(): number {
    return this.#parking.count + this.#suspects.count + this.#resting.size;
  }

  get parkedBytes(): number {
    return this.#parking.bytes + this.#suspects.bytes;
  }

  /** Lets the waiter go at once, parks it, or turns it away. */
  enter(waiter: Waiter, bytes: number, waitMs: number): void {
    const isSuspect = waiter.isSuspectAt(this.#route);
    const isFree = isSuspect ? this.#triesSuspects && this.#suspects.count === 0 : this.#parking.count === 0;
    if (this.#route !== null && this.#hold === null && isFree) {
      return waiter.go(this.#route, isSuspect ? this.#beginTrial() : nothing);
    }
    if (this.#closed !== null) return waiter.turnedAway(this.#closed);
    const sinceMs = this.#clock.monotonicMs();
    const untilMs = sinceMs + waitMs;
    const parking = isSuspect ? this.#suspects : this.#parking;
    const hasRoom = this.parked < this.#bounds.requests && this.parkedBytes + bytes <= this.#bounds.bytes;
    if (!hasRoom || !parking.park({ item: waiter, bytes, sinceMs, untilMs })) return waiter.turnedAway("full");
    this.#armExpiry(untilMs);
    this.#letGo();
  }

  /**
   * As `enter`, for a request whose connection to `host` broke: not before the route has changed, or the host has shown
   * that it lives. A killed process takes connections for a while that nobody will ever serve: one death must not break
   * a request twice.
   */
  rest(waiter: Waiter, host: NodeId, { bytes, waitMs }: { readonly bytes: number; readonly waitMs: number }): void {
    if (this.#closed !== null || this.parked >= this.#bounds.requests) return waiter.turnedAway(this.#closed ?? "full");
    const sinceMs = this.#clock.monotonicMs();
    const expire = (): void => {
      this.#resting.delete(waiter);
      waiter.turnedAway("late");
    };
    const cancel = this.#clock.after(Math.max(0, waitMs), expire);
    const wake = (): void => {
      this.#resting.delete(waiter);
      cancel();
      this.enter(waiter, bytes, waitMs - (this.#clock.monotonicMs() - sinceMs));
    };
    this.#resting.set(waiter, { host, sinceMs, wake, cancel });
  }

  /** The host answered a heartbeat that was sent at `sentMs`: a connection that broke before did not break by its death. */
  lives(host: NodeId, sentMs: number): void {
    if (this.#broken?.host === host && this.#broken.sinceMs <= sentMs) {
      this.#broken = null;
      this.#letGo();
    }
    for (const resting of this.#resting.values()) {
      if (resting.host === host && resting.sinceMs <= sentMs) resting.wake();
    }
  }

  /** The client is gone: its place is free. */
  leave(waiter: Waiter): void {
    this.#parking.leave(waiter);
    this.#suspects.leave(waiter);
    this.#resting.get(waiter)?.cancel();
    this.#resting.delete(waiter);
  }

  setRoute(route: Route): void {
    this.#route = route;
    this.#trialsLeftMs = TRIALS_MS;
    this.#broken = null;
    this.#endHold();
    this.#holdMs = HOLD_MS;
    this.#wakeAll();
    this.#letGo();
  }

  /** A connection to this host broke; to be told before the turn of what was on it ends. */
  broke({ host }: OpenRoute): void {
    this.#broken = { host, sinceMs: this.#clock.monotonicMs() };
  }

  /** The primary refused a connection or says that it is none: nobody else need try for a moment. */
  hold(route: OpenRoute): void {
    if (this.#hold !== null || this.#route !== route) return;
    this.#hold = this.#clock.after(this.#holdMs, () => {
      this.#hold = null;
      this.#letGo();
    });
    this.#holdMs = Math.min(2 * this.#holdMs, LONGEST_HOLD_MS);
  }

  /** The primary answered. */
  ease(): void {
    this.#holdMs = HOLD_MS;
  }

  /** Holds for who comes from now on: nobody who waits loses a place. */
  configure(bounds: ParkBounds): void {
    this.#bounds = bounds;
    for (const parking of this.#both()) parking.bounds = bounds;
  }

  /** Turns everybody away; nobody is let go any more. */
  close(why: TurnedAway): void {
    this.#closed ??= why;
    this.#route = null;
    this.#endHold();
    this.#expiry?.cancel();
    this.#expiry = null;
    this.#wakeAll();
    for (const parking of this.#both()) {
      for (const { item } of parking.release(parking.count)) item.turnedAway(why);
    }
  }

  #wakeAll(): void {
    for (const { wake } of this.#resting.values()) wake();
  }

  get #triesSuspects(): boolean {
    return !this.#onTrial && this.#broken?.host !== this.#route?.host;
  }

  #both(): readonly Parking<Waiter>[] {
    return [this.#suspects, this.#parking];
  }

  /** One after the other, and not each within the one before: thousands may end as soon as they go. */
  #letGo(): void {
    if (this.#letsGo) return;
    this.#letsGo = true;
    try {
      while (this.#letOneGo()) continue;
    } finally {
      this.#letsGo = false;
    }
  }

  #letOneGo(): boolean {
    if (this.#route === null || this.#hold !== null || this.#turns >= this.#releases) return false;
    const [suspect] = this.#triesSuspects ? this.#suspects.release(1) : [];
    const next = suspect ?? this.#parking.release(1)[0];
    if (next === undefined) return false;
    // With the route it is known whether it is one at all.
    const isSuspect = next.item.isSuspectAt(this.#route) && suspect !== undefined;
    next.item.go(this.#route, isSuspect ? this.#beginTrial() : this.#takeTurn());
    return true;
  }

  #beginTrial(): () => void {
    this.#onTrial = true;
    const sinceMs = this.#clock.monotonicMs();
    const mostMs = Math.max(SHORTEST_TRIAL_MS, Math.min(TURN_MS, this.#trialsLeftMs));
    return this.#turn(mostMs, () => {
      this.#onTrial = false;
      this.#trialsLeftMs -= this.#clock.monotonicMs() - sinceMs;
    });
  }

  #takeTurn(): () => void {
    this.#turns += 1;
    return this.#turn(TURN_MS, () => (this.#turns -= 1));
  }

  /** Ends once: when it is called, or when its time is over. The next one follows. */
  #turn(mostMs: number, end: () => void): () => void {
    let taken = true;
    const settled = (): void => {
      if (!taken) return;
      taken = false;
      cancel();
      end();
      this.#letGo();
    };
    const cancel = this.#clock.after(mostMs, settled);
    return settled;
  }

  #endHold(): void {
    this.#hold?.();
    this.#hold = null;
  }

  #armExpiry(atMs: number): void {
    if (this.#parking.count + this.#suspects.count === 0 || (this.#expiry !== null && this.#expiry.atMs <= atMs))
      return;
    this.#expiry?.cancel();
    const delayMs = Math.max(0, atMs - this.#clock.monotonicMs());
    this.#expiry = { atMs, cancel: this.#clock.after(delayMs, () => this.#expire()) };
  }

  #expire(): void {
    this.#expiry = null;
    const nowMs = this.#clock.monotonicMs();
    for (const parking of this.#both()) {
      for (const { item } of parking.expire(nowMs)) item.turnedAway("late");
    }
    // Not one timer for each of thousands that came within the same moment.
    const earliestMs = Math.min(this.#parking.earliestMs, this.#suspects.earliestMs);
    this.#armExpiry(Math.max(nowMs + EXPIRY_STEP_MS, earliestMs));
  }
}

const nothing = (): void => undefined;
