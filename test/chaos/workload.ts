/**
 * What the clients of a run do, each kind for one checker: registers with compare-and-set, lists appended by
 * compare-and-set, a bank, counters, sets, sessions. Keys are changed often, so that each key's history stays small enough
 * to be judged, and all clients of a kind are on the same key at the same time, so that they meet.
 */
import type { RegisterValue } from "../checkers/linearizability.ts";
import type { Client, Told } from "./client.ts";

export interface Workload {
  readonly kind: string;
  readonly clients: number;
  step(client: Client): Promise<void>;
  /** Once everything is healed: read all that was ever written. */
  readAll(client: Client): Promise<void>;
}

export const SPACE = "/spaces/chaos/documents";

/** Keys `r-0`, `r-1`, …, each used so often and then no more. */
export class Keys {
  readonly #prefix: string;
  readonly #each: number;
  #used = 0;

  constructor(prefix: string, each: number) {
    this.#prefix = prefix;
    this.#each = each;
  }

  next(): string {
    this.#used += 1;
    return this.#name(this.#used - 1);
  }

  all(): readonly string[] {
    return Array.from({ length: Math.ceil(this.#used / this.#each) }, (_, index) => this.#name(index * this.#each));
  }

  #name(use: number): string {
    return `${this.#prefix}-${Math.floor(use / this.#each)}`;
  }
}

/** The times and outcome of what was told, without the answer. */
export const timesOf = ({ process, invokedMs, completedMs, outcome }: Told) => ({
  process,
  invokedMs,
  completedMs,
  outcome,
});

/** What an answer of `200` holds; `absent` for any other. */
export function valueIn<T>({ reply }: Told, absent: T): T {
  return reply?.status === 200 ? (JSON.parse(reply.text) as T) : absent;
}

export const readRegister = (told: Told): RegisterValue => valueIn<RegisterValue>(told, null);
