/** The parts of the parent's side that need no process. */
import fc from "fast-check";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import { HotspareError } from "../../../shared/errors.ts";
import { parseNodeId } from "../../../shared/ids.ts";
import { HeardNews } from "../../../proxy/workers/heard-news.ts";
import { shareOf } from "../../../proxy/workers/worker-share.ts";
import { restartDelayMs } from "../../../proxy/workers/restart-delay.ts";
import { checkFromWorker, checkToWorker, type Heard, type Metrics } from "../../../proxy/workers/worker-messages.ts";
import { WorkerMetrics } from "../../../proxy/workers/worker-metrics.ts";
import { Dice } from "../../simulation/dice.ts";
import { VirtualTime } from "../../simulation/virtual-time.ts";
import { MAIN, poolConfig } from "../relay/plane.ts";

describe("shares of what may be parked", () => {
  it("make up the whole, and none is more than one larger than another", () => {
    const whole = fc.record({ requests: fc.nat(1_000_000), bytes: fc.nat(64 * 2 ** 20), waitMs: fc.nat(3_600_000) });
    fc.assert(
      fc.property(whole, fc.integer({ min: 1, max: 64 }), (park, count) => {
        const shares = Array.from({ length: count }, (_, index) => shareOf(poolConfig({ park }), index, count).park);
        for (const key of ["requests", "bytes"] as const) {
          const parts = shares.map((share) => share[key]);
          expect(parts.reduce((sum, part) => sum + part, 0)).toBe(park[key]);
          expect(Math.max(...parts) - Math.min(...parts)).toBeLessThanOrEqual(1);
        }
        expect(new Set(shares.map(({ waitMs }) => waitMs))).toEqual(new Set([park.waitMs]));
      }),
    );
  });
});

describe("the restart of a worker", () => {
  it.each([
    [0, 0],
    [1, 100],
    [2, 200],
    [3, 400],
    [7, 6400],
    [8, 10_000],
    [1000, 10_000],
  ])("after %i short lives comes after %i ms", (shortLives, delayMs) => {
    expect(restartDelayMs(shortLives)).toBe(delayMs);
  });
});

describe("news from heartbeats", () => {
  const host = parseNodeId("host-a");
  const other = parseNodeId("host-b");

  it("go at once, then together; the latest of a host counts, and log times only where they changed", async () => {
    const time = new VirtualTime(new Dice(1));
    const told: (Heard & { readonly atMs: number })[] = [];
    let logTimeMs = 5;
    const news = new HeardNews({
      clock: time.clock,
      pools: () => [MAIN],
      logTimeMs: () => logTimeMs,
      tell: (heard) => told.push({ ...heard, atMs: time.nowMs }),
    });
    news.lives(host, 1);
    news.lives(host, 3);
    news.lives(host, 2);
    logTimeMs = 6;
    news.lives(other, 2);
    await time.run(1000);
    news.lives(host, 9);
    expect(told).toEqual([
      { atMs: 0, lives: [{ host, sentMs: 1 }], logTimes: [{ pool: MAIN, logTimeMs: 5 }] },
      {
        atMs: 20,
        lives: [
          { host, sentMs: 3 },
          { host: other, sentMs: 2 },
        ],
        logTimes: [{ pool: MAIN, logTimeMs: 6 }],
      },
      { atMs: 1000, lives: [{ host, sentMs: 9 }], logTimes: [] },
    ]);
  });

  it("are told before what comes after them, and not twice", async () => {
    const time = new VirtualTime(new Dice(1));
    const told: Heard[] = [];
    const news = new HeardNews({
      clock: time.clock,
      pools: () => [],
      logTimeMs: () => 0,
      tell: (heard) => told.push(heard),
    });
    news.lives(host, 1);
    news.lives(host, 2);
    news.flush();
    expect(told.map(({ lives }) => lives[0]?.sentMs)).toEqual([1, 2]);
    await time.run(1000);
    expect(told).toHaveLength(2);
  });
});

