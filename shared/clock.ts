/**
 * The source of time. An argument everywhere, so that a simulation can replace it; only a `main.ts` names the real one.
 * Decisions use `monotonicMs`; `wallMs` is for people, logs and signatures, and no safety rests on it.
 */
export interface Clock {
  /**
   * Milliseconds since an arbitrary start, the same for all threads of a process, never going back; counts through a
   * stopped process.
   */
  monotonicMs(): number;
  /** Milliseconds since 1970, as far as this machine knows. */
  wallMs(): number;
  /** Calls `run` once after `delayMs`. The result cancels it; calling that again does nothing. */
  after(delayMs: number, run: () => void): Cancel;
}

export type Cancel = () => void;

/** Resolves after `delayMs`, or rejects with the signal's reason when that is aborted first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    const onAbort = (): void => {
      cancel();
      reject(signal?.reason as Error);
    };
    const cancel = clock.after(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
