/**
 * The requests of one pool that wait for its primary: first come, first served, bounded in number, bytes and time. Holds
 * only what it is given; no clock. What is over a bound is refused at once, never dropped later.
 */
export interface ParkBounds {
  readonly requests: number;
  readonly bytes: number;
}

export interface Parked<T> {
  readonly item: T;
  readonly bytes: number;
  readonly sinceMs: number;
  /** Its wait is over then. */
  readonly untilMs: number;
}

export class Parking<T> {
  #bounds: ParkBounds;
  /** Insertion order is the order of release. */
  readonly #parked = new Map<T, Parked<T>>();
  #bytes = 0;

  constructor(bounds: ParkBounds) {
    this.#bounds = bounds;
  }

  get count(): number {
    return this.#parked.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** For what comes from now on; nobody loses a place. */
  set bounds(bounds: ParkBounds) {
    this.#bounds = bounds;
  }

  /** @returns whether there was a place. An item parks once. */
  park(parked: Parked<T>): boolean {
    const full = this.count >= this.#bounds.requests || this.#bytes + parked.bytes > this.#bounds.bytes;
    if (full || this.#parked.has(parked.item)) return false;
    this.#parked.set(parked.item, parked);
    this.#bytes += parked.bytes;
    return true;
  }

  /** Frees the place of an item that left. @returns whether it had one. */
  leave(item: T): boolean {
    const parked = this.#parked.get(item);
    if (parked === undefined) return false;
    this.#parked.delete(item);
    this.#bytes -= parked.bytes;
    return true;
  }

  /** The oldest `count` items, which leave their places. */
  release(count: number): Parked<T>[] {
    const released: Parked<T>[] = [];
    for (const parked of this.#parked.values()) {
      if (released.length >= count) break;
      released.push(parked);
    }
    for (const { item } of released) this.leave(item);
    return released;
  }

  /** When the next wait is over; infinite if nobody waits. */
  get earliestMs(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const { untilMs } of this.#parked.values()) earliest = Math.min(earliest, untilMs);
    return earliest;
  }

  /** Items whose wait is over, which leave their places. */
  expire(nowMs: number): Parked<T>[] {
    const expired = [...this.#parked.values()].filter(({ untilMs }) => untilMs <= nowMs);
    for (const { item } of expired) this.leave(item);
    return expired;
  }
}
