/**
 * Which version of the protocol to speak to whom. What a peer speaks is known from what it answers; until then it is
 * addressed in the oldest version that this node speaks, which most nodes understand.
 */
import type { ErrorDetails } from "../errors.ts";
import type { NodeId } from "../ids.ts";
import { commonVersion, type ProtocolRange } from "./protocol-range.ts";

export class PeerVersions {
  readonly #own: ProtocolRange;
  /** As many entries as the cluster ever had nodes. */
  readonly #peers = new Map<NodeId, ProtocolRange>();

  constructor(own: ProtocolRange) {
    this.#own = own;
  }

  versionFor(to: NodeId): number {
    const theirs = this.#peers.get(to);
    return (theirs && commonVersion(this.#own, theirs)) ?? this.#own.min;
  }

  learn(to: NodeId, { min, max }: ProtocolRange): void {
    this.#peers.set(to, { min, max });
  }

  /** From the details of HS_MESSAGE_VERSION, which have the range of whoever refused. */
  learnFromRefusal(to: NodeId, { min, max }: ErrorDetails): void {
    if (typeof min === "number" && typeof max === "number") this.learn(to, { min, max });
  }
}
