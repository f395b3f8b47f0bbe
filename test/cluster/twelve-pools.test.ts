/**
 * Twelve pools on three hosts, under load: every host serves, a host that dies loses its pools to the other two, evenly, and the
 * pools of the others go on; pools are moved one by one, also back to the host that returned.
 */
import { expect, onTestFinished, test } from "vitest";
import { until } from "../until.ts";
import { askByName } from "./named-request.ts";
import { Nodes, type Status } from "./nodes.ts";
import { documentIds, Writers } from "./writers.ts";

const HOSTS = ["host-a", "host-b", "host-c"] as const;
const PROXIES = ["proxy-1", "proxy-2"] as const;
const POOLS = Array.from({ length: 12 }, (_, at) => `pool-${at + 1}`);
const SPACE = "load";
const PATIENCE = { timeoutMs: 90_000, everyMs: 100 };

const hostName = (pool: string): string => `${pool}.test`;
const poolLine = (pool: string, at: number): string =>
  `  - { id: ${pool}, routes: [{ host: ${hostName(pool)} }], preferred: [${HOSTS[at % 3]}] }`;
/** Patient with hosts that are slow to answer: two processors run everything. */
const EXTRA = [
  "health: { interval: 200ms, timeout: 1s, failures: 10 }",
  "gossip: { interval: 200ms }",
  "pools:",
  ...POOLS.map(poolLine),
];

type Owners = ReadonlyMap<string, string>;

class TwelvePools {
  readonly nodes: Nodes;
  readonly writers = new Map<string, Writers>();

  static async start(): Promise<TwelvePools> {
    const nodes = await Nodes.make({ hosts: HOSTS.length, proxies: PROXIES.length, extra: EXTRA.join("\n") });
    onTestFinished(({ task }) => nodes.end({ keep: task.result?.state === "fail" }));
    nodes.startAll();
    return new TwelvePools(nodes);
  }

  private constructor(nodes: Nodes) {
    this.nodes = nodes;
  }

  /** All proxies agree on who serves each pool, which is not who is gone, and each has so many warm standbys. */
  async settled(standbys: number, gone: string | null = null): Promise<Owners> {
    let owners: Owners = new Map();
    await until(async () => {
      const seen = await Promise.all(PROXIES.map((proxy) => this.nodes.status(proxy).catch(() => null)));
      const [first, ...others] = seen.map((status) => ownersIn(status, standbys));
      owners = first ?? new Map();
      if ([...owners.values()].some((host) => host === gone)) return false;
      return owners.size === POOLS.length && others.every((other) => isSame(owners, other));
    }, PATIENCE);
    return owners;
  }

  async write(): Promise<void> {
    for (const [at, pool] of POOLS.entries()) {
      const url = this.nodes.url(PROXIES[at % 2]);
      const [status] = await askByName(`${url}/spaces/${SPACE}`, { method: "PUT", body: "{}", host: hostName(pool) });
      expect(status).toBe(201);
      const options = { url: () => url, clients: 1, space: SPACE, host: hostName(pool), restMs: 60 };
      this.writers.set(pool, new Writers(options));
    }
    await this.goesOn();
  }

  /** Every pool acknowledges more writes. */
  async goesOn(): Promise<void> {
    const before = new Map([...this.writers].map(([pool, { acknowledged }]) => [pool, acknowledged.length]));
    const goes = ([pool, { acknowledged }]: [string, Writers]): boolean =>
      acknowledged.length >= (before.get(pool) ?? 0) + 5;
    await until(() => [...this.writers].every(goes), PATIENCE);
  }

  /** Nothing failed, and everything that was acknowledged is there, once. */
  async end(): Promise<number> {
    let count = 0;
    for (const [pool, writers] of this.writers) {
      await writers.stop();
      expect(writers.failures, pool).toEqual([]);
      const there = await documentIds(this.nodes.url(PROXIES[0]), SPACE, hostName(pool));
      expect(there.toSorted(), pool).toEqual(writers.acknowledged.map(({ id }) => id).toSorted());
      count += there.length;
    }
    return count;
  }

  longestPauseMs(pools: readonly string[]): number {
    return Math.round(Math.max(...pools.map((pool) => this.writers.get(pool)?.longestPauseMs ?? 0)));
  }
}

function ownersIn(status: Status | null, standbys: number): Owners {
  const settled = status?.pools.filter((pool) => pool.state === "serving" && pool.standbys.length >= standbys) ?? [];
  return new Map(settled.map(({ id, primary }) => [id, primary ?? ""]));
}

const isSame = (one: Owners, other: Owners): boolean =>
  one.size === other.size && [...one].every(([pool, host]) => other.get(pool) === host);

const ownedBy = (owners: Owners, host: string): readonly string[] => POOLS.filter((pool) => owners.get(pool) === host);

test(
  "a host is killed: its four pools spread over the others, which serve theirs all the time",
  { timeout: 300_000 },
  async () => {
    const cluster = await TwelvePools.start();
    const { nodes } = cluster;
    // Whoever is there first is given the pools of a host that is slow to start.
    await cluster.settled(2);
    await nodes.command("pool", "rebalance");
    const before = await cluster.settled(2);
    expect(HOSTS.map((host) => ownedBy(before, host).length)).toEqual([4, 4, 4]);
    await cluster.write();

    await nodes.signal("host-b", "SIGKILL");
    const after = await cluster.settled(1, "host-b");
    expect([ownedBy(after, "host-a").length, ownedBy(after, "host-c").length]).toEqual([6, 6]);
    await cluster.goesOn();
    const moved = ownedBy(before, "host-b");
    const stayed = POOLS.filter((pool) => !moved.includes(pool));
    for (const pool of stayed) expect(after.get(pool), pool).toBe(before.get(pool));
    const [pauseOfMoved, pauseOfStayed] = [cluster.longestPauseMs(moved), cluster.longestPauseMs(stayed)];

    nodes.start("host-b");
    await cluster.settled(2);
    await nodes.command("pool", "rebalance", "--reason", "host-b is back");
    const back = await cluster.settled(2);
    expect(HOSTS.map((host) => ownedBy(back, host).length)).toEqual([4, 4, 4]);
    await cluster.goesOn();
    const count = await cluster.end();
    process.stderr.write(
      `twelve pools, one host of three killed: its 4 waited ${pauseOfMoved} ms at most, the other 8 ${pauseOfStayed} ms; ${count} writes acknowledged, none lost\n`,
    );
  },
);
