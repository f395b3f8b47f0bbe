/**
 * Warns of listeners that other machines can reach and that nothing guards: no TLS, and no signature on what comes in.
 * Messages between nodes are signed, and the admin listener is on loopback, so these are the two that requests come in by.
 */
import { formatAddress, type Address, type Config } from "../config/config.ts";
import { isLoopback } from "../config/parse-address.ts";
import type { NodeId } from "../ids.ts";
import type { Log } from "../log.ts";

interface OpenListener {
  /** The key of the configuration, or the option of the command line. */
  readonly listener: string;
  readonly address: string;
  /** What would guard it. */
  readonly configure: string;
}

export function warnOfOpenListeners(config: Config, id: NodeId, log: Log): void {
  for (const open of openListeners(config, id)) warnOf(open, log);
}

/** An application alone has no configuration, so no TLS of its own. */
export function warnOfOpenStandalone(listen: Address, log: Pick<Log, "warn">): void {
  if (isLoopback(listen.host)) return;
  warnOf({ listener: "listen", address: formatAddress(listen), configure: "a proxy with TLS in front of it" }, log);
}

function warnOf(open: OpenListener, log: Pick<Log, "warn">): void {
  log.warn({ event: "open-listener", ...open }, "a listener is reached from other machines without TLS or signature");
}

/** Those of the node `id`. */
export function openListeners({ proxies, hosts, tls }: Config, id: NodeId): readonly OpenListener[] {
  const open = (listen: Address, listener: string, section: "public" | "data"): readonly OpenListener[] =>
    tls[section] !== null || isLoopback(listen.host)
      ? []
      : [{ listener, address: formatAddress(listen), configure: `tls.${section}` }];
  return [
    ...proxies.filter((proxy) => proxy.id === id).flatMap(({ listen }) => open(listen, "proxies[].listen", "public")),
    ...hosts.filter((host) => host.id === id).flatMap(({ listen }) => open(listen, "hosts[].listen", "data")),
  ];
}
