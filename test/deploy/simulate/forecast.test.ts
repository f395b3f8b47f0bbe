import { describe, expect, test } from "vitest";
import type { HostWord } from "../../../deploy/cli/cluster-link.ts";
import { forecast, type PoolForecast, type Situation } from "../../../deploy/cli/simulate/forecast.ts";
import { entryTexts, forecastText } from "../../../deploy/cli/simulate/forecast-text.ts";
import { guess, medianOf } from "../../../deploy/cli/simulate/takeover-times.ts";
import type { Config } from "../../../shared/config/config.ts";
import { NO_DECISIONS, type Decisions } from "../../../shared/revisions/decisions.ts";
import type { HostReport, PoolReport } from "../../../shared/wire/reports.ts";
import { configOf } from "../../shared/config/example-config.ts";
import { report } from "../doctor/example-facts.ts";

const node = (at: number, id: string): string =>
  `{ id: ${id}, listen: "10.0.0.${at}:7100", control: "10.0.0.${at}:7101", data: ./${id} }`;
const way = (at: number): string =>
  `{ id: proxy-${at}, listen: "10.0.0.${at}:8080", admin: "127.0.0.1:${8090 + at}", gossip: "10.0.0.${at}:8092" }`;

const clusterOf = (proxies: number): Config =>
  configOf(`cluster: demo
secret: { file: cluster.key }
vault: { directory: ./vault, id: ${"5".repeat(32)} }
proxies: [${Array.from({ length: proxies }, (_, at) => way(at + 1)).join(", ")}]
hosts: [${["host-a", "host-b", "host-c"].map((id, at) => node(at + 1, id)).join(", ")}]
pools: [{ id: main, app: spaces, preferred: [host-a, host-b, host-c] }]
`);

interface Spoiled {
  readonly proxies?: number;
  readonly b?: Partial<HostReport>;
  readonly poolB?: Partial<PoolReport>;
  readonly decisions?: Partial<Decisions>;
  readonly silentHost?: string;
  readonly living?: readonly string[];
}

function situationOf(kill: readonly string[], spoiled: Spoiled = {}): Situation {
  const config = clusterOf(spoiled.proxies ?? 3);
  const clock = { offsetMs: 0, errorMs: 1 };
  const fence = {
    slot: 1,
    id: "f".repeat(32),
    hash: "0".repeat(64),
    epoch: 1,
    owner: "host-a",
    bootId: "b".repeat(32),
  };
  const reports: Readonly<Record<string, HostReport>> = {
    "host-a": report({ host: "host-a" }, { role: "primary", serving: true, fence }),
    "host-b": report({ host: "host-b", ...spoiled.b }, spoiled.poolB),
    "host-c": report({ host: "host-c" }),
  };
  const hosts = config.hosts.map((host): HostWord =>
    host.id === spoiled.silentHost
      ? { host, report: null, reason: "refused" }
      : { host, report: reports[host.id]!, clock, reason: null },
  );
  return {
    config,
    word: { hosts, decisions: { ...NO_DECISIONS, ...spoiled.decisions } },
    livingProxies: new Set(spoiled.living ?? config.proxies.map(({ id }) => id)),
    killed: new Set(kill),
    wallMs: 1000,
    takeover: () => ({ ms: 32, from: "the history" }),
  };
}

const forecastOf = (kill: readonly string[], spoiled?: Spoiled): PoolForecast =>
  forecast(situationOf(kill, spoiled))[0]!;
const decided = { by: "ann", atMs: 0, reason: "" };

describe("who would take over", () => {
  test("the preferred one of those that are as far, and why the next comes after it", () => {
    expect(forecastOf(["host-a"])).toMatchObject({
      failsOver: true,
      successor: "host-b",
      heirs: [
        { host: "host-b", fit: true, because: "the first: it has applied slot 7" },
        { host: "host-c", fit: true, because: "as far, but later in preferred than host-b" },
        { host: "host-a", fit: false, because: "killed" },
      ],
    });
  });

  test.each<[string, Spoiled, RegExp]>([
    ["one that is behind", { poolB: { slot: 3 } }, /slot 3, host-c 7/],
    ["one that distrusts its clock", { b: { quarantined: "2 s" } }, /distrusts its own clock/],
    ["one with an older schema", { poolB: { unfit: "older schema" } }, /older schema/],
    ["one that cannot write to the vault", { b: { probe: { ok: false, ageMs: 0, latencyMs: 0 } } }, /cannot write/],
    [
      "one that is offline",
      { decisions: { offline: [{ node: "host-b", ...decided, last: false }] } },
      /offline by ann/,
    ],
    ["one that was removed", { decisions: { removed: ["host-b"] } }, /removed from the cluster/],
    ["one that does not answer", { silentHost: "host-b" }, /does not answer: refused/],
  ])("not %s, though it is preferred", (_, spoiled, because) => {
    const { successor, heirs } = forecastOf(["host-a"], spoiled);
    expect(successor).toBe("host-c");
    expect(heirs.find(({ host }) => host === "host-b")?.because).toMatch(because);
  });

  test("nobody, where the primary lives on", () => {
    const found = forecastOf(["host-b"]);
    expect(found).toMatchObject({ failsOver: false, successor: null, pauses: [] });
    expect(found.heirs).toContainEqual({ host: "host-a", fit: false, because: "it serves" });
    expect(forecastText([found], [])).toMatch(/host-a\s+serves/);
  });

  test("nobody during maintenance, and it says so", () => {
    const found = forecastOf(["host-a"], { decisions: { maintenance: { ...decided, untilMs: null } } });
    expect(found).toMatchObject({ successor: null, remarks: [expect.stringContaining("maintenance")] });
  });
});

