/**
 * The machine's own clock. Named only by a `main.ts`, by a thread's entry and by tests with real processes.
 * `hrtime` and not `performance.now`, which starts at 0 in each thread: times of two threads must be comparable.
 */
import type { Clock } from "./clock.ts";

export const systemClock: Clock = {
  monotonicMs: () => Number(process.hrtime.bigint()) / 1e6,
  wallMs: () => Date.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
