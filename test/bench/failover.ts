/**
 * How long clients wait when a primary dies: real clusters under load, one for each number of proxies, their primary killed
 * (or stopped) again and again. Prints, for each phase and in all, median and worst in milliseconds; and how many requests
 * failed, which must be none. A host that came back is a candidate at once here, since one dies every few seconds.
 *
 *     node test/bench/failover.ts [--rounds 20] [--signal SIGKILL|SIGSTOP] [--clients 8] [--proxies 1,3]
 */
import { parseArgs } from "node:util";
import { until } from "../until.ts";
import { Nodes } from "../cluster/nodes.ts";
import { Writers } from "../cluster/writers.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "20" },
    signal: { type: "string", default: "SIGKILL" },
    clients: { type: "string", default: "8" },
    proxies: { type: "string", default: "1,3" },
  },
});

/** What the log of one takeover says: of the proxy, and of the host that took over. */
interface Takeover {
  readonly detect: number;
  readonly agree: number;
  readonly order: number;
  readonly "catch up": number;
  readonly fence: number;
  readonly serve: number;
  readonly route: number;
  readonly total: number;
}

const PHASES = ["detect", "agree", "order", "catch up", "fence", "serve", "route", "total"] as const;
const signal = values.signal as NodeJS.Signals;

for (const proxies of values.proxies.split(",").map(Number)) await measure(proxies);

async function measure(proxies: number): Promise<void> {
  const nodes = await Nodes.make({ hosts: 3, proxies, extra: "health: { stable: 0 }" });
  try {
    nodes.startAll();
    await nodes.served();
    const headers = { "content-type": "application/json" };
    await fetch(`${nodes.url()}/spaces/load`, { method: "PUT", body: "{}", headers });
    const writers = new Writers({ url: () => nodes.url(), clients: Number(values.clients), space: "load" });
    const takeovers: Takeover[] = [];
    for (let round = 0; round < Number(values.rounds); round += 1) takeovers.push(await takeOver(nodes, writers));
    await writers.stop();
    report(`${proxies} ${proxies === 1 ? "proxy" : "proxies"}`, takeovers, writers);
  } finally {
    await nodes.end();
  }
}

async function takeOver(nodes: Nodes, writers: Writers): Promise<Takeover> {
  const primary = await settled(nodes);
  const acknowledged = writers.acknowledged.length;
  await until(() => writers.acknowledged.length > acknowledged + 50, { timeoutMs: 60_000 });
  const atMs = performance.now();
  const before = writers.acknowledged.length;
  await nodes.signal(primary, signal);
  // What was on its way to the client when the primary died still counts as the old primary's.
  await until(() => writers.acknowledged.length > before + Number(values.clients), { timeoutMs: 60_000, everyMs: 1 });
  const total = writers.firstAfterPauseMs(atMs) - atMs;
  await until(async () => ![null, primary].includes(await nodes.primary()), { timeoutMs: 60_000 });
  const taker = (await nodes.primary()) ?? "";
  if (signal === "SIGSTOP") await nodes.signal(primary, "SIGCONT");
  else nodes.start(primary);
  return phasesOf(nodes, taker, total);
}

/** The host that serves, once all others follow. */
async function settled(nodes: Nodes): Promise<string> {
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

function phasesOf(nodes: Nodes, taker: string, total: number): Takeover {
  const served = lastEvent(nodes.log("proxy-1"), (line) => line["event"] === "served")["phases"] as Record<
    string,
    number
  > | null;
  const own = lastEvent(nodes.log(taker), (line) => line["msg"] === "serving")["phasesMs"] as Record<string, number>;
  const within = own["total"] ?? 0;
  // `null`: it heard of the new primary before it had seen the loss itself.
  const detect = served?.["detectedMs"] ?? 0;
  return {
    detect,
    agree: served?.["agreedMs"] ?? 0,
    order: Math.max(0, (served?.["servingMs"] ?? 0) - within),
    "catch up": (own["verify"] ?? 0) + (own["apply"] ?? 0),
    fence: (own["fence"] ?? 0) + (own["confirm"] ?? 0),
    serve: own["open"] ?? 0,
    route: Math.max(0, total - (served?.["totalMs"] ?? 0)),
    total,
  };
}

function lastEvent(log: string, matches: (line: Record<string, unknown>) => boolean): Record<string, unknown> {
  const lines = log
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return lines.findLast(matches) ?? {};
}

function report(shape: string, takeovers: readonly Takeover[], writers: Writers): void {
  const rows = PHASES.map((phase) => {
    const sorted = takeovers.map((takeover) => takeover[phase]).toSorted((a, b) => a - b);
    const at = (share: number): string =>
      (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(1);
    return { phase, median: at(0.5), p90: at(0.9), worst: at(1) };
  });
  process.stdout.write(
    `${shape}: ${takeovers.length} takeovers after ${signal}, ${values.clients} clients, milliseconds\n`,
  );
  for (const { phase, median, p90, worst } of rows) {
    process.stdout.write(
      `${phase.padEnd(10)} median ${median.padStart(8)}   p90 ${p90.padStart(8)}   worst ${worst.padStart(8)}\n`,
    );
  }
  process.stdout.write(`${writers.acknowledged.length} writes acknowledged, ${writers.failures.length} failed\n`);
  for (const { id, status, reason } of writers.failures.slice(0, 5))
    process.stdout.write(`  ${id}: ${status ?? "no answer"} ${reason}\n`);
}
