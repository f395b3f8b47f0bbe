/**
 * Virtual time. Whatever happens in the simulation is one entry of one heap, ordered by time; entries of the same time
 * come in an order that the seed decides, so that nothing rests on the order in which they were made.
 */
import type { Dice } from "./dice.ts";

interface Entry {
  readonly atMs: number;
  readonly tie: number;
  readonly run: () => void;
}

export class Scheduler {
  readonly #dice: Dice;
  readonly #heap: Entry[] = [];
  #nowMs = 0;

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** When the next entry is due; infinite if there is none. */
  get nextMs(): number {
    return this.#heap[0]?.atMs ?? Infinity;
  }

  after(delayMs: number, run: () => void): void {
    const entry = { atMs: this.#nowMs + Math.max(0, delayMs), tie: this.#dice.next(), run };
    this.#heap.push(entry);
    this.#rise(this.#heap.length - 1);
  }

  /** Runs the next entry. */
  step(): void {
    const entry = this.#heap[0];
    if (!entry) throw new Error("nothing is scheduled");
    const last = this.#heap.pop()!;
    if (this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#sink(0);
    }
    this.#nowMs = entry.atMs;
    entry.run();
  }

  #rise(start: number): void {
    const heap = this.#heap;
    for (let at = start; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!isBefore(heap[at]!, heap[parent]!)) return;
      [heap[at], heap[parent]] = [heap[parent]!, heap[at]!];
      at = parent;
    }
  }

  #sink(start: number): void {
    const heap = this.#heap;
    for (let at = start; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      let first = at;
      if (left < heap.length && isBefore(heap[left]!, heap[first]!)) first = left;
      if (right < heap.length && isBefore(heap[right]!, heap[first]!)) first = right;
      if (first === at) return;
      [heap[at], heap[first]] = [heap[first]!, heap[at]!];
      at = first;
    }
  }
}

const isBefore = (one: Entry, other: Entry): boolean =>
  one.atMs < other.atMs || (one.atMs === other.atMs && one.tie < other.tie);
