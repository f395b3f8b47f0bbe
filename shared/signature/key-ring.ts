/**
 * The keys of the cluster secret as one node has them: the first signs, all verify. They may be replaced while the node
 * runs; whoever holds the ring uses the new ones from the next message on.
 *
 * A key that was taken away is accepted for a moment more: what was signed with it just before may still be on its way,
 * and a node that was half-way through a rotation is not deaf to it. It is not reported any more.
 */
import type { KeyObject } from "node:crypto";
import type { Cancel, Clock } from "../clock.ts";
import { assert } from "../errors.ts";
import { messageKey, sealSecret, type MessageKey, type SecretBytes } from "./message-key.ts";

/** The cluster secret: its keys, or the bytes of the only one. */
export type Secret = KeyRing | SecretBytes;

/** Longer than any message is on its way. */
export const RETIRED_MS = 30_000;
const MAX_RETIRED = 8;

export class KeyRing {
  readonly #clock: Clock;
  #secrets: readonly KeyObject[];
  #keys: readonly [MessageKey, ...MessageKey[]];
  /** With the time until which they are accepted; oldest first. */
  #retired: readonly { readonly key: MessageKey; readonly untilMs: number }[] = [];
  readonly #listeners = new Set<() => void>();

  constructor(secrets: readonly SecretBytes[], clock: Clock) {
    this.#clock = clock;
    this.#secrets = secrets.map(sealSecret);
    this.#keys = keysOf(this.#secrets);
  }

  static of(secret: Secret, clock: Clock): KeyRing {
    return secret instanceof KeyRing ? secret : new KeyRing([secret], clock);
  }

  get signing(): MessageKey {
    return this.#keys[0];
  }

  /** For threads: a ring of the same keys can be made of them. */
  get secrets(): readonly KeyObject[] {
    return this.#secrets;
  }

  /** The ids of the keys; that of the signing one first. */
  keyIds(): readonly string[] {
    return this.#keys.map(({ id }) => id);
  }

  /** The key with that id, if a message signed with it is accepted now. */
  accepted(id: string): MessageKey | null {
    const key = this.#keys.find((known) => known.id === id);
    if (key !== undefined) return key;
    const nowMs = this.#clock.monotonicMs();
    return this.#retired.find((known) => known.key.id === id && nowMs < known.untilMs)?.key ?? null;
  }

  /** `false`, and nobody is told, if these are the keys that it has, in this order. */
  replace(secrets: readonly SecretBytes[]): boolean {
    const sealed = secrets.map(sealSecret);
    const keys = keysOf(sealed);
    if (String(keys.map(({ id }) => id)) === String(this.keyIds())) return false;
    const untilMs = this.#clock.monotonicMs() + RETIRED_MS;
    const gone = this.#keys.filter(({ id }) => !keys.some((key) => key.id === id));
    this.#retired = [...this.#retired, ...gone.map((key) => ({ key, untilMs }))].slice(-MAX_RETIRED);
    this.#secrets = sealed;
    this.#keys = keys;
    for (const tell of this.#listeners) tell();
    return true;
  }

  /** Calls `tell` after each replacement. */
  onReplaced(tell: () => void): Cancel {
    this.#listeners.add(tell);
    return () => void this.#listeners.delete(tell);
  }
}

function keysOf(secrets: readonly KeyObject[]): readonly [MessageKey, ...MessageKey[]] {
  const [first, ...others] = secrets.map((secret) => messageKey(secret));
  assert(first !== undefined, "a key ring has a key");
  return [first, ...others];
}
