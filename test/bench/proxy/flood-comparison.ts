/** Ordinary clients of each proxy, alone and while others flood it, round by round and in turns. */
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../../until.ts";
import { inTurn, type ComparisonOptions } from "./comparison.ts";
import type { Contender } from "./contender.ts";
import type { BenchSite, Racer } from "./bench-site.ts";
import { floodCommand, FLOOD_SHAPES, ordinaryCommand, type AttackFigures, type Flood } from "./flood.ts";
import { readFigures, type LoadFigures } from "./load.ts";

export interface FloodMeasurement {
  readonly contender: Contender;
  readonly alone: LoadFigures;
  readonly flooded: LoadFigures;
  readonly attack: AttackFigures;
}

const READY_MS = 20_000;
/** After a flood its last connections are still to be closed. */
const CALM_MS = 300;

/** @returns the measurements of each round. */
export async function compareFlooded(
  site: BenchSite,
  flood: Flood,
  { contenders, seconds, rounds, says }: ComparisonOptions,
): Promise<readonly (readonly FloodMeasurement[])[]> {
  const racers: Racer[] = [];
  try {
    for (const contender of contenders) racers.push(await site.enter(contender, "get-1k"));
    for (const racer of racers) await askOrdinarily(site, racer, Math.min(2, seconds));
    const all: (readonly FloodMeasurement[])[] = [];
    for (let round = 0; round < rounds; round += 1) {
      says(`${FLOOD_SHAPES[flood].title}: round ${round + 1} of ${rounds}`);
      const measurements: FloodMeasurement[] = [];
      for (const racer of inTurn(racers, round)) measurements.push(await measure(site, flood, racer, seconds));
      all.push(measurements);
    }
    return all;
  } finally {
    await Promise.all(racers.map((racer) => racer.end()));
  }
}

async function measure(site: BenchSite, flood: Flood, racer: Racer, seconds: number): Promise<FloodMeasurement> {
  const alone = await askOrdinarily(site, racer, seconds);
  const command = floodCommand(flood, racer.address);
  const attackers = site.programs.start({ name: `the flood ${flood}`, command, cores: [site.cores.generator] });
  const isReady = (): boolean => {
    attackers.requireRunning();
    return attackers.output.includes("ready\n");
  };
  await until(isReady, { timeoutMs: READY_MS, everyMs: 20 });
  const flooded = await askOrdinarily(site, racer, seconds);
  await attackers.end();
  await attackers.closed;
  await sleep(CALM_MS);
  const attack = JSON.parse(attackers.output.trim().split("\n").at(-1) ?? "") as AttackFigures;
  return { contender: racer.contender, alone, flooded, attack };
}

async function askOrdinarily(site: BenchSite, { address, contender }: Racer, seconds: number): Promise<LoadFigures> {
  const name = `ordinary clients of ${contender}`;
  const command = ordinaryCommand(address, seconds);
  return readFigures(await site.programs.run({ name, command, cores: [site.cores.generator] }));
}
