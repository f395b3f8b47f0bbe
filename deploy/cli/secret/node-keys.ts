/**
 * Which keys each node of the cluster accepts, as the proxies tell it, or where none answers the hosts' own probes. Of a
 * node that does not answer nothing is known: what it said before may be of a file that was replaced since.
 */
import type { Config } from "../../../shared/config/config.ts";
import { clusterStatus, type Asking, type HostStatus, type ProxyAnswer } from "../cluster-status.ts";
import type { NodeKeys } from "./rotation-step.ts";

const SILENT = "does not say which keys it accepts: update it first";

/** All nodes of the configuration but those that are left out. */
export async function nodeKeys(
  config: Config,
  without: readonly string[],
  asking: Asking,
): Promise<readonly NodeKeys[]> {
  const { hosts, proxies } = await clusterStatus(config, asking);
  return [...hosts.map(hostKeys), ...proxies.map(proxyKeys)].filter(({ node }) => !without.includes(node));
}

function hostKeys({ id: node, health, keys, reason }: HostStatus): NodeKeys {
  if (health !== "up" && health !== "suspect") return absent(node, health, reason);
  return keys ? { node, keys } : { node, keys: null, reason: SILENT, answers: true };
}

function proxyKeys({ id: node, health, keys, reason }: ProxyAnswer): NodeKeys {
  if (keys !== null) return { node, keys };
  return health === "up" ? { node, keys: null, reason: SILENT, answers: true } : absent(node, health, reason);
}

const absent = (node: string, health: string, why: string | null): NodeKeys => ({
  node,
  keys: null,
  reason: `is ${health}${why === null ? "" : ` (${why})`}: start it, or leave it out with --without ${node}`,
  answers: false,
});
