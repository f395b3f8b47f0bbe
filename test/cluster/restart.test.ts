/** Stage 1 of the promise, with a real process: one host that cannot lose a commit. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "../until.ts";
import { Nodes } from "./nodes.ts";
import { documentIds, Writers } from "./writers.ts";

const KILLS = Number(process.env["HOTSPARE_KILLS"] ?? 50);

let nodes: Nodes;
beforeEach(async () => {
  nodes = await Nodes.make({ hosts: 1, proxies: 0 });
});
afterEach(({ task }) => nodes.end({ keep: task.result?.state === "fail" }));

const serves = async (url: string): Promise<boolean> => {
  const answer = await fetch(`${url}/spaces`).catch(() => null);
  await answer?.arrayBuffer();
  return answer?.status === 200;
};

test(`a host killed ${KILLS} times under load loses nothing and doubles nothing`, { timeout: 240_000 }, async () => {
  const url = `http://127.0.0.1:${nodes.hosts.get("host-a")?.listen}`;
  nodes.start("host-a");
  await until(() => serves(url), { timeoutMs: 60_000 });
  const made = await fetch(`${url}/spaces/load`, {
    method: "PUT",
    body: "{}",
    headers: { "content-type": "application/json" },
  });
  expect(made.status).toBe(201);
  const writers = new Writers({ url: () => url, clients: 8, space: "load", retry: true });
  for (let kill = 0; kill < KILLS; kill += 1) {
    const before = writers.acknowledged.length;
    // Killed while writes are on their way, at a moment that differs each time.
    await until(() => writers.acknowledged.length >= before + 1 + ((kill * 7) % 40), { timeoutMs: 60_000, everyMs: 1 });
    await nodes.signal("host-a", "SIGKILL");
    nodes.start("host-a");
  }
  const before = writers.acknowledged.length;
  await until(() => writers.acknowledged.length > before, { timeoutMs: 60_000 });
  await writers.stop();
  expect(writers.failures).toEqual([]);
  const ids = await documentIds(url, "load");
  expect(new Set(ids).size).toBe(ids.length);
  // A client goes on only after its write was acknowledged, so that what is there is exactly what was.
  expect(ids.toSorted()).toEqual(writers.acknowledged.map(({ id }) => id).toSorted());
  expect(new Set(writers.acknowledged.map(({ lsn }) => lsn)).size).toBe(writers.acknowledged.length);
});
