/**
 * The signals by which `up` is told to stop. The first one stops in order; another one, later, at once. `npm` passes on
 * what the terminal has already sent to every process, so two that come together count as one.
 */
import type { Clock } from "../../../shared/clock.ts";

export interface StopActions {
  readonly stop: () => void;
  /** Whoever asks again does not want to wait. */
  readonly hurry: () => void;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const SAME_MS = 1000;

/** Gives what is to be called for a key that means the same, and `end`, after which signals do what they always did. */
export function hearStopSignals(
  clock: Clock,
  { stop, hurry }: StopActions,
): { readonly hear: () => void; readonly end: () => void } {
  let firstMs: number | null = null;
  const hear = (): void => {
    const nowMs = clock.monotonicMs();
    if (firstMs !== null && nowMs - firstMs > SAME_MS) return hurry();
    if (firstMs !== null) return;
    firstMs = nowMs;
    stop();
  };
  for (const signal of SIGNALS) process.on(signal, hear);
  return {
    hear,
    end: () => {
      for (const signal of SIGNALS) process.off(signal, hear);
    },
  };
}
