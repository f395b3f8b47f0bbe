/** Who is left for each pool, and which proxies are, once a node is out. Pure. */
import type { Config } from "../../../shared/config/config.ts";
import { HotspareError } from "../../../shared/errors.ts";
import type { PoolId } from "../../../shared/ids.ts";
import { exclusionOf } from "../../../shared/revisions/decisions.ts";
import { WARM_MS } from "../../../shared/fitness.ts";
import { findServing, type ClusterWord } from "../cluster-link.ts";
import { rankHosts } from "../rank-hosts.ts";

/** @throws {HotspareError} HS_DECISION_REFUSED if nobody else could serve a pool, or carry requests. */
export function requireRemaining(config: Config, node: string, word: ClusterWord): void {
  const isProxy = config.proxies.some(({ id }) => id === node);
  const reason = isProxy ? withoutProxies(config, node, word) : withoutHosts(config, node, word);
  if (reason !== null) throw new HotspareError("HS_DECISION_REFUSED", { reason });
}

function withoutProxies({ proxies }: Config, node: string, { decisions }: ClusterWord): string | null {
  const others = proxies.filter(({ id }) => id !== node && exclusionOf(decisions, id) === null);
  return others.length > 0 ? null : `${node} is the last proxy that is not offline`;
}

function withoutHosts(config: Config, node: string, word: ClusterWord): string | null {
  const lacking = config.pools.flatMap(({ id }) => lackingFor(config, id, { node, word }) ?? []);
  if (lacking.length === 0) return null;
  return `${lacking.join("; ")}. With --last it is taken offline all the same, after a final checkpoint`;
}

function lackingFor(
  config: Config,
  pool: PoolId,
  { node, word }: { readonly node: string; readonly word: ClusterWord },
): string | null {
  const serving = findServing(word, pool)?.host.id ?? null;
  // Whoever serves, and goes on, is enough.
  if (serving !== null && serving !== node) return null;
  const others = rankHosts(config, pool, { word, except: node, warmMs: WARM_MS });
  if (others.some(({ unfit }) => unfit === null)) return null;
  const reasons = others.map(({ host, unfit }) => `${host}: ${unfit}`).join("; ") || "there is no other host";
  return `${serving === node ? `${node} serves pool ${pool}, and nobody` : `nobody`} could take pool ${pool} over (${reasons})`;
}
