/** What carries a proxy's requests, made from its configuration: in its own process, or in workers. */
import { Registry } from "prom-client";
import type { Config } from "../shared/config/config.ts";
import type { NodeId } from "../shared/ids.ts";
import { logAccess } from "./log-note.ts";
import type { ProxyOptions } from "./proxy-options.ts";
import { DataPlane, type DataPlaneOptions } from "./relay/data-plane.ts";
import type { Traffic, TrafficSettings } from "./relay/traffic.ts";

type Own = Pick<DataPlaneOptions, "settings" | "bootId" | "logTimeMs" | "trafficFailed">;

export function openTraffic({ clock, sockets, log, traffic }: ProxyOptions, own: Own): Traffic {
  const logged = { logAccess: (entry: Parameters<typeof logAccess>[1]): void => logAccess(log, entry) };
  const parts: DataPlaneOptions = { ...own, ...logged, clock, sockets, register: new Registry() };
  return traffic === undefined ? new DataPlane(parts) : traffic(parts);
}

/** @param addresses of hosts' data listeners. */
export function trafficSettings(
  config: Config,
  self: NodeId,
  addresses: TrafficSettings["addresses"],
): TrafficSettings {
  const { pools, takeover, proxies } = config;
  const { trust = [], accessLog = false } = proxies.find(({ id }) => id === self) ?? {};
  return { pools, addresses, lingerMs: takeover.timeoutMs, trust, accessLog };
}
