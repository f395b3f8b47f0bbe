/** An application gets a new version with a new table, host by host, the primary last, while clients write. No request fails. */
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "../until.ts";
import { Nodes, ON_LOOPBACK } from "./nodes.ts";
import { documentIds, Writers } from "./writers.ts";

const HOSTS = ["host-a", "host-b", "host-c"];
const PATIENCE = { timeoutMs: 60_000, everyMs: 50 };

let nodes: Nodes;
/** The version of the application that each host has from its next start on. */
const versions = new Map<string, string>();

beforeEach(async () => {
  for (const id of HOSTS) versions.set(id, "1");
  const environment = (id: string) => ({ HOTSPARE_TEST_APP: versions.get(id) ?? "1" });
  const app = join(import.meta.dirname, "versioned-app.ts");
  nodes = await Nodes.make({ hosts: 3, proxies: 1, app, placement: { ...ON_LOOPBACK, environment } });
});
afterEach(({ task }) => nodes.end({ keep: task.result?.state === "fail" }));

const settled = (): Promise<void> =>
  until(async () => {
    const status = await nodes.status().catch(() => null);
    const pool = status?.pools[0];
    return (
      pool?.state === "serving" &&
      pool.standbys.length === 2 &&
      status?.hosts.every(({ health }) => health === "up") === true
    );
  }, PATIENCE);

async function written(writers: Writers): Promise<void> {
  const before = writers.acknowledged.length;
  await until(() => writers.acknowledged.length >= before + 10, PATIENCE);
}

async function update(id: string, version: string, writers: Writers): Promise<void> {
  await nodes.signal(id, "SIGTERM");
  await written(writers);
  versions.set(id, version);
  nodes.start(id);
  await settled();
  await written(writers);
}

const ask = async (path: string, method = "GET"): Promise<{ readonly status: number; readonly body: unknown }> => {
  const answer = await fetch(`${nodes.url()}${path}`, { method });
  return { status: answer.status, body: await answer.json() };
};

test("standbys first, and the switchover to the new version last", { timeout: 180_000 }, async () => {
  nodes.startAll();
  await settled();
  const headers = { "content-type": "application/json" };
  await fetch(`${nodes.url()}/spaces/load`, { method: "PUT", body: "{}", headers });
  const writers = new Writers({ url: () => nodes.url(), clients: 2, space: "load" });
  await written(writers);
  const first = await nodes.served();
  const standbys = HOSTS.filter((id) => id !== first);
  for (const id of standbys) {
    await update(id, "2", writers);
    expect(await nodes.primary(), "a standby that is updated moves nothing").toBe(first);
    expect((await ask("/seen")).status).toBe(404);
  }
  await update(first, "2", writers);
  const second = await nodes.served();
  expect(standbys).toContain(second);
  expect((await ask("/seen/x", "PUT")).status).toBe(200);
  expect(await ask("/seen")).toEqual({ status: 200, body: { count: 1 } });

  // Put back too late: it follows, and is no candidate for what it does not know.
  await update(first, "1", writers);
  await until(async () => (await nodes.report(first))?.unfit?.includes("seen") === true, PATIENCE);
  await nodes.signal(second, "SIGKILL");
  const third = standbys.find((id) => id !== second) ?? "";
  await until(async () => (await nodes.primary()) === third, PATIENCE);
  await written(writers);
  nodes.start(second);
  await update(first, "2", writers);
  expect(await ask("/seen")).toEqual({ status: 200, body: { count: 1 } });

  await writers.stop();
  expect(writers.failures).toEqual([]);
  const ids = await documentIds(nodes.url(), "load");
  expect(ids.toSorted()).toEqual(writers.acknowledged.map(({ id }) => id).toSorted());
  expect(new Set(await nodes.freshHashes()).size).toBe(1);
  expect(nodes.unexpectedEnds).toEqual([]);
});
