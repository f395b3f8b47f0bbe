/**
 * One folder of the simulated share: names that are created once, and are volatile until the folder is synced. Remembers
 * for a while what it held, for machines that see an older state of it.
 */
import type { Dice } from "../dice.ts";
import type { Scheduler } from "../scheduler.ts";

export interface Entry<T> {
  readonly number: number;
  content: T;
  readonly createdMs: number;
  removedMs: number;
  durable: boolean;
  corrupt: boolean;
}

export class SimFolder<T> {
  readonly #scheduler: Scheduler;
  readonly #live = new Map<number, Entry<T>>();
  /** Names that are gone, for machines that still see them. */
  #gone: Entry<T>[] = [];

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** @returns whether it was created: never replaces. */
  create(number: number, content: T): boolean {
    if (this.#live.has(number)) return false;
    const createdMs = this.#scheduler.nowMs;
    this.#live.set(number, { number, content, createdMs, removedMs: Infinity, durable: false, corrupt: false });
    return true;
  }

  get(number: number): Entry<T> | null {
    return this.#live.get(number) ?? null;
  }

  /** What a machine sees that still holds the state of `asOfMs`. */
  getAsOf(number: number, asOfMs: number): Entry<T> | null {
    const seen = (entry: Entry<T>): boolean => entry.createdMs <= asOfMs && entry.removedMs > asOfMs;
    const live = this.#live.get(number);
    if (live && seen(live)) return live;
    return this.#gone.find((entry) => entry.number === number && seen(entry)) ?? null;
  }

  listAsOf(asOfMs: number): number[] {
    const numbers: number[] = [];
    for (const { number, createdMs } of this.#live.values()) if (createdMs <= asOfMs) numbers.push(number);
    for (const { number, createdMs, removedMs } of this.#gone) {
      if (createdMs <= asOfMs && removedMs > asOfMs) numbers.push(number);
    }
    return numbers.toSorted((a, b) => a - b);
  }

  entries(): Entry<T>[] {
    return [...this.#live.values()];
  }

  remove(number: number): void {
    const entry = this.#live.get(number);
    if (!entry) return;
    this.#live.delete(number);
    entry.removedMs = this.#scheduler.nowMs;
    this.#gone = [...this.#gone.filter(({ removedMs }) => removedMs > this.#scheduler.nowMs - KEPT_MS), entry];
  }

  /** It never was there. */
  forget(number: number): void {
    this.#live.delete(number);
  }

  sync(): Entry<T>[] {
    const fresh = this.entries().filter(({ durable }) => !durable);
    for (const entry of fresh) entry.durable = true;
    return fresh;
  }

  /** A power cut of the share: each name that is not synced is lost or kept, by chance. */
  crash(dice: Dice): Entry<T>[] {
    const volatile = this.entries().filter(({ durable }) => !durable);
    const lost = volatile.filter(() => dice.chance(0.5));
    for (const { number } of lost) this.#live.delete(number);
    for (const entry of volatile) entry.durable = true;
    return lost;
  }
}

const KEPT_MS = 5_000;
