/** What a proxy's core is told, and what it asks for: all that passes between `proxy-state.ts` and its shell. */
import type { NodeId, PoolId } from "../../shared/ids.ts";
import type { Answer, Digest, Observation } from "../../shared/wire/messages.ts";
import type { HostReport } from "../../shared/wire/reports.ts";
import type { Decisions } from "../../shared/revisions/decisions.ts";
import type { GossipEffect } from "./gossip-sending.ts";
import type { Note } from "./note.ts";
import type { OwnState } from "./own-sight.ts";
import type { Order } from "./pool-view.ts";
import type { FailureKind } from "./probe-channel.ts";

/** Where a pool's requests go. `null`: they wait. */
export type Route = { readonly host: NodeId; readonly epoch: number } | null;

export type ProxyEvent =
  | { readonly type: "tick" }
  | {
      readonly type: "probeAnswered";
      readonly host: NodeId;
      readonly sentMs: number;
      readonly report: HostReport;
      readonly decisions?: Decisions | null;
    }
  | { readonly type: "probeFailed"; readonly host: NodeId; readonly sentMs: number; readonly kind: FailureKind }
  | { readonly type: "dataAnswered"; readonly host: NodeId; readonly sentMs: number }
  | { readonly type: "dataFailed"; readonly host: NodeId; readonly sentMs: number; readonly kind: FailureKind }
  /** A real request met an error, or an answer that says it went to the wrong host. */
  | { readonly type: "trafficFailed"; readonly host: NodeId }
  | {
      readonly type: "orderAnswered";
      readonly pool: PoolId;
      readonly host: NodeId;
      readonly sentMs: number;
      readonly answer: Answer<"promote">;
    }
  | {
      readonly type: "orderFailed";
      readonly pool: PoolId;
      readonly host: NodeId;
      readonly sentMs: number;
      readonly kind: FailureKind;
    }
  /** Another proxy told what is new. */
  | {
      readonly type: "gossipHeard";
      readonly from: NodeId;
      readonly observations: readonly Observation[];
      readonly digest: Digest;
    }
  | {
      readonly type: "gossipAnswered";
      readonly peer: NodeId;
      readonly observations: readonly Observation[];
      readonly wanted: readonly string[];
    }
  | { readonly type: "gossipFailed"; readonly peer: NodeId; readonly kind: FailureKind }
  | {
      readonly type: "voteAnswered";
      readonly pool: PoolId;
      readonly host: NodeId;
      readonly fence: string | null;
      readonly answer: Answer<"vote">;
    }
  /** The rules that it is given are others than before: hosts, pools or proxies came or went, or figures changed. */
  | { readonly type: "configured" }
  /** What the shell knows of this proxy itself has changed. */
  | { readonly type: "own"; readonly own: OwnState };

export type ProxyEffect =
  | { readonly type: "probe"; readonly host: NodeId; readonly bootId: string | null }
  | { readonly type: "probeData"; readonly host: NodeId }
  | { readonly type: "promote"; readonly pool: PoolId; readonly order: Order }
  | {
      readonly type: "askVote";
      readonly pool: PoolId;
      readonly host: NodeId;
      readonly bootId: string;
      readonly fence: string | null;
    }
  | { readonly type: "gossip"; readonly exchange: GossipEffect }
  /** From now on. */
  | { readonly type: "route"; readonly pool: PoolId; readonly route: Route }
  /** Down or replaced: what waits for this host's answer, up to this epoch, is to be sent again. Follows the new route. */
  | { readonly type: "abandon"; readonly pool: PoolId; readonly host: NodeId; readonly epoch: number }
  | { readonly type: "note"; readonly note: Note };

export const noted = (notes: readonly Note[]): ProxyEffect[] => notes.map((note) => ({ type: "note", note }));
