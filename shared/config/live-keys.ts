/**
 * How a change of each key reaches nodes that run. `docs/configuration.md` shows it, and `running-config.ts` goes by it: what
 * is not named here as live is not taken over by half, it stays as it runs until the restart.
 */
import { TLS_SECTIONS } from "./config.ts";
import type { NodeId } from "../ids.ts";
import { HOOK_SETTINGS } from "./hook-settings.ts";
import type { PoolSettingKey, SettingKey } from "./settings.ts";

/**
 * `live`: every node takes it into use at once. `restart`: every node needs a restart. `own`: the node that it is about needs
 * one, others take it at once. `hosts`: hosts need one, proxies take it at once.
 */
export type Reach = "live" | "restart" | "own" | "hosts";

/** Whose configuration it is. */
export interface ConfigOwner {
  readonly kind: "proxy" | "host";
  readonly id: NodeId;
}

export const REACH_TEXTS: Readonly<Record<Reach, string>> = {
  live: "live",
  restart: "restart",
  own: "restart of that node",
  hosts: "restart of hosts",
};

type HookKey = keyof typeof HOOK_SETTINGS;
type TlsKey = Extract<SettingKey, `tls.${string}`>;

const POOL_REACH: Readonly<Record<PoolSettingKey, Reach>> = {
  "checkpoint.bytes": "live",
  "checkpoint.interval": "live",
  "checkpoint.keep": "live",
  "park.requests": "live",
  "park.bytes": "live",
  "park.wait": "live",
  "replay.attempts": "live",
  "replay.body": "live",
  "replay.answer": "live",
  "replay.policy": "live",
  reads: "hosts",
  "idempotency.client": "hosts",
  "idempotency.proxy": "hosts",
};

export const LIVE_KEYS: Readonly<Record<SettingKey, Reach>> = {
  cluster: "restart",
  "secret.file": "restart",
  "secret.env": "restart",
  "vault.directory": "restart",
  "vault.id": "restart",
  "proxies[].id": "own",
  "proxies[].listen": "own",
  "proxies[].admin": "own",
  "proxies[].advertise": "live",
  "proxies[].gossip": "own",
  "proxies[].workers": "own",
  "proxies[].trust": "live",
  "proxies[].accessLog": "live",
  "hosts[].id": "own",
  "hosts[].listen": "own",
  "hosts[].control": "own",
  "hosts[].advertise": "live",
  "hosts[].data": "own",
  "hosts[].mode": "live",
  "hosts[].candidate": "live",
  "hosts[].vault": "own",
  "pools[].id": "hosts",
  "pools[].app": "hosts",
  "pools[].routes[].host": "live",
  "pools[].routes[].path": "live",
  "pools[].preferred": "live",
  "health.interval": "live",
  "health.timeout": "live",
  "health.failures": "live",
  "health.hang": "live",
  "health.grace": "live",
  "health.storage": "live",
  "health.stable": "live",
  "health.damp": "live",
  "gossip.interval": "live",
  "gossip.fanout": "live",
  "gossip.forget": "live",
  "clock.offset": "live",
  "takeover.timeout": "live",
  cleanDelay: "live",
  rejoin: "live",
  failback: "hosts",
  failbackStable: "hosts",
  ...hookReach(),
  ...tlsReach(),
  ...POOL_REACH,
  ...overrideReach(),
};

/** Whether that node takes a change of the key into use while it runs. `entry`: the node that the key is about. */
export function isLive(key: SettingKey, entry: string | null, { kind, id }: ConfigOwner): boolean {
  switch (LIVE_KEYS[key]) {
    case "live":
      return true;
    case "restart":
      return false;
    case "own":
      return entry !== id;
    case "hosts":
      return kind !== "host";
  }
}

function tlsReach(): Readonly<Record<TlsKey, Reach>> {
  const keys = TLS_SECTIONS.flatMap((section) => ["cert", "key", "ca"].map((part) => `tls.${section}.${part}`));
  return Object.fromEntries(keys.map((key) => [key, "restart"])) as Record<TlsKey, Reach>;
}

function hookReach(): Readonly<Record<HookKey, Reach>> {
  const rows = Object.keys(HOOK_SETTINGS).map((key) => [key, "hosts"]);
  return Object.fromEntries(rows) as Record<HookKey, Reach>;
}

function overrideReach(): Readonly<Record<`pools[].${PoolSettingKey}`, Reach>> {
  const rows = Object.entries(POOL_REACH).map(([key, reach]) => [`pools[].${key}`, reach]);
  return Object.fromEntries(rows) as Record<`pools[].${PoolSettingKey}`, Reach>;
}
