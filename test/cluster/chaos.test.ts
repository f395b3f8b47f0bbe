/**
 * What only real processes show: a short run of everything at random, and by name what is special about several nodes dying
 * at once, about networks that break, and about wall clocks that jump. Longer: `node test/chaos/main.ts --minutes 10`.
 */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ChaosRun } from "../chaos/chaos-run.ts";
import { FAULT_KINDS } from "../chaos/fault.ts";
import { judge } from "../chaos/judge.ts";
import { Load } from "../chaos/load.ts";
import { whyNoNetwork } from "../chaos/network.ts";
import { Recorder } from "../chaos/recorder.ts";
import { reportText } from "../chaos/report-text.ts";
import { Surroundings } from "../chaos/surroundings.ts";
import { whyNoWallClocks } from "../chaos/wall-clocks.ts";
import { until } from "../until.ts";
import { Nodes } from "./nodes.ts";

const HOSTS = ["host-a", "host-b", "host-c"];
const PROXIES = ["proxy-1", "proxy-2"];
const APP = join(import.meta.dirname, "../chaos/app.ts");
const noNetwork = whyNoNetwork();
const noClocks = whyNoWallClocks();
if (noNetwork !== null) process.stderr.write(`skipped: partitions (no network namespaces: ${noNetwork})\n`);
if (noClocks !== null) process.stderr.write(`skipped: wall clocks that jump (${noClocks})\n`);

interface Cluster {
  readonly nodes: Nodes;
  readonly recorder: Recorder;
  readonly load: Load;
  readonly surroundings: Surroundings;
}

/** Dense, so that checkpoints, cleaning and restores are always under way. */
const EXTRA = "checkpoint: { bytes: 64KiB, interval: 1s, keep: 2 }\ncleanDelay: 1s";

/** Three hosts and two proxies under load, all standbys at the head. */
async function startCluster(): Promise<Cluster> {
  const surroundings = new Surroundings([...HOSTS, ...PROXIES], ["network", "clock"]);
  const nodes = await Nodes.make({ proxies: 2, app: APP, extra: EXTRA, placement: surroundings });
  nodes.startAll();
  const recorder = new Recorder(join(nodes.folder, "history.jsonl"));
  const load = new Load({ proxies: PROXIES.map((id) => nodes.url(id)), seed: 1, recorder });
  await settled(nodes);
  await load.start();
  await moreCalls(recorder, 100);
  return { nodes, recorder, load, surroundings };
}

async function primaryOf(cluster: Nodes, besides: readonly string[] = []): Promise<string> {
  let primary = "";
  await until(
    async () => {
      const reports = await Promise.all(HOSTS.map(async (id) => ({ id, report: await cluster.report(id) })));
      const serving = reports.filter(({ id, report }) => report?.serving && !besides.includes(id));
      primary = serving.toSorted((a, b) => (b.report?.epoch ?? 0) - (a.report?.epoch ?? 0))[0]?.id ?? "";
      return primary !== "";
    },
    { timeoutMs: 60_000, everyMs: 5 },
  );
  return primary;
}

/** One host serves and the others are standbys near the head. */
async function settled(cluster: Nodes): Promise<void> {
  await until(
    async () => {
      const reports = await Promise.all(HOSTS.map((id) => cluster.report(id)));
      const [primary, second] = reports.filter((report) => report?.serving);
      const near = reports.filter((report) => report?.role === "standby" && report.slot >= (primary?.slot ?? 0) - 50);
      return primary !== undefined && second === undefined && near.length === HOSTS.length - 1;
    },
    { timeoutMs: 60_000, everyMs: 20 },
  );
}

async function moreCalls(recorder: Recorder, count: number): Promise<void> {
  const before = recorder.outcomes.ok;
  await until(() => recorder.outcomes.ok >= before + count, { timeoutMs: 90_000 });
}

/** All that was ever written is read: nothing is lost, nothing is doubled, no node ended by itself. Clients rest meanwhile. */
async function checkHistory({ nodes, recorder, load }: Cluster): Promise<void> {
  await load.stop();
  await load.readAll();
  const broken = judge(recorder.calls);
  load.goOn();
  expect(broken).toEqual([]);
  expect(recorder.complaints).toEqual([]);
  expect(recorder.outcomes.unknown).toBe(0);
  expect(nodes.unexpectedEnds).toEqual([]);
}

const both = (at: string, peers: readonly string[]) =>
  peers.flatMap((peer) => (["in", "out"] as const).map((way) => ({ at, peer, way, percent: 100 })));

const listing = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" });
  } catch {
    return [];
  }
};

test("a cluster under faults at random for a while: nothing lost, nothing doubled", { timeout: 240_000 }, async () => {
  const seed = Math.floor(Math.random() * 1_000_000);
  const options = { minutes: 0.3, seed, hosts: 3, proxies: 2, kinds: FAULT_KINDS, keep: false };
  const report = await ChaosRun.run(options, { says: () => {}, stop: new AbortController().signal });
  process.stderr.write(`chaos, seed ${seed}:\n${reportText(report)}`);
  expect(report.violations).toEqual([]);
  expect(report.calls.unknown).toBe(0);
});

