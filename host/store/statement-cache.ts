/**
 * Compiled statements of the application, kept by their text: compiling takes longer than most of them run. A statement
 * is out of the cache while somebody uses it, so that two loops over the same text never share one.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";

const KEPT = 256;
/** Longer texts are made up each time; keeping them would only fill memory. */
const KEPT_CHARACTERS = 8192;

export class StatementCache {
  readonly #database: DatabaseSync;
  /** Least recently used first. */
  readonly #idle = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** @throws what SQLite throws if `sql` does not compile or is not allowed. */
  borrow(sql: string): StatementSync {
    const kept = this.#idle.get(sql);
    if (!kept) return this.#database.prepare(sql);
    this.#idle.delete(sql);
    return kept;
  }

  /** `statement` must not be in the middle of its rows. */
  giveBack(sql: string, statement: StatementSync): void {
    if (sql.length > KEPT_CHARACTERS) return;
    this.#idle.set(sql, statement);
    if (this.#idle.size <= KEPT) return;
    for (const oldest of this.#idle.keys()) {
      this.#idle.delete(oldest);
      return;
    }
  }
}
