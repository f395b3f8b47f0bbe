import { describe, expect, test } from "vitest";
import type { NodeVersions } from "../../../deploy/cli/upgrade/node-versions.ts";
import { planUpgrade, type OwnVersions, type UpgradePlan } from "../../../deploy/cli/upgrade/upgrade-plan.ts";
import type { PoolReport } from "../../../shared/wire/reports.ts";
import { POOL, STANDBY } from "../../host/control-report.ts";

const OWN: OwnVersions = {
  program: "0.2.0",
  node: "24.21.0",
  protocol: { min: 1, max: 2 },
  records: { min: 1, max: 2 },
  configHash: "c",
};
const OLD = { program: "0.1.0", protocol: { min: 1, max: 1 }, records: { min: 1, max: 1 } } as const;

const host = (id: string, report: Partial<PoolReport>, more: Partial<NodeVersions> = {}): NodeVersions => ({
  ...OWN,
  id,
  kind: "host",
  pools: [{ ...STANDBY, format: 1, ...report }],
  problem: null,
  ...more,
});
const primary = (id: string, more: Partial<NodeVersions> = {}, report: Partial<PoolReport> = {}): NodeVersions =>
  host(id, { ...POOL, format: 1, ...report }, more);
const proxy = (id: string, more: Partial<NodeVersions> = {}): NodeVersions => ({
  ...host(id, {}),
  kind: "proxy",
  records: null,
  pools: [],
  ...more,
});
const silent = (id: string, more: Partial<NodeVersions> = {}): NodeVersions => ({
  ...host(id, {}),
  program: null,
  node: null,
  protocol: null,
  records: null,
  configHash: null,
  pools: [],
  problem: "refused: nobody listens",
  ...more,
});

const plan = (...nodes: readonly NodeVersions[]): UpgradePlan => planUpgrade(nodes, ["main"], OWN);
const steps = (found: UpgradePlan): readonly string[] =>
  found.steps.map((step) => (step.type === "update" ? step.node : `finish ${step.pool} ${step.from}-${step.to}`));

describe("what is left to do", () => {
  test("standbys first, who serves after them, proxies, and what older programs cannot read last", () => {
    const found = plan(primary("host-a", OLD), host("host-b", {}, OLD), host("host-c", {}, OLD), proxy("proxy-1", OLD));
    expect(steps(found)).toEqual(["host-b", "host-c", "host-a", "proxy-1", "finish main 1-2"]);
    expect(found.steps[2]).toMatchObject({ serves: ["main"] });
    expect(found.inTheWay).toEqual([]);
  });

  test.each<[string, Partial<NodeVersions>]>([
    ["another version", { program: "0.1.0" }],
    ["the same version, which reads less", { records: { min: 1, max: 1 } }],
    ["the same version, which speaks less", { protocol: { min: 1, max: 1 } }],
  ])("a node with %s is to be updated", (_, more) => {
    expect(steps(plan(primary("host-a"), host("host-b", {}, more)))).toEqual(["host-b", "finish main 1-2"]);
  });

  test("nothing, once every node is new and the pool is written in the newest version", () => {
    const found = plan(primary("host-a", {}, { format: 2 }), host("host-b", { format: 2 }), proxy("proxy-1"));
    expect([found.steps, found.inTheWay]).toEqual([[], []]);
  });

  test("a pool that its primary says nothing of is written in the first version", () => {
    const { format: _, ...report } = POOL;
    expect(plan(host("host-a", {}, { pools: [report] }), host("host-b", {})).pools).toMatchObject([{ format: 1 }]);
  });

  test("of two that say they serve, the one of the newest epoch is the primary", () => {
    const fence = POOL.fence && { ...POOL.fence, epoch: 9 };
    const found = plan(primary("host-a"), primary("host-b", {}, { fence, format: 2 }));
    expect(found.pools).toEqual([{ pool: "main", primary: "host-b", format: 2 }]);
  });
});

describe("what stands in the way", () => {
  test.each<[string, readonly NodeVersions[], string]>([
    ["a host that is down", [primary("host-a"), silent("host-b")], "host-b cannot be asked (refused: nobody listens)"],
    [
      "a proxy that is down",
      [primary("host-a"), silent("proxy-1", { kind: "proxy" })],
      "hotspare node offline proxy-1 and node remove proxy-1",
    ],
    ["a pool that nobody serves", [host("host-a", {})], "nobody serves pool main"],
    [
      "an alarm",
      [primary("host-a"), host("host-b", { alarm: "HS_POOL_STUCK: slot 3" })],
      "host-b: pool main: HS_POOL_STUCK",
    ],
    [
      "a node without a common protocol",
      [primary("host-a"), silent("host-b", { protocol: { min: 3, max: 4 } })],
      "host-b speaks protocol 3 to 4, this program 1 to 2",
    ],
    [
      "a program that is newer than this one",
      [primary("host-a"), host("host-b", {}, { records: { min: 1, max: 3 } })],
      "host-b reads records of version 1 to 3",
    ],
    [
      "the primary's turn, and a standby that is no candidate",
      [primary("host-a", OLD), host("host-b", { unfit: "restoring" })],
      "nobody could take over pool main from host-a: host-b restoring",
    ],
    [
      "the primary's turn, and a standby that still restores",
      [primary("host-a", OLD), host("host-b", { role: "restoring" })],
      "host-b is restoring",
    ],
    ["the primary's turn, and no other host", [primary("host-a", OLD)], "nobody could take over pool main from host-a"],
  ])("%s", (_, nodes, text) => {
    const { inTheWay } = plan(...nodes);
    expect(inTheWay.filter((obstacle) => obstacle.includes(text))).toHaveLength(1);
  });

  test("not who would follow, while it is another's turn", () => {
    const found = plan(primary("host-a", OLD), host("host-b", { role: "restoring" }, OLD));
    expect([found.steps[0], found.inTheWay]).toMatchObject([{ node: "host-b" }, []]);
  });
});