describe("whether the proxies that are left agree", () => {
  test.each<[string, readonly string[], Spoiled, object]>([
    ["all", ["host-a"], {}, { reached: true, byStandby: false, living: 3, needed: 2 }],
    ["two of three", ["host-a", "proxy-1"], {}, { reached: true, byStandby: false, living: 2 }],
    ["one of three, by a standby", ["host-a", "proxy-1", "proxy-2"], {}, { reached: true, byStandby: true, living: 1 }],
    ["one that is already gone", ["host-a"], { living: ["proxy-3"] }, { reached: true, byStandby: true, living: 1 }],
    ["one of two without a standby", ["host-a", "host-b", "host-c", "proxy-1"], { proxies: 2 }, { reached: false }],
    ["none", ["host-a", "proxy-1"], { proxies: 1 }, { reached: false, living: 0 }],
    [
      "the one that is not offline, alone: the others have no seat",
      ["host-a"],
      { decisions: { offline: ["proxy-2", "proxy-3"].map((id) => ({ node: id, ...decided, last: false })) } },
      { reached: true, byStandby: false, living: 1, needed: 1 },
    ],
    [
      "two of two, where one was removed",
      ["host-a"],
      { decisions: { removed: ["proxy-1"] }, living: ["proxy-1", "proxy-2"] },
      { reached: true, byStandby: true, living: 1, needed: 2 },
    ],
  ])("%s", (_, kill, spoiled, agreement) => {
    expect(forecastOf(kill, spoiled).agreement).toMatchObject(agreement);
  });

  test("where nobody is left to order, nobody serves", () => {
    expect(forecastOf(["host-a", "proxy-1"], { proxies: 1 }).successor).toBeNull();
  });
});

describe("how long writes would wait", () => {
  test("is the sum of its parts: a killed process is noticed at once, a lost machine by silence", () => {
    const [process, machine] = forecastOf(["host-a"]).pauses;
    expect(process).toMatchObject({
      when: "process",
      parts: [{ ms: 40 }, { ms: 10 }, { ms: 32, from: "the history" }],
      totalMs: 82,
    });
    expect(machine).toMatchObject({ when: "machine", parts: [{ ms: 750 }, { ms: 10 }, { ms: 32 }], totalMs: 792 });
  });

  test("has the vault's standstill in it where a standby must vote", () => {
    const [process] = forecastOf(["host-a", "proxy-1", "proxy-2"]).pauses;
    expect(process?.parts[1]?.ms).toBeGreaterThanOrEqual(2500);
  });

  test("rests on the median of past takeovers, or on the successor's share", () => {
    const took = (total: number) => ({ receipt: { type: "receipt", receipt: { phases: { total } } } }) as never;
    expect(medianOf([took(10), took(900), took(30), { receipt: null }])).toMatchObject({ ms: 30 });
    expect(medianOf([{ receipt: null }])).toBeNull();
    const { word } = situationOf([], { b: { probe: { ok: true, ageMs: 0, latencyMs: 5 } } });
    expect(guess(word, word.hosts[1]!.host.id)).toMatchObject({ ms: 20, from: expect.stringContaining("host-b") });
  });
});

test("a killed proxy is a way in that is gone, and the others are named", () => {
  const config = clusterOf(2);
  expect(entryTexts(config, new Set(["proxy-1"]))).toEqual([
    expect.stringMatching(/10\.0\.0\.1:8080 break.*10\.0\.0\.2:8080 would/),
  ]);
  expect(entryTexts(config, new Set(["proxy-1", "proxy-2"]))[0]).toContain("no other way in");
});
