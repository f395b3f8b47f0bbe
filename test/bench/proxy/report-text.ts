/** The benchmark's report for people: a table for each load and each flood, and what was left out. Pure. */
import { plainTable } from "../../../deploy/cli/plain-table.ts";
import type { BenchReport } from "./bench-run.ts";
import { TITLES } from "./contender.ts";
import { FLOOD_SHAPES, ORDINARY } from "./flood.ts";
import { SHAPES } from "./load.ts";
import type { FloodRow, LoadRow } from "./summary.ts";

type Figure = number | null;

interface Column<Row> {
  readonly head: string;
  readonly figure: (row: Row) => Figure;
  readonly digits: number;
}

const LOAD_COLUMNS: readonly Column<LoadRow>[] = [
  { head: "requests/s", figure: ({ requestsPerSecond }) => requestsPerSecond, digits: 0 },
  { head: "× nginx", figure: ({ requestsOfNginx }) => requestsOfNginx, digits: 2 },
  { head: "CPU µs/request", figure: ({ cpuMicros }) => cpuMicros, digits: 1 },
  { head: "× nginx by CPU", figure: ({ cpuOfNginx }) => cpuOfNginx, digits: 2 },
  { head: "core %", figure: ({ coreShare }) => scaled(coreShare, 100), digits: 0 },
  { head: "others %", figure: ({ othersShare }) => scaled(othersShare, 100), digits: 0 },
  { head: "p50 ms", figure: ({ p50Ms }) => p50Ms, digits: 2 },
  { head: "p99 ms", figure: ({ p99Ms }) => p99Ms, digits: 2 },
  { head: "MiB", figure: ({ residentBytes }) => scaled(residentBytes, 1 / 1024 ** 2), digits: 0 },
  { head: "failed", figure: ({ failed }) => failed, digits: 0 },
];

/** Where few connections are busy, time is added, and not spent in a queue. */
const LATENCY_COLUMNS: readonly Column<LoadRow>[] = [
  ...LOAD_COLUMNS,
  { head: "added ms", figure: ({ addedMs }) => addedMs, digits: 2 },
];

const FLOOD_COLUMNS: readonly Column<FloodRow>[] = [
  { head: "alone p50 ms", figure: ({ aloneP50Ms }) => aloneP50Ms, digits: 2 },
  { head: "p99 ms", figure: ({ aloneP99Ms }) => aloneP99Ms, digits: 2 },
  { head: "flooded p50 ms", figure: ({ floodedP50Ms }) => floodedP50Ms, digits: 2 },
  { head: "p99 ms", figure: ({ floodedP99Ms }) => floodedP99Ms, digits: 2 },
  { head: "p50 ratio", figure: ({ p50Ratio }) => p50Ratio, digits: 2 },
  { head: "p99 ratio", figure: ({ p99Ratio }) => p99Ratio, digits: 2 },
  { head: "completed", figure: ({ completed }) => completed, digits: 0 },
  { head: "failed", figure: ({ failed }) => failed, digits: 0 },
  { head: "flood stands", figure: ({ standing }) => standing, digits: 0 },
];

const READING = [
  "× nginx: requests/s beside nginx's. × nginx by CPU: what one core would carry, beside nginx; where the generator and the",
  "upstream share a core, that is the honest one. core %: of its core; where that and others % are far from 100 together, the",
  "proxy was not what held the load up. others %: of the same core, used by what does not belong to this benchmark.",
  "MiB: resident, summed over the proxy's processes. added: to the median without a proxy.",
];

export function reportText({ versions, cores, seconds, rounds, loads, floods, skipped }: BenchReport): string {
  return [
    `${versions.join(", ")}; ${cores}`,
    `medians of ${rounds} ${rounds === 1 ? "round" : "rounds"} of ${seconds} s each, in turns`,
    ...skipped,
    ...loads.flatMap(({ load, rows }) => {
      const { title, connections } = SHAPES[load];
      return [
        "",
        `${title}, ${connections} connections`,
        tableOf(load === "latency" ? LATENCY_COLUMNS : LOAD_COLUMNS, rows),
      ];
    }),
    ...(loads.length > 0 ? ["", ...READING] : []),
    ...floods.flatMap(({ flood, rows }) => [
      "",
      `ordinary clients beside ${FLOOD_SHAPES[flood].title}`,
      tableOf(FLOOD_COLUMNS, rows),
    ]),
    ...(floods.length > 0 ? ["", ordinaryText()] : []),
    "",
  ].join("\n");
}

function tableOf<Row extends LoadRow | FloodRow>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const heads = columns.map(({ head }) => head);
  const body = rows.map((row) => [
    TITLES[row.contender],
    ...columns.map(({ head, figure, digits }) => (figure(row)?.toFixed(digits) ?? "").padStart(head.length)),
  ]);
  return plainTable(["", ...heads], body);
}

const ordinaryText = (): string =>
  `Ordinary clients ask for 1 KiB, ${ORDINARY.requestsPerSecond} times a second in all; ${ORDINARY.fresh} of ${ORDINARY.kept + ORDINARY.fresh} connect anew each time. A ratio is flooded by alone.`;

const scaled = (figure: Figure, factor: number): Figure => (figure === null ? null : figure * factor);
