/**
 * The sum of a copy of `hotspare.yaml` and what operations decided: without the nodes that were removed, with those that were
 * added. Its hash is that of the sum, so that nodes agree whose copies of the file do not say the same of a node yet.
 *
 * A decision never makes a configuration that a file could not be: what would is left out. Pure.
 */
import { isHotspareError } from "../errors.ts";
import type { Decisions } from "../revisions/decisions.ts";
import type { NodeRegistration } from "../revisions/node-registration.ts";
import { configHash } from "./config-hash.ts";
import { checkRules } from "./config-rules.ts";
import { ConfigValues } from "./config-values.ts";
import type { Config, HostConfig, PoolConfig } from "./config.ts";
import { preferredByMode } from "./load-config.ts";
import { registeredNode } from "./registered-node.ts";

export function effectiveConfig(file: Config, { removed, added }: Decisions): Config {
  const rest = removed.reduce((config, id) => rightOr(withoutNode(config, id), config), file);
  const sum = added.reduce((config, node) => rightOr(withNode(config, node), config), rest);
  return sum === file ? file : { ...sum, hash: configHash(sum) };
}

function withoutNode(config: Config, gone: string): Config {
  if (!hasNode(config, gone)) return config;
  const hosts = config.hosts.filter(({ id }) => id !== gone);
  const proxies = config.proxies.filter(({ id }) => id !== gone);
  return { ...config, proxies, hosts, pools: config.pools.map((pool, at) => preferring(pool, hosts, at)) };
}

/** Of two nodes of one name that in the file holds. */
function withNode(config: Config, registration: NodeRegistration): Config {
  const node = hasNode(config, registration.id) ? null : registeredNode(registration, config.file);
  if (node === null) return config;
  if (node.kind === "proxy") return { ...config, proxies: [...config.proxies, node.proxy] };
  const hosts = [...config.hosts, node.host];
  return { ...config, hosts, pools: config.pools.map((pool, at) => preferring(pool, hosts, at)) };
}

/** An order that is written stays, without those that are gone. */
function preferring(pool: PoolConfig, hosts: readonly HostConfig[], at: number): PoolConfig {
  const written = pool.writtenPreferred.filter((id) => hosts.some((host) => host.id === id));
  return { ...pool, preferred: written.length > 0 ? written : preferredByMode(hosts, at), writtenPreferred: written };
}

const hasNode = ({ hosts, proxies }: Config, wanted: string): boolean =>
  [...hosts, ...proxies].some(({ id }) => id === wanted);

function rightOr(config: Config, otherwise: Config): Config {
  if (config === otherwise) return otherwise;
  try {
    checkRules(config, nothingWritten(config.file));
    return config;
  } catch (error) {
    if (isHotspareError(error)) return otherwise;
    throw error;
  }
}

/** Rules look up only where a fault is to be shown, and nobody is shown this one. */
const nothingWritten = (file: string): ConfigValues =>
  new ConfigValues({ file, values: new Map(), lengths: new Map(), lines: new Map() });
