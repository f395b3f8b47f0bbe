/** One load on all contenders, round by round and in turns, so that what the machine does beside strikes all alike. */
import type { Contender } from "./contender.ts";
import type { BenchSite, Racer } from "./bench-site.ts";
import { busyMs } from "./cores.ts";
import { loadCommand, readFigures, SHAPES, type Load, type LoadFigures } from "./load.ts";

/** One contender under one load in one round. The cost is `null` if nothing is between. */
export interface Measurement extends LoadFigures {
  readonly contender: Contender;
  readonly cpuMs: number | null;
  /** What others used of the proxy's core meanwhile; `null` if it has none to itself. */
  readonly othersMs: number | null;
  readonly residentBytes: number | null;
}

/** The time before it counts, in times of a measurement. */
const WARM_UPS = 4;

export interface ComparisonOptions {
  readonly contenders: readonly Contender[];
  readonly seconds: number;
  readonly rounds: number;
  readonly says: (line: string) => void;
}

/** @returns the measurements of each round. */
export async function compare(
  site: BenchSite,
  load: Load,
  { contenders, seconds, rounds, says }: ComparisonOptions,
): Promise<readonly (readonly Measurement[])[]> {
  const racers: Racer[] = [];
  try {
    for (const contender of contenders) racers.push(await site.enter(contender, load));
    // A proxy runs for weeks: what its engine compiles in the first seconds is compiled before it counts.
    for (const racer of racers) await measure(site, load, racer, WARM_UPS * seconds);
    const all: (readonly Measurement[])[] = [];
    for (let round = 0; round < rounds; round += 1) {
      says(`${SHAPES[load].title}: round ${round + 1} of ${rounds}`);
      const measurements: Measurement[] = [];
      for (const racer of inTurn(racers, round)) measurements.push(await measure(site, load, racer, seconds));
      all.push(measurements);
    }
    return all;
  } finally {
    await Promise.all(racers.map((racer) => racer.end()));
  }
}

/** Another one begins in each round. */
export const inTurn = <Item>(items: readonly Item[], round: number): readonly Item[] => {
  const first = items.length === 0 ? 0 : round % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
};

async function measure(site: BenchSite, load: Load, racer: Racer, seconds: number): Promise<Measurement> {
  const command = loadCommand(load, { address: racer.address, seconds, wrk: site.tools.wrk ?? "" });
  const isAlone = site.tools.taskset !== null && racer.contender !== "hotspare-2";
  const [before, busyBeforeMs] = [racer.cost(), busyMs(site.cores.proxy)];
  const name = `the load ${load} on ${racer.contender}`;
  const output = await site.programs.run({ name, command, cores: [site.cores.generator] });
  const [after, busyAfterMs] = [racer.cost(), busyMs(site.cores.proxy)];
  const cpuMs = before && after && after.cpuMs - before.cpuMs;
  return {
    contender: racer.contender,
    ...readFigures(output),
    cpuMs,
    othersMs: isAlone && cpuMs !== null ? Math.max(0, busyAfterMs - busyBeforeMs - cpuMs) : null,
    residentBytes: after && after.residentBytes,
  };
}
