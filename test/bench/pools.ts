/**
 * What pools cost: for each number of them, on one cluster of three hosts and two proxies with nothing to do, the bytes of a
 * host's heartbeat, processor and memory of hosts and proxies; and after a host is killed, how long until others serve all its pools.
 *
 *     node test/bench/pools.ts [--pools 1,12,100,300] [--idle 10]
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Nodes, type Status } from "../cluster/nodes.ts";
import { ClusterLink } from "../../deploy/cli/cluster-link.ts";
import type { CommandContext } from "../../deploy/cli/command.ts";
import { plainTable } from "../../deploy/cli/plain-table.ts";
import { loadConfig } from "../../shared/config/load-config.ts";
import { systemRandom } from "../../shared/random.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { until } from "../until.ts";

const { values } = parseArgs({
  options: {
    pools: { type: "string", default: "1,12,100,300" },
    idle: { type: "string", default: "10" },
  },
});

const HOSTS = ["host-a", "host-b", "host-c"] as const;
const PROXIES = ["proxy-1", "proxy-2"] as const;
const PATIENCE = { timeoutMs: 300_000, everyMs: 100 };
/** Of `utime` and `stime` in `/proc`. */
const TICKS_PER_SECOND = 100;

const CONTEXT: CommandContext = {
  env: {},
  clock: systemClock,
  random: systemRandom,
  print: () => undefined,
  warn: () => undefined,
  ask: null,
  screen: null,
  keyboard: null,
  colours: false,
  program: ["", ""],
};

interface Figures {
  readonly pools: number;
  readonly startedMs: number;
  readonly heartbeatBytes: number;
  /** Shares of one core, in percent, and resident memory in MiB: the mean of the hosts, of the proxies. */
  readonly cpu: readonly [number, number];
  readonly memory: readonly [number, number];
  readonly moved: number;
  readonly takenOverMs: number;
}

async function measure(count: number): Promise<Figures> {
  const pools = Array.from({ length: count }, (_, at) => `pool-${at + 1}`);
  const lines = pools.map(
    (id, at) => `  - { id: ${id}, routes: [{ host: ${id}.test }], preferred: [${HOSTS[at % 3]}] }`,
  );
  const nodes = await Nodes.make({ hosts: 3, proxies: 2, extra: ["pools:", ...lines].join("\n") });
  try {
    const beganMs = performance.now();
    nodes.startAll();
    await served(nodes, pools.length, null);
    const startedMs = performance.now() - beganMs;
    await rest(5);
    const heartbeatBytes = await bytesOfHeartbeat(nodes);
    const cpu = await idleCpu(nodes);
    const memory = [meanMiB(nodes, HOSTS), meanMiB(nodes, PROXIES)] as const;
    const victim = busiest(await nodes.status());
    const killedMs = performance.now();
    await nodes.signal(victim.host, "SIGKILL");
    await served(nodes, pools.length, victim.host);
    const takenOverMs = performance.now() - killedMs;
    return { pools: count, startedMs, heartbeatBytes, cpu, memory, moved: victim.pools, takenOverMs };
  } finally {
    await nodes.end();
  }
}

/** Both proxies see every pool served, by somebody else than `gone`. */
async function served(nodes: Nodes, count: number, gone: string | null): Promise<void> {
  await until(async () => {
    const seen = await Promise.all(PROXIES.map((proxy) => nodes.status(proxy).catch(() => null)));
    return seen.every(
      (status) =>
        status?.pools.filter(({ state, primary }) => state === "serving" && primary !== gone).length === count,
    );
  }, PATIENCE);
}

function busiest({ pools }: Status): { readonly host: string; readonly pools: number } {
  const loads = HOSTS.map((host) => ({ host, pools: pools.filter(({ primary }) => primary === host).length }));
  return loads.toSorted((a, b) => b.pools - a.pools)[0] ?? { host: HOSTS[0], pools: 0 };
}

/** What a host says of itself and its pools in each answer to a proxy or another host. */
async function bytesOfHeartbeat(nodes: Nodes): Promise<number> {
  const link = await ClusterLink.open(loadConfig(nodes.config, {}), CONTEXT);
  try {
    const { hosts } = await link.ask();
    return Buffer.byteLength(JSON.stringify(hosts[0]?.report ?? null));
  } finally {
    link.close();
  }
}

async function idleCpu(nodes: Nodes): Promise<readonly [number, number]> {
  const seconds = Number(values.idle);
  const before = new Map([...HOSTS, ...PROXIES].map((id) => [id, ticksOf(nodes.pid(id))]));
  await rest(seconds);
  const percent = (ids: readonly (typeof HOSTS | typeof PROXIES)[number][]): number =>
    mean(ids.map((id) => ((ticksOf(nodes.pid(id)) - (before.get(id) ?? 0)) / TICKS_PER_SECOND / seconds) * 100));
  return [percent(HOSTS), percent(PROXIES)];
}

function ticksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

const meanMiB = (nodes: Nodes, ids: readonly string[]): number =>
  mean(
    ids.map((id) => Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${nodes.pid(id)}/status`, "utf8"))?.[1]) / 1024),
  );

const mean = (figures: readonly number[]): number => figures.reduce((sum, figure) => sum + figure, 0) / figures.length;

const rest = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

function print(figures: readonly Figures[]): void {
  const head = [
    "pools",
    "all served after",
    "heartbeat",
    "host cpu",
    "host memory",
    "proxy cpu",
    "proxy memory",
    "moved",
    "served again after",
  ];
  const rows = figures.map(({ pools, startedMs, heartbeatBytes, cpu, memory, moved, takenOverMs }) => [
    pools,
    `${(startedMs / 1000).toFixed(1)} s`,
    `${heartbeatBytes} B`,
    `${cpu[0].toFixed(1)} %`,
    `${memory[0].toFixed(0)} MiB`,
    `${cpu[1].toFixed(1)} %`,
    `${memory[1].toFixed(0)} MiB`,
    moved,
    `${(takenOverMs / 1000).toFixed(2)} s`,
  ]);
  process.stdout.write(`${plainTable(head, rows)}\n`);
}

const all: Figures[] = [];
for (const count of values.pools.split(",").map(Number)) {
  all.push(await measure(count));
  process.stderr.write(`${count} pools are measured\n`);
}
print(all);
