/**
 * A cluster is updated node by node, hosts first or proxies first, to a version that speaks a newer protocol too, and
 * then to one that speaks the newer only; a primary is killed while versions are mixed. Nothing is lost, no request fails.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "../until.ts";
import { Nodes, ON_LOOPBACK } from "./nodes.ts";
import { documentIds, Writers } from "./writers.ts";

const HOOK = new URL("./protocol-hook.ts", import.meta.url).href;
const OLD = "1,1";
const BOTH = "1,2";
const NEW = "2,2";
const HOSTS = ["host-a", "host-b"];
const PROXIES = ["proxy-1", "proxy-2"];

let nodes: Nodes;
/** What each node speaks from its next start on. */
const speaks = new Map<string, string>();
/** Where clients go, as a load balancer would send them. */
let entry = "proxy-1";

beforeEach(async () => {
  for (const id of [...HOSTS, ...PROXIES]) speaks.set(id, OLD);
  const environment = (id: string) => ({
    NODE_OPTIONS: `--import ${HOOK}`,
    HOTSPARE_TEST_PROTOCOL: speaks.get(id) ?? OLD,
  });
  nodes = await Nodes.make({ hosts: 2, proxies: 2, placement: { ...ON_LOOPBACK, environment } });
});
afterEach(({ task }) => nodes.end({ keep: task.result?.state === "fail" }));

/** Some host serves, and the other follows it; as this proxy says. */
const settled = (proxy: string): Promise<void> =>
  until(
    async () => {
      const status = await nodes.status(proxy).catch(() => null);
      const pool = status?.pools[0];
      return (
        pool?.state === "serving" &&
        pool.standbys.length === HOSTS.length - 1 &&
        status?.hosts.every(({ health }) => health === "up") === true
      );
    },
    { timeoutMs: 60_000, everyMs: 50 },
  );

async function startLoad(): Promise<Writers> {
  nodes.startAll();
  await settled("proxy-1");
  await settled("proxy-2");
  entry = "proxy-1";
  const headers = { "content-type": "application/json" };
  await fetch(`${nodes.url()}/spaces/load`, { method: "PUT", body: "{}", headers });
  const writers = new Writers({ url: () => nodes.url(entry), clients: 2, space: "load" });
  await until(() => writers.acknowledged.length > 20, { timeoutMs: 60_000 });
  return writers;
}

const written = async (writers: Writers, count = 10): Promise<void> => {
  const before = writers.acknowledged.length;
  await until(() => writers.acknowledged.length >= before + count, { timeoutMs: 60_000 });
};

/** As an operator does it: clients are led elsewhere, the node is told to stop, the new one is started in its place. */
async function update(id: string, version: string, writers: Writers): Promise<void> {
  const other = PROXIES.find((proxy) => proxy !== id) ?? "";
  if (entry === id) entry = other;
  await written(writers);
  await nodes.signal(id, "SIGTERM");
  speaks.set(id, version);
  nodes.start(id);
  for (const proxy of PROXIES) await settled(proxy);
  await written(writers);
}

async function killPrimary(writers: Writers): Promise<void> {
  const primary = await nodes.served();
  await nodes.signal(primary, "SIGKILL");
  await until(async () => ![null, primary].includes(await nodes.primary(entry)), { timeoutMs: 60_000 });
  await written(writers);
  nodes.start(primary);
  for (const proxy of PROXIES) await settled(proxy);
}

describe.each([
  ["hosts first", HOSTS, PROXIES],
  ["proxies first", PROXIES, HOSTS],
])("a cluster updated %s", (_, first, second) => {
  test("serves all the time", { timeout: 300_000 }, async () => {
    const writers = await startLoad();
    for (const id of first) await update(id, BOTH, writers);
    await killPrimary(writers);
    for (const id of second) await update(id, BOTH, writers);
    for (const id of first) await update(id, NEW, writers);
    await killPrimary(writers);
    for (const id of second) await update(id, NEW, writers);
    await writers.stop();
    expect(writers.failures).toEqual([]);
    const ids = await documentIds(nodes.url(entry), "load");
    expect(ids.toSorted()).toEqual(writers.acknowledged.map(({ id }) => id).toSorted());
    for (const id of [...HOSTS, ...PROXIES]) expect(nodes.log(id), id).not.toContain('"event":"protocol"');
    expect(nodes.unexpectedEnds).toEqual([]);
  });
});

test("nodes without a common version say so, and are alive to one another", { timeout: 120_000 }, async () => {
  const writers = await startLoad();
  const primary = await nodes.served();
  const standby = HOSTS.find((id) => id !== primary) ?? "";
  await nodes.signal(standby, "SIGKILL");
  speaks.set(standby, NEW);
  nodes.start(standby);
  const problem = "speaks protocol 2 to 2; accepted is 1 to 1";
  const seen = async () => (await nodes.status()).hosts.find(({ id }) => id === standby);
  // Its data address comes a moment after the control address that refuses.
  await until(
    async () => {
      const host = await seen();
      return host?.health !== "down" && JSON.stringify(host).includes(problem);
    },
    { timeoutMs: 60_000 },
  );
  expect(await nodes.command("status")).toContain(problem);
  for (const id of ["proxy-1", standby]) {
    const told = nodes
      .log(id)
      .split("\n")
      .filter((line) => /do not understand|HS_MESSAGE_VERSION/.test(line));
    // A host is spoken to by two proxies.
    expect(told.length, id).toBe(id === standby ? 2 : 1);
  }
  speaks.set(standby, BOTH);
  await nodes.signal(standby, "SIGTERM");
  nodes.start(standby);
  await settled("proxy-1");
  expect(await seen()).toMatchObject({ protocol: null });
  await writers.stop();
  expect(writers.failures).toEqual([]);
});
