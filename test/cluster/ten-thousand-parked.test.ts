/** As many requests as may wait at one proxy, with nobody there to serve them, and then somebody comes. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { until } from "../until.ts";
import { Crowd } from "./crowd.ts";
import { Nodes } from "./nodes.ts";

/** The default of `park.requests`. */
const PLACES = 10_000;
const BODY = "x".repeat(1024);
/**
 * The default of `park.bytes`, by which an operator reckons what waiting requests may cost a proxy. They all bring less
 * body than that, so what is measured is what the proxy needs beside it: connection, head, place.
 */
const BOUND_MIB = 256;
/** What the gate lets go to a new primary at once. */
const CONCURRENCY = 128;
const LONG = { timeoutMs: 120_000, everyMs: 50 };

const descriptors = Number(spawnSync("sh", ["-c", "ulimit -Hn"], { encoding: "utf8" }).stdout);
const tooFew = descriptors < PLACES + 1000;
if (tooFew) process.stderr.write(`skipped: ten thousand parked requests (only ${descriptors} file descriptors)\n`);

const requestsOf = (name: string, count: number): readonly string[] =>
  Array.from(
    { length: count },
    (_, n) =>
      `POST /hits/${name}${n} HTTP/1.1\r\nhost: test\r\ncontent-type: text/plain\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`,
  );

test.skipIf(tooFew)(
  "ten thousand requests wait for a primary, more are told to come again, and all that waited are served",
  { timeout: 300_000 },
  async () => {
    const app = join(import.meta.dirname, "counting-app.ts");
    const nodes = await Nodes.make({ hosts: 1, proxies: 1, app, extra: "park: { wait: 4m }" });
    onTestFinished(({ task }) => nodes.end({ keep: task.result?.state === "fail" }));
    const crowd = new Crowd(nodes.proxies.get("proxy-1")?.listen ?? 0);
    const late = new Crowd(nodes.proxies.get("proxy-1")?.listen ?? 0);
    onTestFinished(() => [crowd, late].forEach((one) => one.end()));
    const parked = async (): Promise<number> => (await nodes.status().catch(() => null))?.pools[0]?.parked ?? -1;
    nodes.start("proxy-1");
    await until(async () => (await parked()) === 0, LONG);

    const before = nodes.memoryMiB("proxy-1").now;
    await crowd.send(requestsOf("early-", PLACES));
    await until(async () => (await parked()) === PLACES, LONG);
    const held = nodes.memoryMiB("proxy-1").now - before;

    await late.send(requestsOf("refused-", 50));
    await until(() => late.waiting === 0, LONG);
    for (const { status, head, body } of late.answers) {
      expect(status).toBe(503);
      expect(head).toMatch(/^retry-after: *\d+/im);
      expect(JSON.parse(body)).toMatchObject({ code: "HS_PARK_FULL" });
    }
    expect(late.answers).toHaveLength(50);
    expect(await parked()).toBe(PLACES);

    crowd.leave(10);
    await until(async () => (await parked()) === PLACES - 10, LONG);
    await crowd.send(requestsOf("instead-", 10));
    await until(async () => (await parked()) === PLACES, LONG);

    const beganMs = performance.now();
    nodes.start("host-a");
    await until(() => crowd.waiting === 0, LONG);
    const tookMs = performance.now() - beganMs;
    const most = nodes.memoryMiB("proxy-1").most - before;
    const seen = (await (await fetch(`${nodes.url()}/hits`)).json()) as {
      ids: number;
      times: number;
      mostAtOnce: number;
    };
    process.stderr.write(
      `${PLACES} requests parked: ${held.toFixed(0)} MiB more resident than before (${((held * 1024) / PLACES).toFixed(1)} KiB each), ` +
        `${most.toFixed(0)} MiB at most; the host had ${seen.mostAtOnce} at once at most, ` +
        `and had answered all ${(tookMs / 1000).toFixed(1)} s after its start\n`,
    );
    expect(new Set(crowd.answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(crowd.answers).toHaveLength(PLACES);
    expect(seen).toMatchObject({ ids: PLACES, times: PLACES });
    expect(most).toBeLessThan(BOUND_MIB);
    expect(seen.mostAtOnce).toBeLessThanOrEqual(CONCURRENCY);
  },
);
