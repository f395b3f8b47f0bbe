/**
 * Chance from a seed: xoshiro128**, seeded by splitmix32. The simulation's only source of chance, so that a seed is a run.
 */
export class Dice {
  readonly #state: Uint32Array;

  constructor(seed: number) {
    this.#state = Uint32Array.from({ length: 4 }, (_, index) => splitmix(seed + index * 0x9e3779b9));
  }

  /** Another stream of chance, from where this one is now; this one goes on as if there were no other. */
  apart(): Dice {
    return new Dice((this.#state[0] ?? 0) ^ APART);
  }

  /** From 0 up to, not including, 1. */
  next(): number {
    let [a = 0, b = 0, c = 0, d = 0] = this.#state;
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    this.#state.set([a, b, c ^ t, rotate(d, 11)]);
    return result / 0x1_0000_0000;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  /** Most often near `low`: as many decades as there are between the two are equally likely. */
  spread(low: number, high: number): number {
    return low * (high / low) ** this.next();
  }

  /** A whole number, both ends included. */
  whole(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[Math.floor(this.next() * from.length)];
    if (picked === undefined) throw new Error("nothing to pick from");
    return picked;
  }
}

const APART = 0x5bd1e995;

const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by));

function splitmix(seed: number): number {
  let z = (seed + 0x9e3779b9) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}
