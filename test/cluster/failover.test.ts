/** Stage 2 of the promise, with real processes: a primary dies or sleeps, a standby takes over, nobody notices. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "../until.ts";
import { Nodes } from "./nodes.ts";
import { Register } from "./register.ts";
import { documentIds, Writers } from "./writers.ts";

const KILLS = Number(process.env["HOTSPARE_KILLS"] ?? 20);

let nodes: Nodes;
beforeEach(async () => {
  // Hosts that come back are killed again at once here: nobody waits until they have been well for a while.
  nodes = await Nodes.make({ hosts: 3, proxies: 1, extra: "health: { stable: 0 }" });
});
afterEach(({ task }) => nodes.end({ keep: task.result?.state === "fail" }));

async function startLoad(clients: number): Promise<Writers> {
  nodes.startAll();
  await nodes.served();
  const url = nodes.url();
  const headers = { "content-type": "application/json" };
  const made = await fetch(`${url}/spaces/load`, { method: "PUT", body: "{}", headers });
  expect(made.status, await made.text()).toBe(201);
  await follow();
  const writers = new Writers({ url: () => url, clients, space: "load" });
  await until(() => writers.acknowledged.length >= clients, { timeoutMs: 60_000 });
  return writers;
}

/** So many other hosts are back as standbys, at the head; all of them by default. */
async function follow(standbys = nodes.hosts.size - 1): Promise<void> {
  await until(
    async () => {
      const pool = (await nodes.status().catch(() => null))?.pools[0];
      const there = pool?.standbys.filter(({ slot }) => pool.slot !== null && slot >= pool.slot - 200) ?? [];
      return pool?.state === "serving" && there.length >= standbys;
    },
    { timeoutMs: 60_000, everyMs: 50 },
  );
}

/** What was acknowledged is there, each once, and nothing else is. */
async function checkWritten(writers: Writers, others: readonly string[] = []): Promise<void> {
  expect(writers.failures).toEqual([]);
  const ids = await documentIds(nodes.url(), "load");
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.toSorted()).toEqual([...writers.acknowledged.map(({ id }) => id), ...others].toSorted());
  expect(new Set(writers.acknowledged.map(({ lsn }) => lsn)).size).toBe(writers.acknowledged.length);
}

/** All hosts come to the same state, as their state hashes at one mark say. */
async function checkSameState(): Promise<void> {
  await follow();
  const hashes = await nodes.freshHashes();
  expect(hashes).toHaveLength(nodes.hosts.size);
  expect(new Set(hashes).size).toBe(1);
}

describe("a cluster under load", () => {
  test(
    "whose primary sleeps through a takeover: it acknowledges nothing more and shows nothing old",
    { timeout: 120_000 },
    async () => {
      const writers = await startLoad(4);
      const document = "/spaces/load/documents/register";
      const everywhere = [nodes.url(), ...[...nodes.hosts.values()].map(({ listen }) => `http://127.0.0.1:${listen}`)];
      const register = new Register(
        `${nodes.url()}${document}`,
        everywhere.map((url) => `${url}${document}`),
      );
      for (let pause = 0; pause < 3; pause += 1) {
        const asleep = await nodes.served();
        await nodes.signal(asleep, "SIGSTOP");
        await until(async () => ![null, asleep].includes(await nodes.primary()), { timeoutMs: 60_000, everyMs: 20 });
        const before = writers.acknowledged.length;
        await until(() => writers.acknowledged.length > before + 20, { timeoutMs: 60_000 });
        await nodes.signal(asleep, "SIGCONT");
        await follow();
      }
      await register.stop();
      await writers.stop();
      expect(register.stale).toEqual([]);
      expect(register.reads).toBeGreaterThan(30);
      await checkWritten(writers, ["register"]);
      await checkSameState();
    },
  );

  test(
    "that loses power: whichever hosts return, in any order, all that was acknowledged is there",
    { timeout: 120_000 },
    async () => {
      const writers = await startLoad(4);
      await until(() => writers.acknowledged.length > 100, { timeoutMs: 60_000 });
      const stopped = writers.stop();
      for (const id of [...nodes.hosts.keys(), ...nodes.proxies.keys()]) await nodes.signal(id, "SIGKILL");
      await stopped;
      nodes.start("host-c");
      nodes.start("host-b");
      nodes.start("proxy-1");
      expect(["host-b", "host-c"]).toContain(await nodes.served());
      const ids = new Set(await documentIds(nodes.url(), "load"));
      expect(writers.acknowledged.filter(({ id }) => !ids.has(id))).toEqual([]);
      nodes.start("host-a");
      await follow();
      await checkSameState();
    },
  );

  test(`whose primary is killed ${KILLS} times at random moments`, { timeout: 240_000 }, async () => {
    const writers = await startLoad(8);
    for (let kill = 0; kill < KILLS; kill += 1) {
      const primary = await nodes.served();
      const before = writers.acknowledged.length;
      await until(() => writers.acknowledged.length >= before + 1 + Math.floor(Math.random() * 60), {
        everyMs: 1,
        timeoutMs: 60_000,
      });
      await nodes.signal(primary, "SIGKILL");
      await until(() => writers.acknowledged.length > before + 60, { everyMs: 5, timeoutMs: 60_000 });
      nodes.start(primary);
      await follow(1);
    }
    await writers.stop();
    await checkWritten(writers);
    await checkSameState();
  });

  test(
    "one of whose hosts loses its disk: it comes back from a checkpoint, though records were cleaned away",
    { timeout: 120_000 },
    async () => {
      await nodes.end();
      nodes = await Nodes.make({ extra: "checkpoint: { bytes: 64KiB, interval: 1h, keep: 2 }\ncleanDelay: 1s" });
      const writers = await startLoad(8);
      const second = join(nodes.folder, "vault/pools/main/journal/0000000000000000/0000000000000002");
      await until(() => !existsSync(second), { timeoutMs: 60_000, everyMs: 50 });
      const [lost] = (await nodes.status()).pools[0]?.standbys.map(({ host }) => host) ?? [];
      await nodes.signal(lost ?? "", "SIGKILL");
      rmSync(join(nodes.folder, "data", lost ?? "none"), { recursive: true });
      nodes.start(lost ?? "");
      // The proxy may still know of its former life: what it does in this one is in its log.
      await until(() => nodes.log(lost ?? "").includes('"to":"restoring"'), { timeoutMs: 60_000, everyMs: 50 });
      await follow();
      await writers.stop();
      await checkWritten(writers);
      await checkSameState();
    },
  );
});
