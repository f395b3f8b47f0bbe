/**
 * A short text for each state. States share most of their parts with the states they came from, so each part is encoded
 * once, and a state's key is the numbers of its parts.
 */
import type { World } from "./world.ts";

const numbers = new Map<string, number>();
const parts = new WeakMap<object, string>();

export function keyOf({ nodes, vault, observer, budget }: World): string {
  let key = partKey(vault) + partKey(observer) + partKey(budget);
  for (const node of nodes) key += partKey(node);
  return key;
}

/** Parts are made by copying, which keeps the order of their fields; another order would only count a state twice. */
function partKey(part: object): string {
  const cached = parts.get(part);
  if (cached !== undefined) return cached;
  const text = JSON.stringify(part);
  const number = numbers.get(text) ?? numbers.size;
  numbers.set(text, number);
  // Two characters: more parts than one could number.
  const key = String.fromCharCode(number & 0x7fff, number >> 15);
  parts.set(part, key);
  return key;
}