describe("one cluster under load, through all of this", () => {
  let cluster: Cluster;
  let failed = false;
  beforeAll(async () => {
    cluster = await startCluster();
  }, 120_000);
  afterEach(({ task }) => {
    failed ||= task.result?.state === "fail";
  });
  afterAll(async () => {
    cluster.load.end();
    await cluster.nodes.end({ keep: failed });
    cluster.surroundings.remove();
  }, 60_000);

  test("its primary dies, and so does the one that is taking over", { timeout: 240_000 }, async () => {
    const first = await primaryOf(cluster.nodes);
    await cluster.nodes.signal(first, "SIGKILL");
    let second = "";
    const others = HOSTS.filter((id) => id !== first);
    await until(
      async () => {
        for (const id of others)
          if (["taking-over", "primary"].includes((await cluster.nodes.report(id))?.role ?? "gone")) second = id;
        return second !== "";
      },
      { timeoutMs: 60_000, everyMs: 1 },
    );
    await cluster.nodes.signal(second, "SIGKILL");
    expect(others).toContain(await primaryOf(cluster.nodes, [first, second]));
    await moreCalls(cluster.recorder, 50);
    for (const id of [first, second]) cluster.nodes.start(id);
    await settled(cluster.nodes);
    await checkHistory(cluster);
  });

  test("a proxy dies while requests wait there: clients go to the other", { timeout: 240_000 }, async () => {
    for (const id of HOSTS) await cluster.nodes.signal(id, "SIGKILL");
    // Nobody serves, so that all clients wait for an answer, half of them at this proxy, until hosts are there again.
    await cluster.nodes.signal("proxy-1", "SIGKILL");
    for (const id of HOSTS) cluster.nodes.start(id);
    await moreCalls(cluster.recorder, 50);
    cluster.nodes.start("proxy-1");
    await settled(cluster.nodes);
    await checkHistory(cluster);
  });

  test("it loses power in the middle of a checkpoint", { timeout: 240_000 }, async () => {
    const images = join(cluster.nodes.folder, "data", await primaryOf(cluster.nodes), "pools/main/images");
    await until(() => listing(images).some((name) => name.endsWith("image.zst")), { timeoutMs: 60_000, everyMs: 1 });
    for (const id of [...HOSTS, ...PROXIES]) await cluster.nodes.signal(id, "SIGKILL");
    for (const id of [...PROXIES, ...HOSTS]) cluster.nodes.start(id);
    await moreCalls(cluster.recorder, 50);
    await settled(cluster.nodes);
    await checkHistory(cluster);
  });

  test.skipIf(noNetwork !== null)(
    "its primary is cut off from the proxies, but not from the vault",
    { timeout: 240_000 },
    async () => {
      const first = await primaryOf(cluster.nodes);
      cluster.surroundings.network?.apply(both(first, PROXIES));
      await primaryOf(cluster.nodes, [first]);
      await moreCalls(cluster.recorder, 50);
      // Nobody tells it: it finds its number taken, or the fence.
      await until(async () => (await cluster.nodes.report(first))?.role === "standby", { timeoutMs: 60_000 });
      cluster.surroundings.network?.apply([]);
      await settled(cluster.nodes);
      await checkHistory(cluster);
    },
  );

  test.skipIf(noNetwork !== null)(
    "the network breaks around a standby in the middle of catching up, and heals",
    { timeout: 240_000 },
    async () => {
      const first = await primaryOf(cluster.nodes);
      const late = HOSTS.find((id) => id !== first) ?? "";
      await cluster.nodes.signal(late, "SIGKILL");
      rmSync(join(cluster.nodes.folder, "data", late), { recursive: true });
      await moreCalls(cluster.recorder, 100);
      cluster.nodes.start(late);
      await until(async () => (await cluster.nodes.report(late)) !== null, { timeoutMs: 60_000 });
      const others = [...HOSTS, ...PROXIES].filter((id) => id !== late);
      cluster.surroundings.network?.apply(both(late, others));
      await moreCalls(cluster.recorder, 100);
      cluster.surroundings.network?.apply([]);
      await settled(cluster.nodes);
      await checkHistory(cluster);
    },
  );

  test.skipIf(noClocks !== null).each([3600, -3600])(
    "the wall clock of its primary jumps by %i s, and then another takes over",
    { timeout: 240_000 },
    async (byS) => {
      const primary = await primaryOf(cluster.nodes);
      cluster.surroundings.clocks?.move(primary, byS);
      await moreCalls(cluster.recorder, 100);
      await cluster.nodes.signal(primary, "SIGKILL");
      await primaryOf(cluster.nodes, [primary]);
      await moreCalls(cluster.recorder, 50);
      cluster.nodes.start(primary);
      await settled(cluster.nodes);
      await checkHistory(cluster);
    },
  );

  test("and in the end all hosts have the same state", { timeout: 240_000 }, async () => {
    await cluster.load.stop();
    await settled(cluster.nodes);
    expect(new Set(await cluster.nodes.freshHashes()).size).toBe(1);
    await cluster.nodes.command("vault", "verify");
  });
});
