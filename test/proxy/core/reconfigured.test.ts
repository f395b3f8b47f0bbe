/** A proxy that is given other rules while it runs: nothing of what stays is forgotten, and nothing of what went is heard. */
import { describe, expect, it } from "vitest";
import { parseNodeId, parsePoolId } from "../../../shared/ids.ts";
import { gossipRules } from "../../../proxy/core/gossip-state.ts";
import { settings } from "../../../proxy/core/settings.ts";
import type { Rules } from "../../../proxy/core/proxy-state.ts";
import { TUNING } from "../../tuning.ts";
import { account } from "./accounts.ts";
import { A, B, bootOf, C, fence, MAIN, primary, report, RULES, SELF, World } from "./world.ts";

const SECOND = parsePoolId("second");
const [P2, P3] = [parseNodeId("proxy-2"), parseNodeId("proxy-3")];

const without = (host: typeof A): Partial<Rules> => {
  const hosts = RULES.hosts.filter((id) => id !== host);
  return { hosts, pools: RULES.pools.map((pool) => ({ ...pool, preferred: hosts, candidates: hosts })) };
};
const probes = (world: World): readonly string[] =>
  world.effects.flatMap((effect) => (effect.type === "probe" ? [effect.host] : []));

describe("a host", () => {
  it("that is new is asked at once, is taken for nothing until it has answered, and is a candidate then", () => {
    const world = new World({ ...RULES, ...without(C) }).atWork();
    world.configure(RULES);
    expect(probes(world)).toEqual([C]);
    expect([world.verdict(A), world.verdict(C), world.route()]).toEqual(["up", "unknown", "host-a 1"]);
    world.heard(C, report(C, { fence: fence(A, 1), slot: 99 })).after(10);
    world.dead(A);
    expect(world.take()).toEqual(["host-c deposes 1"]);
  });

  it("that is gone is no candidate any more, and is not asked", () => {
    const world = new World().atWork().configure(without(B));
    expect([...world.state.hosts.keys()]).toEqual([A, C]);
    expect(world.route()).toBe("host-a 1");
    world.effects = [];
    expect(probes(world.after(300))).not.toContain(B);
    world.dead(A);
    expect(world.take()).toEqual(["host-c deposes 1"]);
  });

  it("that is gone while it serves gets no request more, and another one is ordered at once", () => {
    const world = new World().atWork().configure(without(A));
    expect(world.effects).toContainEqual({ type: "route", pool: MAIN, route: null });
    expect(world.view().incident?.cause).toBe("host-a is not configured");
    expect(world.take()).toEqual(["host-b deposes 1"]);
    // What it was asked before is answered after that: nobody believes it.
    world.heard(A, primary(A, 3));
    expect(world.view().epoch).toBe(1);
    world.heard(B, primary(B, 2));
    expect(world.route()).toBe("host-b 2");
    // Its requests that have no answer go to the new one.
    expect(world.effects).toContainEqual({ type: "abandon", pool: MAIN, host: A, epoch: 1 });
  });

  it("that was ordered and is gone then is not waited for", () => {
    const world = new World().atWork().dead(A);
    expect(world.take()).toEqual(["host-b deposes 1"]);
    world.configure(without(B));
    expect(world.take()).toEqual(["host-c deposes 1"]);
  });

  it("that may not be primary any more is not ordered", () => {
    const pools = RULES.pools.map((pool) => ({ ...pool, candidates: [A, C], preferred: [A, C] }));
    expect(new World().atWork().configure({ pools }).dead(A).take()).toEqual(["host-c deposes 1"]);
  });

  it("votes no more when it is gone", () => {
    const world = new World({
      ...RULES,
      proxies: [SELF, P2, P3],
      gossip: gossipRules({ ...TUNING, proxies: [1, 2, 3] }),
    });
    world.atWork().after(30_000);
    world
      .heard(A, primary(A, 1))
      .heard(B, report(B, { fence: fence(A, 1) }))
      .heard(C, report(C, { fence: fence(A, 1) }));
    world.dead(A).configure(without(B));
    const down = { verdict: "down", reason: "stands still", stillMs: 3000 } as const;
    world.tell({ type: "voteAnswered", pool: MAIN, host: B, fence: fence(A, 1).id, answer: down });
    expect(world.view().standbyVotes).toEqual([]);
  });
});

