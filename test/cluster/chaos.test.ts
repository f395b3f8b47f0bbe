/**
 * What only real processes show: a short run of everything at random, and by name what is special about several nodes dying
 * at once, about networks that break, and about wall clocks that jump. Longer: `node test/chaos/main.ts --minutes 10`.
 */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
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

let surroundings: Surroundings | null = null;
let nodes: Nodes | null = null;
let load: Load | null = null;
afterEach(async ({ task }) => {
  load?.end();
  await nodes?.end({ keep: task.result?.state === "fail" });
  surroundings?.remove();
  [surroundings, nodes, load] = [null, null, null];
});

interface Cluster {
  readonly nodes: Nodes;
  readonly recorder: Recorder;
  readonly load: Load;
  readonly surroundings: Surroundings;
}

interface Shape {
  readonly kinds?: readonly ("network" | "clock")[];
  readonly extra?: string;
}

/** A cluster of three hosts and two proxies under load, all standbys at the head. */
async function startCluster({ kinds = [], extra = "" }: Shape = {}): Promise<Cluster> {
  surroundings = new Surroundings([...HOSTS, ...PROXIES], kinds);
  nodes = await Nodes.make({ proxies: 2, app: APP, extra, placement: surroundings });
  nodes.startAll();
  const recorder = new Recorder(join(nodes.folder, "history.jsonl"));
  load = new Load({ proxies: PROXIES.map((id) => nodes?.url(id) ?? ""), seed: 1, recorder });
  await settled(nodes);
  await load.start();
  await moreCalls(recorder, 200);
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

/** Everything is read, nothing is lost, nothing is doubled, and all hosts are the same. */
async function checkAll({ nodes: cluster, recorder, load: clients }: Cluster): Promise<void> {
  await clients.stop();
  await settled(cluster);
  await clients.readAll();
  expect(judge(recorder.calls)).toEqual([]);
  expect(recorder.complaints).toEqual([]);
  expect(cluster.unexpectedEnds).toEqual([]);
  const { slot } = JSON.parse(await cluster.command("checkpoint", "--json")) as { slot: number };
  expect(new Set(await cluster.stateHashes(slot)).size).toBe(1);
}

describe("a cluster of real processes", () => {
  test("under faults at random for a while: nothing lost, nothing doubled", { timeout: 240_000 }, async () => {
    const seed = Math.floor(Math.random() * 1_000_000);
    const options = { minutes: 0.3, seed, hosts: 3, proxies: 2, kinds: FAULT_KINDS, keep: false };
    const report = await ChaosRun.run(options, { says: () => {}, stop: new AbortController().signal });
    process.stderr.write(`chaos, seed ${seed}:\n${reportText(report)}`);
    expect(report.violations).toEqual([]);
    expect(report.calls.unknown).toBe(0);
  });

  test("whose primary dies, and so does the one that is taking over", { timeout: 240_000 }, async () => {
    const cluster = await startCluster();
    const first = await primaryOf(cluster.nodes);
    await cluster.nodes.signal(first, "SIGKILL");
    const roles = new Map<string, string>();
    await until(
      async () => {
        for (const id of HOSTS) roles.set(id, (await cluster.nodes.report(id))?.role ?? "gone");
        return [...roles.values()].some((role) => role === "taking-over" || role === "primary");
      },
      { timeoutMs: 60_000, everyMs: 1 },
    );
    const second = HOSTS.find((id) => ["taking-over", "primary"].includes(roles.get(id) ?? "")) ?? "";
    await cluster.nodes.signal(second, "SIGKILL");
    expect([first, second]).not.toContain(await primaryOf(cluster.nodes, [first, second]));
    await moreCalls(cluster.recorder, 100);
    for (const id of [first, second]) cluster.nodes.start(id);
    await checkAll(cluster);
  });

  test(
    "one of whose proxies dies while requests wait there: clients go to the other",
    { timeout: 240_000 },
    async () => {
      const cluster = await startCluster();
      for (const id of HOSTS) await cluster.nodes.signal(id, "SIGKILL");
      // All clients wait for an answer: half of them at this proxy.
      const before = cluster.recorder.outcomes.ok;
      await until(async () => ((await cluster.nodes.status("proxy-1")).pools[0]?.state ?? "serving") !== "serving");
      await cluster.nodes.signal("proxy-1", "SIGKILL");
      for (const id of HOSTS) cluster.nodes.start(id);
      await until(() => cluster.recorder.outcomes.ok > before + 100, { timeoutMs: 60_000 });
      expect(cluster.recorder.outcomes.unknown).toBe(0);
      cluster.nodes.start("proxy-1");
      await checkAll(cluster);
    },
  );

  test("that loses power in the middle of a checkpoint, and again", { timeout: 240_000 }, async () => {
    const cluster = await startCluster({
      extra: "checkpoint: { bytes: 64KiB, interval: 1s, keep: 2 }\ncleanDelay: 1s",
    });
    for (let cut = 0; cut < 2; cut += 1) {
      const images = join(cluster.nodes.folder, "data", await primaryOf(cluster.nodes), "pools/main/images");
      await until(() => listing(images).some((name) => name.endsWith("image.zst")), { timeoutMs: 30_000, everyMs: 1 });
      for (const id of [...HOSTS, ...PROXIES]) await cluster.nodes.signal(id, "SIGKILL");
      for (const id of [...PROXIES, ...HOSTS]) cluster.nodes.start(id);
      await moreCalls(cluster.recorder, 100);
    }
    await checkAll(cluster);
  });
});

const listing = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" });
  } catch {
    return [];
  }
};

