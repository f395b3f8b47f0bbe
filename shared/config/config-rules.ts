/**
 * What values must be beside one another: ids and addresses that name one thing each, a vault that holds no data folder,
 * pools that know where they live and which requests are theirs. Each fault is laid at the later of the two entries.
 */
import { relative, isAbsolute, sep } from "node:path";
import { formatAddress, type Address, type Config } from "./config.ts";
import type { ConfigValues } from "./config-values.ts";
import { formatDuration } from "./duration.ts";
import { isLoopback, isWildcard } from "./parse-address.ts";
import type { SettingKey } from "./settings.ts";

type Draft = Omit<Config, "hash">;

/** @throws {HotspareError} HS_CONFIG_INVALID for the first rule that does not hold. */
export function checkRules(config: Draft, values: ConfigValues): void {
  checkHostsExist(config, values);
  checkIds(config, values);
  checkWildcards(config, values);
  checkListeners(config, values);
  checkReachable(config, values);
  checkGossip(config, values);
  checkData(config, values);
  checkPreferred(config, values);
  checkRoutes(config, values);
  checkKeyLife(config, values);
  checkGossipTls(config, values);
  checkHookPools(config, values);
}

function checkHostsExist({ hosts }: Draft, values: ConfigValues): void {
  if (hosts.length === 0) throw values.conflict("hosts", [], "no hosts", "at least one host");
  if (!hosts.some((host) => host.candidate)) {
    throw values.conflict("hosts[].candidate", [0], "false for every host", "at least one host that may be primary");
  }
}

function checkIds({ proxies, hosts, pools }: Draft, values: ConfigValues): void {
  const nodes = new Once(values, "an id that no other node has");
  for (const [at, { id }] of proxies.entries()) nodes.add(id, { key: "proxies[].id", at: [at], name: `proxy ${id}` });
  for (const [at, { id }] of hosts.entries()) nodes.add(id, { key: "hosts[].id", at: [at], name: `host ${id}` });
  const names = new Once(values, "an id that no other pool has");
  for (const [at, { id }] of pools.entries()) names.add(id, { key: "pools[].id", at: [at], name: `pool ${id}` });
}

/** One address may be bound by one listener. Wildcards are left out: they name a port of each machine. */
function checkListeners({ proxies, hosts }: Draft, values: ConfigValues): void {
  const once = new Once(values, "an address that no other listener has");
  const add = (address: Address, key: SettingKey, at: number, name: string): void => {
    if (!isWildcard(address)) once.add(formatAddress(address), { key, at: [at], name });
  };
  for (const [at, { id, listen, admin, gossip }] of proxies.entries()) {
    add(listen, "proxies[].listen", at, `proxy ${id}`);
    add(admin, "proxies[].admin", at, `proxy ${id}`);
    if (formatAddress(gossip) !== formatAddress(admin)) add(gossip, "proxies[].gossip", at, `proxy ${id}`);
  }
  for (const [at, { id, listen, control }] of hosts.entries()) {
    add(listen, "hosts[].listen", at, `host ${id}`);
    add(control, "hosts[].control", at, `host ${id}`);
  }
}

/** Two nodes that are reached at one address would be taken for one another. */
function checkReachable({ proxies, hosts }: Draft, values: ConfigValues): void {
  const once = new Once(values, "an address that no other node is reached at");
  for (const [at, { id, advertise }] of proxies.entries()) {
    once.add(formatAddress(advertise), { key: "proxies[].advertise", at: [at], name: `proxy ${id}` });
  }
  for (const [at, { id, advertise }] of hosts.entries()) {
    once.add(formatAddress(advertise), { key: "hosts[].advertise", at: [at], name: `host ${id}` });
  }
}

/** A proxy that others on other machines cannot reach would be silent to them for ever. */
function checkGossip({ proxies }: Draft, values: ConfigValues): void {
  const machines = new Set(proxies.map(({ advertise }) => advertise.host).filter((host) => !isLoopback(host)));
  const at = proxies.findIndex(({ gossip }) => isLoopback(gossip.host));
  const gossip = proxies[at]?.gossip;
  if (machines.size < 2 || gossip === undefined) return;
  const accepted = "an address at which the proxies on other machines reach this one";
  throw values.conflict("proxies[].gossip", [at], formatAddress(gossip), accepted);
}

