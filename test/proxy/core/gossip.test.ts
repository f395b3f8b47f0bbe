import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseNodeId, type NodeId } from "../../../shared/ids.ts";
import { peerStateOf } from "../../../proxy/core/gossip.ts";
import { gossipRules } from "../../../proxy/core/gossip-state.ts";
import { compareStamps, type Content } from "../../../proxy/core/observation.ts";
import { TUNING } from "../../tuning.ts";
import { account, accounts, content, ORIGINS } from "./accounts.ts";
import { GossipWorld } from "./gossip-world.ts";
import { hex } from "../fake-host.ts";
import { A } from "./world.ts";

const [P1, P2, P3] = ORIGINS as [NodeId, NodeId, NodeId];
const rules = gossipRules({ ...TUNING, proxies: ORIGINS });
const down: Content = content({ hosts: [{ host: A, verdict: "down", reason: "refused" }] });
const up: Content = content({ hosts: [{ host: A, verdict: "up", reason: null }] });

function meeting(): GossipWorld {
  const world = new GossipWorld(ORIGINS, rules);
  for (const proxy of ORIGINS) world.saw(proxy, up);
  for (let round = 0; round < 3; round++) world.round();
  return world;
}

const knownBy = (world: GossipWorld, proxy: NodeId, origin: NodeId): Content | null | undefined =>
  world.state(proxy).known.get(origin)?.content;

describe("what a proxy sees", () => {
  it("is told to the others at once when it changes", () => {
    const world = meeting();
    world.saw(P1, down);
    expect(world.sent.map(({ from, peer }) => `${from} ${peer}`)).toEqual(["proxy-1 proxy-2", "proxy-1 proxy-3"]);
    world.settle();
    expect(knownBy(world, P3, P1)).toEqual(down);
  });

  it("waits for the next round where nobody has to act on it, and is told nobody twice", () => {
    const world = meeting();
    const clocks = [{ node: "host-a", offsetMs: 1, errorMs: 1 }];
    world.saw(P1, { ...up, clocks });
    expect(world.sent).toEqual([]);
    world.round();
    world.round();
    expect(knownBy(world, P2, P1)?.clocks).toEqual(clocks);
    world.nowMs += rules.intervalMs;
    for (const proxy of ORIGINS) world.tell(proxy, { type: "tick" });
    expect(world.sent.flatMap(({ observations }) => observations)).toEqual([]);
  });

  it("comes to one that only a third proxy reaches", () => {
    const world = meeting();
    const isCut = ({ from, peer }: { from: NodeId; peer: NodeId }): boolean =>
      [P1, P2].includes(from) && [P1, P2].includes(peer);
    world.saw(P1, down);
    world.settle(isCut);
    for (let round = 0; round < 3; round++) world.round(isCut);
    expect(knownBy(world, P2, P1)).toEqual(down);
    expect(peerStateOf(world.state(P2), P1, world.nowMs, rules)).toBe("alive");
  });

  it("of a proxy that is not configured is learned by nobody", () => {
    const world = meeting();
    const stranger = parseNodeId("proxy-9");
    world.tell(P1, {
      type: "heard",
      from: P2,
      observations: [account(stranger, 1, 1)],
      digest: [account(stranger, 1, 1)],
    });
    expect([...world.state(P1).known.keys()]).toEqual([P1, P2, P3]);
  });

  it("and every other told before or after, in any order, twice or lost in between, ends in the same (I12)", () => {
    const told = fc.array(fc.oneof(...ORIGINS.slice(1).map(accounts)), { maxLength: 12 });
    fc.assert(
      fc.property(told, fc.infiniteStream(fc.nat()), (observations, numbers) => {
        const [straight, mixed] = [new GossipWorld(ORIGINS, rules), new GossipWorld(ORIGINS, rules)];
        const hear = (world: GossipWorld, observation: (typeof observations)[number]): void => {
          const before = world.state(P1).known.get(observation.origin as NodeId);
          world.tell(P1, { type: "heard", from: P2, observations: [observation], digest: [] });
          const after = world.state(P1).known.get(observation.origin as NodeId)!;
          if (before) expect(compareStamps(after, before)).toBeGreaterThanOrEqual(0);
        };
        for (const observation of observations) hear(straight, observation);
        const shuffled = [...observations, ...observations]
          .map((observation) => ({ observation, at: numbers.next().value ?? 0 }))
          .sort((a, b) => a.at - b.at);
        for (const { observation } of shuffled) hear(mixed, observation);
        const others = (world: GossipWorld) => ORIGINS.slice(1).map((origin) => world.state(P1).known.get(origin));
        expect(others(mixed)).toEqual(others(straight));
      }),
    );
  });
});

describe("a proxy", () => {
  it.each([
    ["greater", hex(9), 1],
    ["lower", hex(0), 2],
  ])("that was started again is believed at once, though its versions begin anew: %s boot id", (_, bootId, life) => {
    const world = meeting();
    for (let change = 0; change < 5; change++) {
      world.saw(P1, change % 2 === 0 ? down : up);
      world.settle();
    }
    world.restart(P1, bootId);
    world.saw(P1, up);
    world.round();
    world.round();
    expect(world.state(P1).known.get(P1)?.incarnation).toBe(life);
    expect(knownBy(world, P2, P1)).toEqual(up);
    expect(knownBy(world, P3, P1)).toEqual(up);
  });

  it("that falls silent is suspect, then dead, and lives again with its next beat", () => {
    const world = meeting();
    const isCut = ({ from, peer }: { from: NodeId; peer: NodeId }): boolean => from === P1 || peer === P1;
    const seen = [3, 6].map((rounds) => {
      for (let round = 0; round < rounds; round++) world.round(isCut);
      return peerStateOf(world.state(P2), P1, world.nowMs, rules);
    });
    world.round();
    world.round();
    expect([...seen, peerStateOf(world.state(P2), P1, world.nowMs, rules)]).toEqual(["suspect", "dead", "alive"]);
  });

  it("that has been dead for the configured time is forgotten by all, and says it anew if it lives after all", () => {
    const world = meeting();
    const isCut = ({ from, peer }: { from: NodeId; peer: NodeId }): boolean => from === P1 || peer === P1;
    world.nowMs += rules.forgetMs;
    world.round(isCut);
    expect([P2, P3].map((proxy) => knownBy(world, proxy, P1))).toEqual([null, null]);
    for (let round = 0; round < 3; round++) world.round();
    expect([P2, P3].map((proxy) => knownBy(world, proxy, P1))).toEqual([up, up]);
  });

  it("sends each round at most as many messages as it is told, however many proxies there are", () => {
    const many = Array.from({ length: 100 }, (_, index) => parseNodeId(`proxy-${index + 1}`));
    const world = new GossipWorld(many, gossipRules({ ...TUNING, proxies: many }));
    for (const proxy of many) world.saw(proxy, up);
    world.sent = [];
    world.nowMs += rules.intervalMs;
    world.tell(many[0]!, { type: "tick" });
    expect(world.sent.length).toBeLessThanOrEqual(rules.fanout + 5);
    expect(Math.max(...world.sent.map(({ digest }) => digest.length))).toBeLessThanOrEqual(64);
  });
});
