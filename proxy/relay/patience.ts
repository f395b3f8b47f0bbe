/**
 * How long a client may stay as it is, counted in sweeps a second apart: thousands of connections cost one timer. A head has
 * a time for all of it, since one octet now and then is no progress; a body and an answer must go on.
 */
/** What a connection waits for: the client's next request, the rest of one, the proxy, or the client's farewell. */
export type Phase = "idle" | "head" | "body" | "answer" | "closing";

/** What has come from the client, and what has been said to it; a socket is one. */
export interface Progress {
  readonly bytesRead: number;
  /** What is still to leave included. */
  readonly bytesWritten: number;
  readonly writableLength: number;
}

const MOST_ROUNDS: Readonly<Record<Phase, number>> = { idle: 60, head: 10, body: 30, answer: 60, closing: 2 };
/** Fewer bytes than this are no progress. */
const LEAST_BYTES = 256;

export class Patience {
  #phase: Phase = "idle";
  #mark = 0;
  #rounds = 0;

  /** Whether it is over; to be asked once a second. */
  isOver(phase: Phase, progress: Progress): boolean {
    const mark = progress.bytesRead + progress.bytesWritten - progress.writableLength;
    const least = phase === "idle" ? 1 : LEAST_BYTES;
    const goesOn = phase !== "head" && phase !== "closing" && Math.abs(mark - this.#mark) >= least;
    if (phase !== this.#phase || goesOn || waitsForProxy(phase, progress)) {
      this.#phase = phase;
      this.#mark = mark;
      this.#rounds = 0;
      return false;
    }
    this.#rounds += 1;
    return this.#rounds > MOST_ROUNDS[phase];
  }
}

/** Its time is bounded elsewhere: in the parking, and by whoever answers. */
const waitsForProxy = (phase: Phase, { writableLength }: Progress): boolean =>
  phase === "answer" && writableLength === 0;
