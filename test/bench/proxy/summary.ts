/** From the measurements of all rounds to one row for each contender: medians, and medians of the rounds' ratios. Pure. */
import type { Measurement } from "./comparison.ts";
import type { Contender } from "./contender.ts";
import type { FloodMeasurement } from "./flood-comparison.ts";

export interface LoadRow {
  readonly contender: Contender;
  readonly requestsPerSecond: number;
  /** Requests per second, divided by those of nginx in the same round; `null` without nginx. */
  readonly requestsOfNginx: number | null;
  /** Time on a core for one request, in microseconds, of all processes of the proxy. */
  readonly cpuMicros: number | null;
  /** nginx's time on a core for one request, divided by this one's: what a core would carry, beside nginx. */
  readonly cpuOfNginx: number | null;
  /** How much of one core it used. */
  readonly coreShare: number | null;
  /** How much of that core others used, who have nothing to do with this. */
  readonly othersShare: number | null;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the median, over that without a proxy in the same round; `null` without it. */
  readonly addedMs: number | null;
  readonly residentBytes: number | null;
  /** In all rounds. */
  readonly failed: number;
}

export interface FloodRow {
  readonly contender: Contender;
  readonly aloneP50Ms: number;
  readonly aloneP99Ms: number;
  readonly floodedP50Ms: number;
  readonly floodedP99Ms: number;
  /** Flooded divided by alone in the same round. */
  readonly p50Ratio: number;
  readonly p99Ratio: number;
  /** Ordinary requests under the flood, in all rounds. */
  readonly completed: number;
  /** Ordinary requests with and without the flood, in all rounds. */
  readonly failed: number;
  /** Of the flood, when it ended. */
  readonly standing: number;
}

export function summarise(rounds: readonly (readonly Measurement[])[]): readonly LoadRow[] {
  return contendersOf(rounds).map((contender) => {
    const own = rounds.map((round) => of(round, contender)!);
    const beside = (other: Contender, figure: (own: Measurement, other: Measurement) => number | null): number | null =>
      medianOf(
        rounds.map((round) => {
          const found = of(round, other);
          return found === undefined ? null : figure(of(round, contender)!, found);
        }),
      );
    return {
      contender,
      requestsPerSecond: median(own.map(rateOf)),
      requestsOfNginx: beside("nginx", (one, nginx) => rateOf(one) / rateOf(nginx)),
      cpuMicros: medianOf(own.map(cpuMicrosOf)),
      cpuOfNginx: beside("nginx", (one, nginx) => quotient(cpuMicrosOf(nginx), cpuMicrosOf(one))),
      coreShare: medianOf(own.map(({ cpuMs, elapsedMs }) => quotient(cpuMs, elapsedMs))),
      othersShare: medianOf(own.map(({ othersMs, elapsedMs }) => quotient(othersMs, elapsedMs))),
      p50Ms: median(own.map(({ p50Ms }) => p50Ms)),
      p99Ms: median(own.map(({ p99Ms }) => p99Ms)),
      addedMs: contender === "direct" ? null : beside("direct", (one, direct) => one.p50Ms - direct.p50Ms),
      residentBytes: medianOf(own.map(({ residentBytes }) => residentBytes)),
      failed: sum(own.map(({ failed }) => failed)),
    };
  });
}

export function summariseFlood(rounds: readonly (readonly FloodMeasurement[])[]): readonly FloodRow[] {
  return contendersOf(rounds).map((contender) => {
    const own = rounds.map((round) => of(round, contender)!);
    const of50 = (figure: (measured: FloodMeasurement) => number): number => median(own.map(figure));
    return {
      contender,
      aloneP50Ms: of50(({ alone }) => alone.p50Ms),
      aloneP99Ms: of50(({ alone }) => alone.p99Ms),
      floodedP50Ms: of50(({ flooded }) => flooded.p50Ms),
      floodedP99Ms: of50(({ flooded }) => flooded.p99Ms),
      p50Ratio: of50(({ alone, flooded }) => flooded.p50Ms / alone.p50Ms),
      p99Ratio: of50(({ alone, flooded }) => flooded.p99Ms / alone.p99Ms),
      completed: sum(own.map(({ flooded }) => flooded.requests)),
      failed: sum(own.map(({ alone, flooded }) => alone.failed + flooded.failed)),
      standing: of50(({ attack }) => attack.standing),
    };
  });
}

/** @param numbers at least one. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** `null` unless there is a figure of each round. */
function medianOf(figures: readonly (number | null)[]): number | null {
  const numbers = figures.filter((figure) => figure !== null);
  return numbers.length === figures.length ? median(numbers) : null;
}

/** In the order of the first round, in which the first one begins. */
const contendersOf = (rounds: readonly (readonly { readonly contender: Contender }[])[]): readonly Contender[] =>
  (rounds[0] ?? []).map(({ contender }) => contender);

const of = <Found extends { readonly contender: Contender }>(
  round: readonly Found[],
  contender: Contender,
): Found | undefined => round.find((measured) => measured.contender === contender);

const rateOf = ({ requests, elapsedMs }: Measurement): number => (requests / elapsedMs) * 1000;

const cpuMicrosOf = ({ cpuMs, requests }: Measurement): number | null => quotient(cpuMs, requests / 1000);

const quotient = (above: number | null, below: number | null): number | null =>
  above === null || below === null || below === 0 ? null : above / below;

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
