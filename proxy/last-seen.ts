/** When this proxy last heard of each other node: an answered heartbeat of a host, a new beat of a proxy, whoever told it. */
import type { NodeId } from "../shared/ids.ts";
import type { ProxyState } from "./core/proxy-state.ts";

/** Milliseconds since then, by node; one that was never heard is not there. */
export function lastSeen({ hosts, gossip }: ProxyState, nowMs: number): ReadonlyMap<NodeId, number> {
  const seen: [NodeId, number | null][] = [
    ...[...hosts.values()].map(({ host, report }): [NodeId, number | null] => [host, report?.sentMs ?? null]),
    ...[...gossip.peers.values()].map(({ id, heardMs }): [NodeId, number | null] => [id, heardMs]),
  ];
  return new Map(seen.flatMap(([id, atMs]) => (atMs === null ? [] : [[id, Math.max(0, nowMs - atMs)]])));
}
