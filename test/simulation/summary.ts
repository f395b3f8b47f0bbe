/** What many seeds came to, for people and for programs. */
import type { SeedLine } from "./seed-worker.ts";

export interface Figures {
  readonly seeds: number;
  readonly failed: number;
  readonly steps: number;
  readonly acknowledged: number;
  readonly reads: number;
  readonly epochs: number;
  readonly simulatedHours: number;
  readonly seconds: number;
  /** How often each rare thing happened. */
  readonly seen: Readonly<Record<string, number>>;
}

export function summaryOf(
  results: readonly SeedLine[],
  seconds: number,
): { readonly figures: Figures; readonly text: string } {
  const sum = (figure: "steps" | "virtualMs" | "acknowledged" | "reads" | "epochs"): number =>
    results.reduce((total, result) => total + result[figure], 0);
  const failures = results.flatMap(({ failure }) => (failure ? [failure] : []));
  const figures: Figures = {
    seeds: results.length,
    failed: failures.length,
    steps: sum("steps"),
    acknowledged: sum("acknowledged"),
    reads: sum("reads"),
    epochs: sum("epochs"),
    simulatedHours: sum("virtualMs") / 3_600_000,
    seconds,
    seen: seenIn(results),
  };
  return { figures, text: textOf(figures, results) };
}

function textOf(figures: Figures, results: readonly SeedLine[]): string {
  const { seeds, failed, steps, acknowledged, reads, epochs, simulatedHours, seconds, seen } = figures;
  const failures = results.flatMap(({ failure }) => (failure ? [`${failure.text}\n\n`] : []));
  const causes = results.flatMap(({ seed, failure }) => (failure ? [`seed ${seed}: ${failure.reason}\n`] : []));
  const coverage = Object.entries(seen).map(([what, count]) => `${what} ${count}`);
  return [
    ...failures,
    `seeds ${results[0]?.seed} to ${results.at(-1)?.seed}: ${failed} failed of ${seeds}; ${steps} steps, ` +
      `${acknowledged} writes, ${reads} reads, ${epochs} epochs, ${simulatedHours.toFixed(2)} simulated hours\n`,
    `${seconds.toFixed(1)} s: ${(seeds / seconds).toFixed(1)} seeds, ${Math.round(steps / seconds)} steps and ` +
      `${(simulatedHours / seconds).toFixed(4)} simulated hours per second\n`,
    `seen: ${coverage.join(", ")}\n`,
    ...causes,
  ].join("");
}

function seenIn(results: readonly SeedLine[]): Readonly<Record<string, number>> {
  const sum = new Map<string, number>();
  for (const { seen } of results) for (const [what, count] of seen) sum.set(what, (sum.get(what) ?? 0) + count);
  return Object.fromEntries([...sum].toSorted(([one], [other]) => (one < other ? -1 : 1)));
}
