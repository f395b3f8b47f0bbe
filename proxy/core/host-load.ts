/** How many pools a host has to carry, as this proxy sees it. Pure. */
import type { NodeId, PoolId } from "../../shared/ids.ts";
import type { PoolView } from "./pool-view.ts";

/** Pools other than `pool` that the host serves, or was just told to take over. */
export function hostLoad(pools: ReadonlyMap<PoolId, PoolView>, pool: PoolId, host: NodeId): number {
  let load = 0;
  for (const view of pools.values()) if (view.pool !== pool && carrierOf(view) === host) load += 1;
  return load;
}

const carrierOf = ({ order, state, claim }: PoolView): NodeId | null =>
  order?.host ?? (state === "serving" ? (claim?.host ?? null) : null);
