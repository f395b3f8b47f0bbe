/** Which pools to move so that all hosts serve as many, with as few moves as that takes. Pure. */
import type { NodeId, PoolId } from "../../../shared/ids.ts";

export interface BalancedPool {
  readonly pool: PoolId;
  readonly primary: NodeId;
  /** Where else it could be served, the best first. */
  readonly fit: readonly NodeId[];
}

export interface Move {
  readonly pool: PoolId;
  readonly from: NodeId;
  readonly to: NodeId;
}

/** Never to a host that is not fit. Ends where no move would bring two hosts nearer to one another. */
export function planRebalance(pools: readonly BalancedPool[], hosts: readonly NodeId[]): readonly Move[] {
  const moves = new Map<PoolId, Move>();
  let now = pools;
  for (let move = nextMove(now, hosts); move !== null; move = nextMove(now, hosts)) {
    const { pool, to } = move;
    now = now.map((entry) => (entry.pool === pool ? movedTo(entry, to) : entry));
    moves.set(pool, { ...move, from: moves.get(pool)?.from ?? move.from });
  }
  return [...moves.values()].filter(({ from, to }) => from !== to);
}

/** The one that evens out most; of several the pool that likes its new host best. */
function nextMove(pools: readonly BalancedPool[], hosts: readonly NodeId[]): Move | null {
  const load = (host: NodeId): number => pools.filter(({ primary }) => primary === host).length;
  const loads = new Map(hosts.map((host) => [host, load(host)]));
  const possible = pools.flatMap(({ pool, primary: from, fit }) =>
    fit.map((to, rank) => ({ pool, from, to, rank, gain: (loads.get(from) ?? 0) - (loads.get(to) ?? 0) })),
  );
  const [best] = possible.filter(({ gain }) => gain > 1).toSorted((a, b) => b.gain - a.gain || a.rank - b.rank);
  return best === undefined ? null : { pool: best.pool, from: best.from, to: best.to };
}

const movedTo = ({ pool, primary, fit }: BalancedPool, to: NodeId): BalancedPool => ({
  pool,
  primary: to,
  fit: [...fit.filter((host) => host !== to), primary],
});
