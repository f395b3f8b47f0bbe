/**
 * Which other proxies live, as this one sees it. Pure.
 *
 * A proxy lives while its beat goes on, whoever tells of it: so one that only this proxy cannot reach is not silent. One
 * that was refused a moment ago, or whose beat has stood still for long, is suspect; one that stays so is dead. Either is
 * refuted by the next beat, also of a new life. Judged on the own monotonic clock alone.
 */
import type { NodeId } from "../../shared/ids.ts";

export interface Peer {
  readonly id: NodeId;
  /** When a beat of it was last new here; `null`: never yet. */
  readonly heardMs: number | null;
  /** Since when every attempt to reach it was refused; `null`: it was heard since. */
  readonly refusedMs: number | null;
  /** When this proxy began to wait for its first beat. */
  readonly awaitedMs: number;
}

/** `unknown`: not heard yet, and not waited for long enough to say more. */
export type PeerState = "unknown" | "alive" | "suspect" | "dead";

export interface PeerBounds {
  readonly suspectMs: number;
  readonly deadMs: number;
}

export const newPeer = (id: NodeId, nowMs: number): Peer => ({
  id,
  heardMs: null,
  refusedMs: null,
  awaitedMs: nowMs,
});

export function peerState({ heardMs, refusedMs, awaitedMs }: Peer, nowMs: number, bounds: PeerBounds): PeerState {
  const silentMs = nowMs - (heardMs ?? awaitedMs);
  if (silentMs >= bounds.deadMs) return "dead";
  if (silentMs >= bounds.suspectMs || refusedMs !== null) return "suspect";
  return heardMs === null ? "unknown" : "alive";
}

/** Nobody votes for a silent proxy but a standby. */
export const isSilent = (state: PeerState): boolean => state === "suspect" || state === "dead";

export const peerHeard = (peer: Peer, nowMs: number): Peer => ({ ...peer, heardMs: nowMs, refusedMs: null });

export const peerRefused = (peer: Peer, nowMs: number): Peer => ({ ...peer, refusedMs: peer.refusedMs ?? nowMs });

/** This proxy was away itself for so long: the time does not count, and who was silent before still is. */
export const peerForgiven = (peer: Peer, awayMs: number): Peer => ({
  ...peer,
  heardMs: peer.heardMs === null ? null : peer.heardMs + awayMs,
  awaitedMs: peer.awaitedMs + awayMs,
});
