/** The last things that changed, numbered, for the log, for `/api/v1/events` and for whoever comes later. Bounded. */
import type { Clock } from "../shared/clock.ts";
import type { Note } from "./core/note.ts";

export interface NumberedNote {
  readonly number: number;
  /** Wall time, for people. */
  readonly atMs: number;
  readonly note: Note;
}

const KEPT = 256;

export class NoteFeed {
  readonly #clock: Clock;
  readonly #listeners = new Set<(entry: NumberedNote) => void>();
  #kept: NumberedNote[] = [];
  #number: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    // Who goes on from a number of this proxy's last process must miss nothing of this one.
    this.#number = clock.wallMs();
  }

  add(note: Note): void {
    this.#number += 1;
    const entry = { number: this.#number, atMs: this.#clock.wallMs(), note };
    this.#kept = [...this.#kept, entry].slice(-KEPT);
    for (const listener of this.#listeners) listener(entry);
  }

  /** Those after `number` that are still kept, oldest first. */
  since(number: number): readonly NumberedNote[] {
    return this.#kept.filter((entry) => entry.number > number);
  }

  /** @returns what ends it. */
  listen(listener: (entry: NumberedNote) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