describe("a pool", () => {
  const pools = [...RULES.pools, { ...RULES.pools[0]!, pool: SECOND }];

  it("that is new waits for a primary beside one that serves on, and is served when a host says so", () => {
    const world = new World().atWork().configure({ pools });
    expect(world.route()).toBe("host-a 1");
    expect(world.state.routes.get(SECOND)).toBeNull();
    const serving = primary(B, 1).pools[0]!;
    const both = report(B, { fence: fence(A, 1) });
    world.heard(B, { ...both, pools: [...both.pools, { ...serving, pool: SECOND }] });
    expect(world.state.routes.get(SECOND)).toEqual({ host: B, epoch: 1 });
    expect(world.route()).toBe("host-a 1");
  });

  it("that is gone is forgotten, and if it comes back learned anew", () => {
    const world = new World().atWork().configure({ pools: [] });
    expect([world.state.pools.size, world.state.routes.size]).toEqual([0, 0]);
    expect(world.dead(A).take()).toEqual([]);
    world.configure(RULES);
    expect(world.view().epoch).toBe(0);
  });
});

describe("another proxy", () => {
  const three = { proxies: [SELF, P2, P3], gossip: gossipRules({ ...TUNING, proxies: [1, 2, 3] }) };
  const seats = (world: World): readonly string[] => [...world.state.gossip.peers.keys()];

  it("that is gone does not count for the majority, and what is still said of it is not heard", () => {
    const world = new World({ ...RULES, ...three }).atWork();
    world.tell({ type: "gossipHeard", from: P2, observations: [account(P2, 1, 1)], digest: [] });
    expect(world.dead(A).take()).toEqual([]);
    world.configure(RULES);
    expect(world.take()).toEqual(["host-b deposes 1"]);
    world.tell({ type: "gossipHeard", from: P2, observations: [account(P2, 1, 2), account(P3, 1, 2)], digest: [] });
    world.tell({ type: "gossipAnswered", peer: P2, observations: [], wanted: [P3] });
    expect([seats(world), [...world.state.gossip.known.keys()]]).toEqual([[], [SELF]]);
  });

  it("that is new counts, and is told what this one sees", () => {
    const world = new World().atWork().configure(three);
    const told = (): readonly string[] =>
      world.effects.flatMap((effect) => (effect.type === "gossip" ? [effect.exchange.peer] : []));
    world.after(3 * TUNING.gossip.intervalMs);
    expect(new Set(told())).toEqual(new Set([P2, P3]));
    expect(world.dead(A).take()).toEqual([]);
  });

  it("that stays is known as it was", () => {
    const world = new World({ ...RULES, ...three }).atWork();
    world.tell({ type: "gossipHeard", from: P2, observations: [account(P2, 1, 7)], digest: [] });
    const before = [world.state.gossip.known.get(P2), world.state.gossip.peers.get(P2)];
    world.configure({ proxies: [SELF, P2] });
    expect([world.state.gossip.known.get(P2), world.state.gossip.peers.get(P2)]).toEqual(before);
    expect(seats(world)).toEqual([P2]);
  });
});

describe("other figures", () => {
  const slow = settings({ ...TUNING, health: { ...TUNING.health, intervalMs: 60_000 } });

  it("hold for the next look, also where that was far away", () => {
    const world = new World({ ...RULES, settings: slow }).atWork().after(20_000);
    world.configure({ settings: RULES.settings });
    world.effects = [];
    expect(new Set(probes(world.after(TUNING.health.intervalMs)))).toEqual(new Set([A, B, C]));
  });

  it("do not make a silence that was in order look like an absence, in which failures would be forgiven", () => {
    const gossip = { ...RULES.gossip, intervalMs: 60_000 };
    const world = new World({ ...RULES, settings: slow, gossip }).atWork();
    world.nowMs += 30_000;
    world.failed(B, "timeout");
    world.nowMs += 10_000;
    world.configure({ settings: RULES.settings });
    expect(world.state.hosts.get(B)?.control.failures).toBe(1);
  });

  it("do not hide an absence: what was missed in it is forgiven", () => {
    const world = new World().atWork().failed(B, "timeout");
    world.nowMs += 60_000;
    world.configure({});
    expect(world.state.hosts.get(B)?.control.failures).toBe(0);
  });
});

it("an order that went out before is answered after its host was taken out: the host is judged, not believed for ever", () => {
  const world = new World().atWork().dead(A).configure(without(B));
  world.take();
  const answer = { outcome: "serving", reason: "", fence: fence(B, 2), phases: {} } as const;
  world.tell({ type: "orderAnswered", pool: MAIN, host: B, sentMs: world.nowMs, answer });
  expect(world.route()).toBe("none");
  world.heard(C, report(C, { fence: fence(B, 2) }));
  expect(world.take()).toEqual([`host-c deposes ${fence(B, 2).id[0]}`]);
  expect(bootOf(C)).toBe(world.view().order?.bootId);
});
