/** A run's report for people: what was done and how long clients waited, what they did, and the verdict. Pure. */
import type { ChaosReport } from "./chaos-run.ts";
import { tableText } from "./table-text.ts";

const HEAD = ["fault", "times", "median pause", "worst pause", "failovers"];

export function reportText(report: ChaosReport): string {
  const { calls, violations, skipped } = report;
  return [
    ...table(report),
    "",
    ...skipped,
    `seed ${report.seed}, ${report.seconds} s, ${report.failovers} failovers, epoch ${report.epochs}`,
    `calls: ${calls.ok} ok, ${calls.fail} refused (412), ${calls.unknown} unknown; ${report.acknowledgedWrites} writes acknowledged, ${report.reads} reads`,
    `on the way to their answers clients met: ${setbacksText(report.setbacks)}`,
    ...(violations.length === 0
      ? ["nothing lost, nothing doubled"]
      : [`${violations.length} PROMISES BROKEN, seed ${report.seed}, folder ${report.folder}`, ...violations]),
    "",
  ].join("\n");
}

function table({ faults }: ChaosReport): readonly string[] {
  const rows = faults.map(({ fault, times, medianPauseMs, worstPauseMs, failovers }) => [
    fault,
    String(times),
    `${medianPauseMs.toFixed(0)} ms`,
    `${worstPauseMs.toFixed(0)} ms`,
    String(failovers),
  ]);
  return tableText(HEAD, rows);
}

const setbacksText = (setbacks: Readonly<Record<string, number>>): string =>
  Object.entries(setbacks)
    .toSorted(([, a], [, b]) => b - a)
    .map(([code, times]) => `${code} ${times}`)
    .join(", ") || "nothing";
