/** The benchmark of the proxy, as far as it is not about speed: what it is told, what it makes of figures, what it leaves behind. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { until } from "../until.ts";
import { readCommand } from "./proxy/bench-options.ts";
import { hotspareFailed, planOf, type BenchReport } from "./proxy/bench-run.ts";
import { inTurn, type Measurement } from "./proxy/comparison.ts";
import { CONTENDERS, type Contender } from "./proxy/contender.ts";
import { parseCores, placeOnCores } from "./proxy/cores.ts";
import { FrameReader, maskedFrame } from "./proxy/echo-frames.ts";
import { FLOODS } from "./proxy/flood.ts";
import { LOADS, readFigures } from "./proxy/load.ts";
import { processTree, readStat } from "./proxy/process-cost.ts";
import { reportText } from "./proxy/report-text.ts";
import { summarise, summariseFlood } from "./proxy/summary.ts";
import { findTools, type Tools } from "./proxy/tools.ts";

const folder = mkdtempSync(join(tmpdir(), "hotspare-bench-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ALL_TOOLS: Tools = { nginx: "/n", haproxy: "/h", wrk: "/w", taskset: "/t" };

describe("the command line", () => {
  it("takes everything where nothing is said", () => {
    expect(readCommand([])).toMatchObject({
      seconds: 2,
      rounds: 5,
      contenders: CONTENDERS,
      loads: LOADS,
      floods: FLOODS,
    });
  });

  it("takes of each kind what is named, and all of a kind of which nothing is", () => {
    expect(readCommand(["--only", "nginx, echo"])).toMatchObject({
      contenders: ["nginx"],
      loads: ["echo"],
      floods: [],
    });
    expect(readCommand(["--only", "idle"])).toMatchObject({ contenders: CONTENDERS, loads: [], floods: ["idle"] });
    expect(readCommand(["--only", "direct"])).toMatchObject({ contenders: ["direct"], loads: LOADS, floods: FLOODS });
  });

  it.each([
    [["--only", "ngnix"], "--only: found ngnix, accepted are direct, nginx,"],
    [["--seconds", "0.5"], "--seconds: found 0.5, accepted is a number from 1"],
    [["--seconds", "1.5"], "--seconds: found 1.5, accepted is a whole number from 1"],
    [["--rounds", "many"], "--rounds: found many"],
    [["--flood"], "Unknown option '--flood'"],
  ])("refuses %j and says what it accepts", (args, message) => {
    expect(() => readCommand(args)).toThrow(message);
  });
});

describe("what the machine cannot do", () => {
  const everything = { contenders: CONTENDERS, loads: LOADS, floods: FLOODS };

  it("is nothing where all programs are", () => {
    expect(planOf(everything, ALL_TOOLS, true)).toEqual({ ...everything, skipped: [] });
  });

  it("is left out and named", () => {
    const { contenders, skipped } = planOf(everything, { ...ALL_TOOLS, haproxy: null }, false);
    expect(contenders).toEqual(["direct", "nginx", "http-proxy", "hotspare-1"]);
    expect(skipped).toEqual([
      "skipped: HAProxy: no haproxy here",
      "skipped: Hotspare, 2 workers: this version's proxy has one process",
    ]);
  });

  it("leaves the echo, which needs none of them", () => {
    const none: Tools = { nginx: null, haproxy: null, wrk: null, taskset: null };
    const { contenders, loads, floods, skipped } = planOf(everything, none, true);
    expect([contenders, loads, floods]).toEqual([["direct", "http-proxy", "hotspare-1", "hotspare-2"], ["echo"], []]);
    expect(skipped).toContain("skipped: GET 1 KiB: no nginx, no wrk here");
    expect(skipped[0]).toContain("no taskset");
  });
});

describe("cores", () => {
  it("are read as the kernel writes them", () => {
    expect(parseCores("0-2,5,8-9")).toEqual([0, 1, 2, 5, 8, 9]);
  });

  it.each([
    [[3], { proxy: 3, upstream: 3, generator: 3, pair: [3, 3] }],
    [[0, 1], { proxy: 0, upstream: 1, generator: 1, pair: [0, 1] }],
    [[0, 1, 2, 3, 4], { proxy: 0, upstream: 1, generator: 2, pair: [0, 3] }],
  ])("of %j: the proxy alone, as far as they reach", (allowed, places) => {
    expect(placeOnCores(allowed)).toEqual(places);
  });
});

it("reads a process's time on the cores whatever its name is", () => {
  const stat = "42 (a) b (c) S 7 42 42 0 -1 4194560 1 2 3 4 250 50 9 9 20 0 11 0 123456 1000 200 18446744073709551615";
  expect(readStat(stat)).toEqual({ parent: 7, cpuMs: 3000, startedAt: 123_456 });
});

it("puts WebSocket frames together again wherever the network cut them", () => {
  const messages = ["", "one", "x".repeat(125)].map((text) => Buffer.from(text));
  const bytes = Buffer.concat(messages.map((message) => maskedFrame(message, Buffer.from([1, 2, 3, 250]))));
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const reader = new FrameReader();
    expect([...reader.read(bytes.subarray(0, cut)), ...reader.read(bytes.subarray(cut))]).toEqual(messages);
  }
  expect(() => new FrameReader().read(Buffer.from([0x82, 0x05, 1]))).toThrow("another kind");
});

it.each(["", "{}", '{"requests":0,"elapsedMs":1,"p50Ms":1,"p99Ms":1,"failed":0}', "unable to connect"])(
  "takes %j for no figures",
  (output) => expect(() => readFigures(output)).toThrow(),
);

describe("the summary", () => {
  const measured = (contender: Contender, requests: number, cpuMs: number | null, p50Ms = 1): Measurement => ({
    contender,
    requests,
    elapsedMs: 1000,
    cpuMs,
    othersMs: null,
    residentBytes: cpuMs === null ? null : 1 << 20,
    p50Ms,
    p99Ms: 2 * p50Ms,
    failed: 1,
  });
  const rounds = [
    [measured("direct", 4000, null, 1), measured("nginx", 2000, 80, 2), measured("hotspare-1", 1000, 80, 3)],
    // A round in which the machine was busy with something else: the figures suffer, the ratios do not.
    [measured("nginx", 200, 8, 20), measured("hotspare-1", 100, 8, 30), measured("direct", 400, null, 10)],
    [measured("hotspare-1", 1200, 90, 3.5), measured("direct", 4000, null, 1), measured("nginx", 2000, 80, 2)],
  ];
  const [direct, nginx, hotspare] = summarise(rounds);

  it("has medians, and ratios within each round", () => {
    expect(hotspare).toMatchObject({
      contender: "hotspare-1",
      requestsPerSecond: 1000,
      requestsOfNginx: 0.5,
      p50Ms: 3.5,
    });
    expect(hotspare).toMatchObject({ cpuMicros: 80, cpuOfNginx: 0.5, addedMs: 2.5, failed: 3 });
    expect(nginx).toMatchObject({ requestsOfNginx: 1, cpuMicros: 40, cpuOfNginx: 1, addedMs: 1, coreShare: 0.08 });
    expect(direct).toMatchObject({ requestsOfNginx: 2, cpuMicros: null, cpuOfNginx: null, addedMs: null });
  });

  it("has no ratio to who was not there", () => {
    expect(summarise([[measured("hotspare-1", 1, 1)]])[0]).toMatchObject({ requestsOfNginx: null, addedMs: null });
  });

  it("compares a flooded proxy with itself alone", () => {
    const figures = { requests: 10, elapsedMs: 1000, p50Ms: 1, p99Ms: 4, failed: 0 };
    const flooded = { ...figures, p50Ms: 3, p99Ms: 6, failed: 2 };
    const attack = { standing: 7, opened: 9 };
    const round = [{ contender: "nginx" as const, alone: figures, flooded, attack }];
    const [row] = summariseFlood([round, round]);
    expect(row).toMatchObject({ p50Ratio: 3, p99Ratio: 1.5, completed: 20, failed: 4, standing: 7 });
  });

  it("is told in tables, and says that requests through Hotspare failed", () => {
    const report: BenchReport = {
      versions: ["nginx 1"],
      cores: "somewhere",
      seconds: 1,
      rounds: 3,
      loads: [{ load: "get-1k", rows: summarise(rounds) }],
      floods: [],
      skipped: ["skipped: HAProxy: no haproxy here"],
    };
    const lines = reportText(report).split("\n");
    expect(lines).toContain("skipped: HAProxy: no haproxy here");
    expect(lines.find((line) => line.startsWith("Hotspare, 1 worker"))).toMatch(/1000 +0\.50 +80\.0 +0\.50/);
    expect(hotspareFailed(report)).toBe(true);
    expect(hotspareFailed({ ...report, loads: [{ load: "get-1k", rows: [nginx!, direct!] }] })).toBe(false);
  });
});

it("lets another one begin in each round", () => {
  expect([0, 1, 2, 3].map((round) => inTurn(["a", "b", "c"], round).join(""))).toEqual(["abc", "bca", "cab", "abc"]);
});

describe.skipIf(process.platform !== "linux")("a run", { timeout: 120_000 }, () => {
  const { nginx, wrk } = findTools();

  it("compares, and leaves neither process nor file behind", async () => {
    const { code, report } = await run("direct,hotspare-1,echo");
    expect(code).toBe(0);
    const { rows } = report.loads[0]!;
    expect(rows.map(({ contender }) => contender)).toEqual(["direct", "hotspare-1"]);
    expect(rows.every(({ requestsPerSecond, failed }) => requestsPerSecond > 0 && failed === 0)).toBe(true);
    expect(rows.slice(1).every(({ cpuMicros, residentBytes }) => cpuMicros! > 0 && residentBytes! > 1e7)).toBe(true);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.skipIf(nginx === null || wrk === null)("compares over HTTP, and lets loose a flood", async () => {
    const { code, report } = await run("hotspare-1,post-1k,half-open");
    expect(code).toBe(0);
    expect(report.loads[0]!.rows.map(({ failed }) => failed)).toEqual([0]);
    expect(report.floods[0]!.rows.map(({ completed }) => completed)).toEqual([500]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("is ended by Ctrl-C with all that it started", async () => {
    const child = start("direct,hotspare-1,echo", "600");
    await until(() => processTree(child.pid!).length >= 4, { timeoutMs: 60_000 });
    const started = processTree(child.pid!);
    child.kill("SIGINT");
    expect(await ended(child)).toBe(130);
    expect(started.flatMap(({ pid }) => processTree(pid))).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });
});

function start(only: string, seconds: string): ChildProcess {
  const args = [join(import.meta.dirname, "proxy.ts"), "--only", only, "--seconds", seconds, "--rounds", "1", "--json"];
  return spawn(process.execPath, args, {
    env: { ...process.env, TMPDIR: folder },
    stdio: ["ignore", "pipe", "inherit"],
  });
}

async function run(only: string): Promise<{ readonly code: number | null; readonly report: BenchReport }> {
  const child = start(only, "1");
  let output = "";
  child.stdout!.on("data", (chunk) => (output += String(chunk)));
  const code = await ended(child);
  return { code, report: JSON.parse(output) as BenchReport };
}

const ended = (child: ChildProcess): Promise<number | null> => new Promise((resolve) => child.once("close", resolve));
