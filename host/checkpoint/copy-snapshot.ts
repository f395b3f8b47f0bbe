/**
 * Copies the snapshot that a connection holds in an open read transaction into a file of its own. `backup()` under such a
 * transaction copies exactly that snapshot and does not start again when others commit (decision 0003).
 *
 * Gentle on those who commit meanwhile: small steps, rests between them, and what was written is synced in small
 * portions instead of one flood at the end that a commit's own sync would have to wait behind.
 */
import { closeSync, fdatasyncSync, openSync } from "node:fs";
import { backup, type DatabaseSync } from "node:sqlite";

export interface CopySnapshotOptions {
  /** In an open read transaction. */
  readonly source: DatabaseSync;
  /** Absent before; what is there after a failure is garbage of the caller. */
  readonly file: string;
  /** Called between two steps; what it throws ends the copy. Rests here are the gentle rate. */
  readonly beat: (progress: Progress) => void;
}

export interface Progress {
  readonly bytes: number;
  readonly totalBytes: number;
}

const PAGES_PER_STEP = 128;
const BYTES_PER_SYNC = 8 * 1024 * 1024;

export async function copySnapshot({ source, file, beat }: CopySnapshotOptions): Promise<void> {
  const pageBytes = Number(source.prepare("pragma page_size").get()?.["page_size"]);
  const syncer = new Syncer(file);
  try {
    await backup(source, file, {
      rate: PAGES_PER_STEP,
      progress: ({ totalPages, remainingPages }) => {
        const bytes = (totalPages - remainingPages) * pageBytes;
        syncer.reached(bytes);
        beat({ bytes, totalBytes: totalPages * pageBytes });
      },
    });
  } finally {
    syncer.close();
  }
}

/** Its descriptor stays open until the copy is over: closing one drops every lock that SQLite has on the file. */
class Syncer {
  readonly #file: string;
  #fd: number | null = null;
  #synced = 0;

  constructor(file: string) {
    this.#file = file;
  }

  reached(bytes: number): void {
    if (bytes - this.#synced < BYTES_PER_SYNC) return;
    this.#fd ??= openSync(this.#file, "r+");
    fdatasyncSync(this.#fd);
    this.#synced = bytes;
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
  }
}
