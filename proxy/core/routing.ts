/** Which pool a request belongs to: by its host name, then by the longest path prefix of whole segments. Pure. */
import type { PoolConfig } from "../../shared/config/config.ts";
import type { PoolId } from "../../shared/ids.ts";

/** `host` without port, in lower case; `path` without query. `null`: nobody's. */
export function poolOf(pools: readonly Pick<PoolConfig, "id" | "routes">[], host: string, path: string): PoolId | null {
  let best: { readonly pool: PoolId; readonly weight: number } | null = null;
  for (const pool of pools) {
    for (const route of pool.routes) {
      if ((route.host !== null && route.host !== host) || !isUnder(path, route.path)) continue;
      // A named host outweighs any path: no path is as long as this.
      const weight = route.path.length + (route.host === null ? 0 : 1_000_000);
      if (best === null || weight > best.weight) best = { pool: pool.id, weight };
    }
  }
  return best?.pool ?? null;
}

function isUnder(path: string, prefix: string): boolean {
  const bare = prefix.endsWith("/") ? prefix.slice(0, -1) : prefix;
  return path === bare || path.startsWith(`${bare}/`) || (bare === "" && path === "*");
}