function checkWildcards({ proxies, hosts }: Draft, values: ConfigValues): void {
  const refuse = (address: Address, key: SettingKey, at: number): void => {
    if (!isWildcard(address)) return;
    throw values.conflict(key, [at], formatAddress(address), "an address at which other machines reach this node");
  };
  for (const [at, proxy] of proxies.entries()) {
    refuse(proxy.advertise, "proxies[].advertise", at);
    refuse(proxy.gossip, "proxies[].gossip", at);
  }
  for (const [at, host] of hosts.entries()) {
    refuse(host.advertise, "hosts[].advertise", at);
    refuse(host.control, "hosts[].control", at);
  }
}

/** By the names alone: the share may not be mounted here. Hosts on different machines may use the same path. */
function checkData({ hosts, vault }: Draft, values: ConfigValues): void {
  const once = new Once(values, "a folder that no other host at this address has");
  for (const [at, { id, data, listen, vault: mount }] of hosts.entries()) {
    for (const directory of [vault.directory, mount ?? vault.directory]) {
      if (!isWithin(directory, data)) continue;
      throw values.conflict("hosts[].data", [at], data, `a folder outside the vault ${directory}`);
    }
    once.add(`${listen.host} ${data}`, { key: "hosts[].data", at: [at], name: `host ${id}` });
  }
}

function checkPreferred({ pools, hosts }: Draft, values: ConfigValues): void {
  const candidates = hosts.filter((host) => host.candidate).map((host) => host.id);
  const accepted = `hosts that may be primary, each once: ${candidates.join(", ")}`;
  for (const [at, { preferred }] of pools.entries()) {
    const wrong = preferred.find((id, index) => !candidates.includes(id) || preferred.indexOf(id) !== index);
    if (wrong !== undefined) throw values.conflict("pools[].preferred", [at], wrong, accepted);
  }
}

function checkRoutes({ pools }: Draft, values: ConfigValues): void {
  const once = new Once(values, "a host and path that no other route has");
  for (const [at, { id, routes }] of pools.entries()) {
    for (const [index, { host, path }] of routes.entries()) {
      once.add(`${host ?? ""}${path}`, { key: "pools[].routes[].path", at: [at, index], name: `pool ${id}` });
    }
  }
}

/** A request that waited longer than its key lives could not be told from a new one. */
function checkKeyLife({ pools }: Draft, values: ConfigValues): void {
  for (const [at, { park, idempotency }] of pools.entries()) {
    if (idempotency.proxyMs > park.waitMs) continue;
    const key =
      values.get("pools[].idempotency.proxy", at) === null ? "idempotency.proxy" : "pools[].idempotency.proxy";
    const accepted = `more than park.wait, which is ${formatDuration(park.waitMs)}`;
    throw values.conflict(key, [at], formatDuration(idempotency.proxyMs), accepted);
  }
}

/** One listener has one certificate and asks for one CA: what both kinds of callers come with must fit. */
function checkGossipTls({ proxies, tls: { admin, control } }: Draft, values: ConfigValues): void {
  const shared = proxies.findIndex((proxy) => formatAddress(proxy.gossip) === formatAddress(proxy.admin));
  const alike = (admin === null) === (control === null) && (admin?.ca ?? null) === (control?.ca ?? null);
  if (proxies.length < 2 || shared === -1 || alike) return;
  const accepted = "tls.admin and tls.control with the same ca, or neither, or a gossip address of its own";
  throw values.conflict("proxies[].gossip", [shared], "the admin address, with other TLS than tls.control", accepted);
}

function checkHookPools({ hooks, pools }: Draft, values: ConfigValues): void {
  const known = pools.map(({ id }) => id);
  for (const [at, hook] of hooks.entries()) {
    const wrong = hook.pools?.find((id) => !known.includes(id));
    if (wrong !== undefined)
      throw values.conflict("hooks[].pools", [at], wrong, `pools that there are: ${known.join(", ")}`);
  }
}

interface Owner {
  readonly key: SettingKey;
  readonly at: readonly number[];
  /** The node or pool, for the error. */
  readonly name: string;
}

/** Lets each value pass once; the second owner is refused, and both are named. */
class Once {
  readonly #owners = new Map<string, Owner>();
  readonly #values: ConfigValues;
  readonly #accepted: string;

  constructor(values: ConfigValues, accepted: string) {
    this.#values = values;
    this.#accepted = accepted;
  }

  add(value: string, owner: Owner): void {
    const first = this.#owners.get(value);
    if (first) {
      const found = `${value} of both ${first.name} and ${owner.name}`;
      throw this.#values.conflict(owner.key, owner.at, found, this.#accepted);
    }
    this.#owners.set(value, owner);
  }
}

function isWithin(outer: string, inner: string): boolean {
  const path = relative(outer, inner);
  return path === "" || (path !== ".." && !path.startsWith(`..${sep}`) && !isAbsolute(path));
}