describe("messages between a proxy and its workers", () => {
  const wrongly = (run: () => unknown): string => {
    try {
      return JSON.stringify(run());
    } catch (error) {
      return error instanceof HotspareError ? `${error.code} ${String(error.details["field"])}` : String(error);
    }
  };

  it.each([
    [{ type: "route", pool: "main", route: null }],
    [{ type: "route", pool: "main", route: { host: "host-a", epoch: 3 } }],
    [{ type: "abandon", pool: "main", host: "host-a", epoch: 3 }],
    [{ type: "heard", lives: [{ host: "host-a", sentMs: 1.5 }], logTimes: [] }],
    [{ type: "stop", graceMs: 10_000 }],
    [{ type: "ping" }],
  ])("are as they are: %j", (message) => expect(checkToWorker(message)).toBe(message));

  it.each([
    [null, "HS_MESSAGE_INVALID "],
    ["route", "HS_MESSAGE_INVALID "],
    [{ type: "listening" }, "HS_MESSAGE_INVALID listening/type"],
    [{ type: "toString" }, "HS_MESSAGE_INVALID toString/type"],
    [{ type: "route", pool: "main" }, "HS_MESSAGE_INVALID route/route"],
    [{ type: "route", pool: "main", route: { host: "host-a" } }, "HS_MESSAGE_INVALID route/route/epoch"],
    [{ type: "abandon", pool: "main", host: "host-a", epoch: "3" }, "HS_MESSAGE_INVALID abandon/epoch"],
    [{ type: "start", plan: {} }, "HS_MESSAGE_INVALID start/plan/listen"],
  ])("are refused by a worker when they are not: %j", (message, error) => {
    expect(wrongly(() => checkToWorker(message))).toBe(error);
  });

  it.each([
    [{ type: "ping" }, "HS_MESSAGE_INVALID ping/type"],
    [
      { type: "loads", loads: [{ pool: "main", parked: -1, parkedBytes: 0, active: 0 }] },
      "HS_MESSAGE_INVALID loads/loads/0/parked",
    ],
    [{ type: "measured", number: 1, metrics: [{ name: "a" }] }, "HS_MESSAGE_INVALID measured/metrics/0/type"],
    [{ type: "trouble" }, "HS_MESSAGE_INVALID trouble/host"],
  ])("are refused by the proxy when they are not: %j", (message, error) => {
    expect(wrongly(() => checkFromWorker(message))).toBe(error);
  });
});

describe("what workers counted", () => {
  /** As a worker that counted `times` requests says it. */
  async function said(times: number): Promise<Metrics> {
    const register = new Registry();
    const registers = [register];
    new Counter({ name: "requests_total", help: "r", labelNames: ["pool"], registers }).inc({ pool: "main" }, times);
    new Gauge({ name: "open", help: "o", registers }).set(times);
    const waits = new Histogram({ name: "wait_seconds", help: "w", labelNames: ["pool"], buckets: [1, 10], registers });
    for (let time = 0; time < times; time += 1) waits.observe({ pool: "main" }, 5);
    return JSON.parse(JSON.stringify(await register.getMetricsAsJSON())) as Metrics;
  }
  const textOf = async (metrics: WorkerMetrics): Promise<string> => (await metrics.sum()).metrics();

  it("is summed, bucket by bucket", async () => {
    const metrics = new WorkerMetrics();
    metrics.note(1, await said(2));
    metrics.note(2, await said(3));
    const text = await textOf(metrics);
    expect(text).toContain('requests_total{pool="main"} 5');
    expect(text).toContain("open 5");
    expect(text).toContain('wait_seconds_bucket{le="1",pool="main"} 0');
    expect(text).toContain('wait_seconds_bucket{le="10",pool="main"} 5');
    expect(text).toContain('wait_seconds_sum{pool="main"} 25');
  });

  it("stays counted when they end, again and again; what was true of the moment does not", async () => {
    const metrics = new WorkerMetrics();
    metrics.note(2, await said(1));
    for (let life = 1; life <= 3; life += 1) {
      metrics.note(1, await said(10));
      metrics.ended(1);
      metrics.ended(1);
      expect(await textOf(metrics)).toContain(`requests_total{pool="main"} ${1 + 10 * life}`);
    }
    expect(await textOf(metrics)).toContain("open 1");
    expect(await textOf(metrics)).toContain('wait_seconds_bucket{le="10",pool="main"} 31');
  });
});
