import { expect, test } from "vitest";
import { proxyStatus } from "../../proxy/proxy-status.ts";
import { gossipRules } from "../../proxy/core/gossip-state.ts";
import { PeerClocks } from "../../shared/clocks/peer-clocks.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { TUNING } from "../tuning.ts";
import { account, content, ORIGINS } from "./core/accounts.ts";
import { RULES, World } from "./core/world.ts";
import { configOf } from "./running.ts";

const [SELF, PEER] = ORIGINS as [(typeof ORIGINS)[number], (typeof ORIGINS)[number]];

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
  const config = await configOf([]);
  const shown = (nowMs: number) =>
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
    }).proxies[1];
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
