/**
 * Keeps the WAL small. Between batches, so that no commit waits in the middle; without waiting for readers: a worker that
 * takes an image holds its snapshot for long, and then the WAL grows until it is done.
 */
import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

/** Beyond it the WAL is moved into the database and cut to nothing. */
export const WAL_BYTES = 16 * 1024 * 1024;

/** On a connection of its own, which never waits for a lock. Opened on first use. */
export class WalTrimmer {
  readonly #file: string;
  #database: DatabaseSync | null = null;
  /** Size at which to try again, after somebody's snapshot was in the way. */
  #nextBytes = WAL_BYTES;

  constructor(file: string) {
    this.#file = file;
  }

  trim(): void {
    const bytes = statSync(`${this.#file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    if (bytes < this.#nextBytes) return;
    this.#database ??= new DatabaseSync(this.#file, { timeout: 0 });
    const busy = this.#database.prepare("pragma wal_checkpoint(truncate)").get()?.["busy"] === 1;
    this.#nextBytes = busy ? bytes + WAL_BYTES : WAL_BYTES;
  }

  close(): void {
    this.#database?.close();
    this.#database = null;
  }
}
