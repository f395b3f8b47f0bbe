/** What a proxy's core goes by, from the configuration. */
import type { Config } from "../shared/config/config.ts";
import type { NodeId } from "../shared/ids.ts";
import type { PoolRules } from "./core/failover.ts";
import { gossipRules } from "./core/gossip-state.ts";
import type { Rules } from "./core/proxy-state.ts";
import { settings } from "./core/settings.ts";

export function proxyRules(config: Config, self: NodeId): Rules {
  const candidates = config.hosts.filter((host) => host.candidate).map(({ id }) => id);
  const pools = config.pools.map(({ id, preferred }): PoolRules => ({
    pool: id,
    preferred,
    candidates,
    vaultId: config.vault.id,
  }));
  const proxies = config.proxies.map(({ id }) => id);
  return {
    self,
    proxies,
    settings: settings(config),
    gossip: gossipRules(config),
    hosts: config.hosts.map(({ id }) => id),
    pools,
  };
}
