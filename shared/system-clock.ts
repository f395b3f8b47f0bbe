/** The machine's own clock. Named only by a `main.ts`, by a thread's entry and by tests with real processes. */
import type { Clock } from "./clock.ts";

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
