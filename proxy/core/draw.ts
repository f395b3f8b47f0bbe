/** Chance inside a core: a generator whose state is a number, so that the same start gives the same draws. Pure. */

export interface Draw {
  readonly value: number;
  readonly seed: number;
}

/** A whole number from 0 to below `bound`, and the state for the next one (mulberry32, public domain). */
export function draw(seed: number, bound: number): Draw {
  const next = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(next ^ (next >>> 15), next | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return { value: Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * bound), seed: next };
}

export function shuffle<T>(seed: number, items: readonly T[]): { readonly items: readonly T[]; readonly seed: number } {
  const shuffled = [...items];
  let state = seed;
  for (let last = shuffled.length - 1; last > 0; last--) {
    const drawn = draw(state, last + 1);
    state = drawn.seed;
    [shuffled[last], shuffled[drawn.value]] = [shuffled[drawn.value] as T, shuffled[last] as T];
  }
  return { items: shuffled, seed: state };
}
