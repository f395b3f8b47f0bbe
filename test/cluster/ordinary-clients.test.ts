/** Clients that know nothing of failovers, and are as everybody has them: while a primary dies, and another hands over, they see nothing. */
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { judgeEffects } from "../chaos/requests/effects.ts";
import { readEffects } from "../chaos/requests/read-effects.ts";
import { until } from "../until.ts";
import { BrowserClient, whyNoBrowser } from "./browser-client.ts";
import { CurlClient, whyNoCurl } from "./curl-client.ts";
import { FetchClient } from "./fetch-client.ts";
import { Nodes } from "./nodes.ts";
import type { OrdinaryClient } from "./ordinary-client.ts";

const noCurl = whyNoCurl();
const noBrowser = whyNoBrowser();
if (noCurl !== null) process.stderr.write(`skipped: ${noCurl}\n`);
if (noBrowser !== null) process.stderr.write(`skipped: a browser (${noBrowser})\n`);

/** Requests that end before a fault, and after it. */
const SOME = 60;
const PATIENCE = { timeoutMs: 60_000, everyMs: 50 };
const LONG = { timeout: 240_000 };

describe("while the primary is killed, and the next one hands over,", () => {
  let nodes: Nodes;
  let failed = false;
  beforeAll(async () => {
    const app = join(import.meta.dirname, "ordinary-app.ts");
    nodes = await Nodes.make({ hosts: 3, proxies: 1, app, extra: "replay: { body: 2MiB }" });
    nodes.startAll();
    await settled();
  }, 120_000);
  afterEach(({ task }) => {
    failed ||= task.result?.state === "fail";
  });
  afterAll(() => nodes.end({ keep: failed }), 60_000);

  /** One host serves, and the others are at its heels. @returns which. */
  async function settled(): Promise<string> {
    let primary = "";
    await until(async () => {
      const pool = (await nodes.status().catch(() => null))?.pools[0];
      const near = pool?.standbys.filter(({ slot }) => slot >= (pool.slot ?? 0) - 50) ?? [];
      primary = pool?.primary ?? "";
      return pool?.state === "serving" && near.length === nodes.hosts.size - 1;
    }, PATIENCE);
    return primary;
  }

  async function more(client: OrdinaryClient, look: () => Promise<void>): Promise<void> {
    const before = client.done;
    await until(async () => {
      await look();
      return client.done + client.failures.length >= before + SOME;
    }, PATIENCE);
  }

  /** Both faults, while it goes on; then it has failed nowhere, and each of its writes is there once. */
  async function check(
    client: OrdinaryClient,
    name: string,
    look = (): Promise<void> => Promise.resolve(),
  ): Promise<void> {
    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      await more(client, look);
      const primary = await settled();
      await nodes.signal(primary, signal);
      await more(client, look);
      expect([null, primary]).not.toContain(await nodes.primary());
      nodes.start(primary);
    }
    await client.stop();
    await settled();
    expect(client.failures).toEqual([]);
    const { acknowledged } = client;
    const verdict = judgeEffects(await readEffects(nodes.url(), `${name}-`), { acknowledged, open: new Set() });
    expect(verdict).toEqual({ lost: [], doubled: [], foreign: [] });
    process.stderr.write(`${name}: ${client.done} requests through a kill and a switchover, none failed\n`);
  }

  test("Node's fetch sees nothing of it", LONG, async () => {
    await check(new FetchClient(nodes.url(), "fetch"), "fetch");
  });

  test.skipIf(noCurl !== null)("curl sees nothing of it, with many requests over one connection", LONG, async () => {
    await check(new CurlClient(nodes.url(), "curl", nodes.folder), "curl");
  });

  test.skipIf(noBrowser !== null)("a page in a browser sees nothing of it", LONG, async () => {
    const client = await BrowserClient.open(nodes.url(), "browser");
    try {
      await check(client, "browser", () => client.look());
    } finally {
      await client.close();
    }
  });
});
