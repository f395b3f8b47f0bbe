/** The pools of a host that died go to the others, in parallel, and to whoever carries fewest. */
import { expect, it } from "vitest";
import { parsePoolId, type NodeId, type PoolId } from "../../../shared/ids.ts";
import type { HostReport, PoolReport } from "../../../shared/wire/reports.ts";
import { poolReport } from "../fake-host.ts";
import { A, B, C, fence, HOSTS, report, RULES, World } from "./world.ts";

const POOLS = Array.from({ length: 6 }, (_, at) => parsePoolId(`pool-${at}`));
type Pools = Readonly<Partial<Record<NodeId, readonly number[]>>>;

/** Who serves which pools by their places; a standby's `slot` is the same everywhere but for what is given. */
function cluster(serving: Pools, standby: (host: NodeId) => Partial<PoolReport> = () => ({})): World {
  const rules = { ...RULES, pools: POOLS.map((pool) => ({ ...RULES.pools[0]!, pool })) };
  const world = new World(rules);
  const owner = (at: number): NodeId => HOSTS.find((host) => serving[host]?.includes(at)) ?? A;
  const said = (host: NodeId): HostReport =>
    report(
      host,
      {},
      {
        pools: POOLS.map((pool, at): PoolReport => {
          const newest = fence(owner(at), 1);
          if (owner(at) === host) return poolReport({ pool, role: "primary", serving: true, fence: newest });
          return poolReport({ pool, fence: newest, ...standby(host) });
        }),
      },
    );
  for (const host of HOSTS) world.heard(host, said(host));
  world.effects = [];
  return world;
}

const ordered = (world: World): Record<string, PoolId[]> => {
  const orders: Record<string, PoolId[]> = {};
  for (const effect of world.effects) {
    if (effect.type === "promote") (orders[effect.order.host] ??= []).push(effect.pool);
  }
  return orders;
};

it("all at once, as many to each", () => {
  const orders = ordered(cluster({ [A]: [0, 1, 2, 3], [B]: [4], [C]: [5] }).dead(A));
  expect([orders[B]?.length, orders[C]?.length]).toEqual([2, 2]);
});

it("first to who carries fewer, also if that one is a little behind or comes later in preferred", () => {
  const world = cluster({ [A]: [0, 1], [B]: [2, 3, 4, 5] }, (host) => ({ slot: host === C ? 9 : 10 }));
  expect(ordered(world.dead(A))).toEqual({ [C]: [POOLS[0], POOLS[1]] });
});

it("never to who is far behind, as long as another one is near the head", () => {
  const world = cluster({ [A]: [0, 1], [B]: [2, 3, 4, 5] }, (host) => ({ lagMs: host === C ? 5000 : 0 }));
  expect(ordered(world.dead(A))).toEqual({ [B]: [POOLS[0], POOLS[1]] });
});

it("what others serve is left where it is", () => {
  const world = cluster({ [A]: [0], [B]: [1, 2], [C]: [3, 4, 5] }).dead(A);
  expect(ordered(world)).toEqual({ [B]: [POOLS[0]] });
  expect(POOLS.slice(1).map((pool) => world.state.routes.get(pool)?.host)).toEqual([B, B, C, C, C]);
});