describe.skipIf(noNetwork !== null)("a cluster whose network breaks", () => {
  test("between the primary and the proxies, but not to the vault", { timeout: 240_000 }, async () => {
    const cluster = await startCluster({ kinds: ["network"] });
    const { network } = cluster.surroundings;
    const first = await primaryOf(cluster.nodes);
    network?.apply(
      PROXIES.flatMap((peer) => (["in", "out"] as const).map((way) => ({ at: first, peer, way, percent: 100 }))),
    );
    await primaryOf(cluster.nodes, [first]);
    await moreCalls(cluster.recorder, 100);
    // It finds its number taken, or the fence, and asks nobody to say so.
    await until(async () => (await cluster.nodes.report(first))?.role === "standby", {
      timeoutMs: 60_000,
      everyMs: 20,
    });
    network?.apply([]);
    await checkAll(cluster);
  });

  test("around a standby in the middle of catching up, and heals", { timeout: 240_000 }, async () => {
    const cluster = await startCluster({ kinds: ["network"] });
    const first = await primaryOf(cluster.nodes);
    const late = HOSTS.find((id) => id !== first) ?? "";
    await cluster.nodes.signal(late, "SIGKILL");
    rmSync(join(cluster.nodes.folder, "data", late), { recursive: true });
    await moreCalls(cluster.recorder, 200);
    cluster.nodes.start(late);
    await until(async () => (await cluster.nodes.report(late)) !== null, { timeoutMs: 60_000 });
    const others = [...HOSTS, ...PROXIES].filter((id) => id !== late);
    const ways = ["in", "out"] as const;
    cluster.surroundings.network?.apply(
      others.flatMap((peer) => ways.map((way) => ({ at: late, peer, way, percent: 100 }))),
    );
    await moreCalls(cluster.recorder, 100);
    cluster.surroundings.network?.apply([]);
    await settled(cluster.nodes);
    await checkAll(cluster);
  });
});

describe.skipIf(noClocks !== null)("a cluster whose wall clocks jump", () => {
  test("by an hour on the primary, and back, through a takeover: writes go on", { timeout: 240_000 }, async () => {
    const cluster = await startCluster({ kinds: ["clock"] });
    const { clocks } = cluster.surroundings;
    for (const byS of [3600, -3600]) {
      const primary = await primaryOf(cluster.nodes);
      clocks?.move(primary, byS);
      await moreCalls(cluster.recorder, 200);
      await cluster.nodes.signal(primary, "SIGKILL");
      await primaryOf(cluster.nodes, [primary]);
      await moreCalls(cluster.recorder, 100);
      cluster.nodes.start(primary);
      await settled(cluster.nodes);
    }
    await checkAll(cluster);
  });
});
