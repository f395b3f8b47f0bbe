/**
 * How many bytes the changes of a batch take. Exact figures cost as much as making the change set, so between them the
 * meter goes by an estimate, and measures when that has grown beyond its resolution. What a statement makes up by itself
 * (`zeroblob`, `a || a`) escapes the estimate and is found when the batch is sealed.
 */
import type { DatabaseSync } from "node:sqlite";

type Session = ReturnType<DatabaseSync["createSession"]>;

export interface Reading {
  readonly measuredBytes: number;
  readonly estimatedBytes: number;
}

export class ChangeMeter {
  readonly #session: Session;
  /** Estimated bytes that are taken without measuring. */
  readonly #resolutionBytes: number;
  #closed = false;
  #measuredBytes = 0;
  #estimatedBytes = 0;

  constructor(database: DatabaseSync, resolutionBytes: number) {
    this.#session = database.createSession();
    this.#resolutionBytes = resolutionBytes;
  }

  get bytes(): number {
    return this.#measuredBytes + this.#estimatedBytes;
  }

  add(estimateBytes: number): void {
    this.#estimatedBytes += estimateBytes;
    if (this.#estimatedBytes > this.#resolutionBytes) this.changeset();
  }

  /** The change set so far; recording goes on. */
  changeset(): Uint8Array {
    const changeset = this.#session.changeset();
    this.#measuredBytes = changeset.byteLength;
    this.#estimatedBytes = 0;
    return changeset;
  }

  /** What `restore` needs to forget what comes after. */
  read(): Reading {
    return { measuredBytes: this.#measuredBytes, estimatedBytes: this.#estimatedBytes };
  }

  /** After the changes since `reading` were rolled back. */
  restore({ measuredBytes, estimatedBytes }: Reading): void {
    this.#measuredBytes = measuredBytes;
    this.#estimatedBytes = estimatedBytes;
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#session.close();
  }
}
