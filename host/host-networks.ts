/** The real network of a host: its data listener, its control listener, and messages to other nodes. */
import type { Config } from "../shared/config/config.ts";
import type { NodeId } from "../shared/ids.ts";
import type { Log } from "../shared/log.ts";
import { systemSockets } from "../shared/sockets.ts";
import { systemClock } from "../shared/system-clock.ts";
import { Networks } from "../shared/tls/networks.ts";
import { warnOfOpenListeners } from "../shared/tls/open-listeners.ts";

const SECTIONS = ["control", "data"] as const;

export type HostNetworks = Networks<(typeof SECTIONS)[number]>;

/** Says which of its listeners nothing guards. @throws {HotspareError} HS_TLS_UNUSABLE */
export async function openHostNetworks(config: Config, id: NodeId, log: Log): Promise<HostNetworks> {
  const { tls } = config;
  const networks = await Networks.open(SECTIONS, { tls, under: systemSockets, clock: systemClock, log });
  warnOfOpenListeners(config, id, log);
  return networks;
}
