/**
 * How long clients wait when a pool is moved on purpose, beside what a death costs, in one run on one cluster under load: by
 * `hotspare switchover`, by SIGTERM of the primary, by SIGKILL. Prints the longest silence between two acknowledgements of any
 * client around each, and what failed, which must be nothing. The command's own start is on the same cores.
 *
 *     node test/bench/switchover.ts [--rounds 10] [--clients 8] [--proxies 2]
 */
import { parseArgs } from "node:util";
import { Nodes } from "../cluster/nodes.ts";
import { Writers } from "../cluster/writers.ts";
import { until } from "../until.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "10" },
    clients: { type: "string", default: "8" },
    proxies: { type: "string", default: "2" },
  },
});

const WAYS = ["switchover", "SIGTERM", "SIGKILL"] as const;
type Way = (typeof WAYS)[number];

const nodes = await Nodes.make({ hosts: 3, proxies: Number(values.proxies), extra: "health: { stable: 0 }" });
try {
  nodes.startAll();
  await nodes.served();
  await fetch(`${nodes.url()}/spaces/load`, {
    method: "PUT",
    body: "{}",
    headers: { "content-type": "application/json" },
  });
  const writers = new Writers({ url: () => nodes.url(), clients: Number(values.clients), space: "load" });
  const pauses = new Map<Way, number[]>(WAYS.map((way) => [way, []]));
  const told: number[] = [];
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const way of WAYS) pauses.get(way)?.push(await move(way, writers, told));
  }
  await writers.stop();
  report(pauses, told, writers);
} finally {
  await nodes.end();
}

async function move(way: Way, writers: Writers, told: number[]): Promise<number> {
  const primary = await settled();
  const sinceMs = performance.now();
  const before = writers.acknowledged.length;
  if (way === "switchover") {
    const { pauseMs } = JSON.parse(await nodes.command("switchover", "--json")) as { pauseMs: number };
    told.push(pauseMs);
  } else await nodes.signal(primary, way);
  await until(async () => ![null, primary].includes(await nodes.primary()), { timeoutMs: 60_000, everyMs: 20 });
  const after = writers.acknowledged.length;
  await until(() => writers.acknowledged.length > Math.max(after, before) + 50, { timeoutMs: 60_000 });
  if (!nodes.runs(primary)) nodes.start(primary);
  return longestGapMs(writers, sinceMs);
}

function longestGapMs(writers: Writers, sinceMs: number): number {
  const times = writers.acknowledged.map(({ atMs }) => atMs).filter((atMs) => atMs >= sinceMs);
  return times.reduce((longest, atMs, at) => Math.max(longest, atMs - (times[at - 1] ?? sinceMs)), 0);
}

/** The host that serves, once all others follow. */
async function settled(): Promise<string> {
  await until(
    async () => {
      const pool = (await nodes.status().catch(() => null))?.pools[0];
      const near = pool?.standbys.filter(({ slot }) => slot >= (pool.slot ?? 0) - 100) ?? [];
      return pool?.state === "serving" && near.length === nodes.hosts.size - 1;
    },
    { timeoutMs: 60_000, everyMs: 50 },
  );
  return nodes.served();
}

function report(pauses: ReadonlyMap<Way, readonly number[]>, told: readonly number[], writers: Writers): void {
  const line = (name: string, figures: readonly number[]): void => {
    const sorted = figures.toSorted((a, b) => a - b);
    const at = (share: number): string =>
      (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(1).padStart(8);
    process.stdout.write(`${name.padEnd(24)} median ${at(0.5)}   p90 ${at(0.9)}   worst ${at(1)}\n`);
  };
  process.stdout.write(`${values.rounds} of each, ${values.clients} clients, milliseconds of silence\n`);
  for (const [way, figures] of pauses) line(way, figures);
  line("switchover, as it says", told);
  process.stdout.write(`${writers.acknowledged.length} writes acknowledged, ${writers.failures.length} failed\n`);
  for (const { id, status, reason } of writers.failures.slice(0, 5))
    process.stdout.write(`  ${id}: ${status ?? "no answer"} ${reason}\n`);
}
