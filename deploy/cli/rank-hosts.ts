/** Who could take a pool over, by the hosts' own word and what was decided: the rule of a primary that hands over. Pure. */
import type { Config } from "../../shared/config/config.ts";
import type { PoolId } from "../../shared/ids.ts";
import { exclusionOf } from "../../shared/revisions/decisions.ts";
import { rankSuccessors, type Asked, type Candidate } from "../../host/succession.ts";
import type { ClusterWord, HostWord } from "./cluster-link.ts";

export interface Ranking {
  readonly word: ClusterWord;
  /** The host that is not asked for. */
  readonly except: string | null;
  /** Behind by more, a host counts as cold. */
  readonly warmMs: number;
}

/** All others, those that are fit first, the best one at the top. */
export function rankHosts(config: Config, pool: PoolId, { word, except, warmMs }: Ranking): readonly Candidate[] {
  const asked = word.hosts.filter(({ host }) => host.id !== except).map(askedOf);
  return rankSuccessors(asked, {
    pool,
    vaultId: config.vault.id,
    preferred: config.pools.find(({ id }) => id === pool)?.preferred ?? [],
    storageFreshMs: config.health.storageMs / 2,
    warmMs,
    offline: (host) => exclusionOf(word.decisions, host),
  });
}

function askedOf({ host, report, reason }: HostWord): Asked {
  return report === null ? { host: host.id, report, reason } : { host: host.id, report };
}
