/**
 * The writes of one pool that wait for a batch, first come, first served. Bounded in number and bytes: what is over the
 * bound is refused at once, because a queue that only grows turns slow storage into a dead process.
 *
 * A write leaves by `take`; who took it must settle it, reject it or, if its batch was void, put it back.
 */
import { HotspareError } from "../shared/errors.ts";
import type { Written } from "./pool-access.ts";
import type { Write } from "./store/store.ts";

export interface QueueBounds {
  readonly writes: number;
  readonly bytes: number;
}

/** 10,000 writes, 64 MiB of request bodies. */
export const QUEUE_BOUNDS: QueueBounds = { writes: 10_000, bytes: 64 * 1024 * 1024 };

/** A write and whoever waits for it. Exactly one of `settle` and `reject` is to be called, once. */
export interface WaitingWrite {
  readonly write: Write;
  readonly settle: (written: Written) => void;
  readonly reject: (error: unknown) => void;
}

export class WriteQueue {
  readonly #bounds: QueueBounds;
  readonly #added: () => void;
  /** Read from `#next` on; what is before it was taken. */
  #waiting: WaitingWrite[] = [];
  #next = 0;
  #bytes = 0;
  #closedBy: Error | null = null;

  /** `added` is called after every write that was accepted. */
  constructor(bounds: QueueBounds, added: () => void) {
    this.#bounds = bounds;
    this.#added = added;
  }

  get length(): number {
    return this.#waiting.length - this.#next;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Resolves or rejects when the write's batch is decided. Rejects over the bounds, with HS_WRITE_OVERLOAD, or HS_NOT_APPLIED
   * for what was sent before; or with `close`'s error.
   */
  add(write: Write): Promise<Written> {
    return new Promise((settle, reject) => {
      if (this.#closedBy) return reject(this.#closedBy);
      if (this.#isFullFor(write)) return reject(this.#overload(write));
      this.#waiting.push({ write, settle, reject });
      this.#bytes += bytesOf(write);
      this.#added();
    });
  }

  /** Removes and returns the oldest writes, at most `max`. */
  take(max: number): readonly WaitingWrite[] {
    const taken = this.#waiting.slice(this.#next, this.#next + max);
    this.#next += taken.length;
    this.#bytes -= totalBytes(taken);
    if (this.#next === this.#waiting.length || this.#next >= 1024) this.#forgetTaken();
    return taken;
  }

  /** Makes `writes` the oldest again, in their order: their batch was void. Over the bounds too: they were accepted before. */
  putBack(writes: readonly WaitingWrite[]): void {
    if (this.#closedBy) return rejectAll(writes, this.#closedBy);
    this.#waiting = [...writes, ...this.#waiting.slice(this.#next)];
    this.#next = 0;
    this.#bytes += totalBytes(writes);
  }

  /** Rejects all that wait, and from now on whatever comes, with `error`. Idempotent: the first error stays. */
  close(error: Error): void {
    this.#closedBy ??= error;
    rejectAll(this.take(this.length), this.#closedBy);
  }

  #isFullFor(write: Write): boolean {
    return this.length >= this.#bounds.writes || this.#bytes + bytesOf(write) > this.#bounds.bytes;
  }

  /** Of what was sent before nobody here can say that it did not happen, only that it did not happen now. */
  #overload(write: Write): HotspareError {
    if (isSentAgain(write)) return new HotspareError("HS_NOT_APPLIED");
    return new HotspareError("HS_WRITE_OVERLOAD", { accepted: this.#limits() });
  }

  #limits(): string {
    return `${this.#bounds.writes} writes, ${this.#bounds.bytes} bytes`;
  }

  #forgetTaken(): void {
    this.#waiting = this.#waiting.slice(this.#next);
    this.#next = 0;
  }
}

/** Whether this is not the first attempt, so that an earlier one may have been settled. */
export const isSentAgain = ({ key }: Write): boolean => key !== null && key.firstSentLogTimeMs !== null;

/** Whether an earlier attempt may have been settled, here or at a host that this one does not know of yet. */
export const mayBeSettled = (write: Write): boolean => isSentAgain(write) || write.key?.source === "client";

const bytesOf = (write: Write): number => write.waitingBytes ?? 0;

const totalBytes = (writes: readonly WaitingWrite[]): number =>
  writes.reduce((sum, { write }) => sum + bytesOf(write), 0);

function rejectAll(writes: readonly WaitingWrite[], error: Error): void {
  for (const { reject } of writes) reject(error);
}
