import { expect, test } from "vitest";
import { Registry } from "prom-client";
import type { Rules } from "../../proxy/core/proxy-state.ts";
import { proxyMetrics } from "../../proxy/proxy-metrics.ts";
import { proxyStatus, type ProxyStatus } from "../../proxy/proxy-status.ts";
import { statusPage } from "../../proxy/status-page.ts";
import { decide, NO_DECISIONS } from "../../shared/revisions/decisions.ts";
import { gossipRules } from "../../proxy/core/gossip-state.ts";
import { PeerClocks } from "../../shared/clocks/peer-clocks.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { TUNING } from "../tuning.ts";
import { account, content, ORIGINS } from "./core/accounts.ts";
import { B, report, RULES, World } from "./core/world.ts";
import { configOf } from "./running.ts";

const [SELF, PEER] = ORIGINS as [(typeof ORIGINS)[number], (typeof ORIGINS)[number]];

/** What is shown at a moment of that world. */
async function statusOf(world: World, rules: Rules): Promise<(nowMs: number) => ProxyStatus> {
  const config = await configOf([]);
  return (nowMs) =>
    proxyStatus({
      config,
      self: SELF,
      state: world.state,
      clocks: new PeerClocks({ self: SELF, clock: systemClock, boundMs: () => 500 }),
      quarantined: null,
      refusal: () => null,
      protocolProblem: () => null,
      nowMs,
      rules,
      parked: () => 0,
      workers: { configured: 1, serving: 1 },
    });
}

test("what another proxy last said is shown while it lives, and no longer: its file may have changed since", async () => {
  const rules = { ...RULES, self: SELF, proxies: ORIGINS, gossip: gossipRules({ ...TUNING, proxies: ORIGINS }) };
  const world = new World(rules).atWork();
  const told = content({ keys: ["0123456789abcdef"], program: "0.2.0", quarantined: "its clock is off" });
  world.tell({
    type: "gossipHeard",
    from: PEER,
    observations: [account(PEER, 1, 1, { beat: 1, content: told })],
    digest: [],
  });
  const status = await statusOf(world, rules);
  const shown = (nowMs: number) => status(nowMs).proxies[1];
  expect(shown(world.nowMs)).toMatchObject({
    health: "up",
    agrees: true,
    keys: ["0123456789abcdef"],
    version: "0.2.0",
    quarantined: "its clock is off",
  });
  const nothing = { agrees: null, keys: null, version: null, configHash: null, quarantined: null };
  expect(shown(world.nowMs + rules.gossip.bounds.suspectMs)).toMatchObject({ health: "suspect", ...nothing });
  expect(shown(world.nowMs + rules.gossip.bounds.deadMs)).toMatchObject({ health: "down", ...nothing });
});

test("maintenance shows everywhere until it has ended, and so does who was taken out", async () => {
  const world = new World().atWork();
  const decided = { by: "anna", atMs: 1, reason: "<new switches>" };
  const offline = decide(NO_DECISIONS, { type: "offline", node: B, last: false }, decided)!;
  const untilMs = world.nowMs + 60_000;
  const decisions = decide(offline, { type: "maintenance-on", untilMs }, decided)!;
  const body = report(B, { role: "offline", unfit: "taken offline" });
  world.tell({ type: "probeAnswered", host: B, sentMs: world.nowMs, report: body, decisions });
  const status = await statusOf(world, RULES);
  const shown = status(world.nowMs);
  expect(shown.maintenance).toEqual({ ...decided, untilMs });
  expect(shown.hosts.map((host) => host.offline)).toEqual([null, "taken offline by anna: <new switches>", null]);
  expect(statusPage(shown, SELF)).toContain("by anna: &lt;new switches&gt;. Nobody takes over by itself.");
  expect(statusPage(shown, SELF)).toContain("taken offline by anna: &lt;new switches&gt;");
  expect(await metricsOf(shown)).toContain("hotspare_maintenance 1");
  expect(await metricsOf(shown)).toContain('hotspare_offline{node="host-b"} 1');
  expect(await metricsOf(shown)).toContain('hotspare_offline{node="host-c"} 0');
  const after = status(untilMs);
  expect([after.maintenance, statusPage(after, SELF).includes("Maintenance")]).toEqual([null, false]);
  expect(await metricsOf(after)).toContain("hotspare_maintenance 0");
});

function metricsOf(status: ProxyStatus): Promise<string> {
  const register = new Registry();
  const own = { wallAheadMs: 0, clocks: [], quarantined: null, program: "1", configHash: "c", keys: [] };
  proxyMetrics({ register, status: () => status, state: () => ({ own, seen: new Map() }) });
  return register.metrics();
}
