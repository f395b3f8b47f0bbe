/** A pool as operators see it: who serves it, and who could; by the hosts' own word. Pure. */
import type { Config, Route } from "../../../shared/config/config.ts";
import type { NodeId, PoolId } from "../../../shared/ids.ts";
import { WARM_MS } from "../../../shared/fitness.ts";
import { findServing, poolIn, type ClusterWord } from "../cluster-link.ts";
import { rankHosts } from "../rank-hosts.ts";

export interface PoolRow {
  readonly pool: PoolId;
  readonly routes: readonly Route[];
  readonly app: string;
  /** `inactive`: no host serves it now. */
  readonly state: "serving" | "inactive";
  readonly primary: NodeId | null;
  readonly epoch: number | null;
  readonly slot: number | null;
  /** Other hosts that could take it over now, the best first. */
  readonly fit: readonly NodeId[];
  /** Why nobody serves it, by host; `null`: somebody does. */
  readonly reason: string | null;
}

export function poolRows(config: Config, word: ClusterWord): readonly PoolRow[] {
  return config.pools.map(({ id: pool, routes, writtenApp: app }) => {
    const serving = findServing(word, pool);
    const entry = serving && poolIn(serving.report, pool);
    const primary = serving?.host.id ?? null;
    const ranked = rankHosts(config, pool, { word, except: primary, warmMs: WARM_MS });
    return {
      pool,
      routes,
      app,
      state: serving === null ? "inactive" : "serving",
      primary,
      epoch: entry?.fence?.epoch ?? null,
      slot: entry?.slot ?? null,
      fit: ranked.filter(({ unfit }) => unfit === null).map(({ host }) => host),
      reason: serving === null ? ranked.map(({ host, unfit }) => `${host}: ${unfit ?? "it could"}`).join("; ") : null,
    };
  });
}
