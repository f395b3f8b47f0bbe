/** A run's report for people: how long requests waited, what was done, and the verdict. Pure. */
import { tableText } from "../table-text.ts";
import type { RequestsReport } from "./requests-run.ts";

const HEAD = ["longest wait of a request", "times", "median", "90 %", "99 %", "worst"];

export function requestsText(report: RequestsReport): string {
  const { pauses, failures, violations, requests, acknowledgedWrites, failed, lost, doubled, wrongAnswers } = report;
  const rows = pauses.map(({ fault, times, medianMs, p90Ms, p99Ms, mostMs }) => [
    fault,
    String(times),
    ...[medianMs, p90Ms, p99Ms, mostMs].map((ms) => `${ms.toFixed(0)} ms`),
  ]);
  return [
    ...tableText(HEAD, rows),
    "",
    `seed ${report.seed}, ${report.seconds} s, ${report.faults} faults, ${report.failovers} failovers`,
    `${report.clients} clients on ${report.connections} connections, ${requests} requests (${methodsText(report)}), ${acknowledgedWrites} writes acknowledged`,
    `${megabytes(report.sentBytes)} MB of bodies, ${megabytes(report.receivedBytes)} MB of answers`,
    `${failed} failed, ${lost} lost, ${doubled} doubled, ${wrongAnswers} short or wrong`,
    ...Object.entries(failures).map(([kind, times]) => `  ${times} × ${kind}`),
    ...(violations.length === 0
      ? []
      : ["", `PROMISES BROKEN, seed ${report.seed}, folder ${report.folder}`, ...violations]),
    "",
  ].join("\n");
}

const methodsText = ({ methods }: RequestsReport): string =>
  Object.entries(methods)
    .map(([method, times]) => `${method} ${times}`)
    .join(", ");

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
