/** A proxy whose requests are carried by two worker processes, as an operator would start it. */
import { expect, test } from "vitest";
import { until } from "../until.ts";
import { Scenario } from "./scenario.ts";

const PROXY = "proxy-1";
const PATIENCE = { timeoutMs: 60_000, everyMs: 20 };

const isThere = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Of the processes that carry requests, as the proxy's log tells, the last ones. */
function workersOf({ nodes }: Scenario): readonly number[] {
  const started = nodes
    .log(PROXY)
    .split("\n")
    .filter((line) => line.includes('"event":"worker-started"'));
  return started.slice(-2).map((line) => (JSON.parse(line) as { readonly pid: number }).pid);
}

test(
  "a primary that is killed, then a worker: nothing is lost, and only that worker's connections break",
  { timeout: 120_000 },
  async () => {
    const scenario = await Scenario.start({ hosts: 3, proxies: 1, workers: 2 });
    const { nodes } = scenario;
    expect((await nodes.status()).workers).toEqual({ configured: 2, serving: 2 });
    const writers = await scenario.write([PROXY], { clients: 8 });
    const epoch = await scenario.epoch();
    const primary = await nodes.served();
    await nodes.signal(primary, "SIGKILL");
    await scenario.settled({ standbys: 1, epoch: epoch + 1 });
    await scenario.more([writers], 40);
    expect(writers.failures).toEqual([]);
    const acknowledged = writers.acknowledged.length;
    expect(await scenario.counted(PROXY, "hotspare_proxy_requests_total")).toBeGreaterThanOrEqual(acknowledged);

    const workers = workersOf(scenario);
    process.kill(workers[0] ?? 0, "SIGKILL");
    await until(() => workersOf(scenario).join() !== workers.join(), PATIENCE);
    await scenario.more([writers], 40);
    const failures = await scenario.nothingIsLost();
    expect(failures.every(({ status }) => status === null)).toBe(true);
    scenario.say(`primary and worker killed: ${failures.length} of 8 clients' connections broke`);
  },
);

test(
  "a proxy that is told to stop ends its workers; one that is killed leaves none, and can be started again at once",
  { timeout: 120_000 },
  async () => {
    const scenario = await Scenario.start({ hosts: 2, proxies: 1, workers: 2 });
    const { nodes } = scenario;
    const first = workersOf(scenario);
    expect(first.filter(isThere)).toHaveLength(2);
    await nodes.signal(PROXY, "SIGTERM");
    expect(first.filter(isThere)).toEqual([]);
    expect(nodes.log(PROXY)).toContain('"event":"stopped"');

    nodes.start(PROXY);
    await scenario.settled();
    const second = workersOf(scenario);
    expect(second.filter((pid) => first.includes(pid))).toEqual([]);
    await nodes.signal(PROXY, "SIGKILL");
    await until(() => second.filter(isThere).length === 0, PATIENCE);
    nodes.start(PROXY);
    await scenario.settled();
    expect((await fetch(`${nodes.url()}/spaces/none`)).status).toBe(404);
    expect(nodes.unexpectedEnds).toEqual([]);
  },
);
