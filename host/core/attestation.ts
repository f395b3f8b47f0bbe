/**
 * Who vouches for a checkpoint. Pure. Its maker's word is not enough to delete records on: another host must have the same
 * state hash at its slot, or have restored it, or a separate process must have done so.
 */
import type { CheckpointId } from "../../shared/checkpoint/manifest-codec.ts";
import type { NodeId, Sha256 } from "../../shared/ids.ts";
import type { Slot } from "../../shared/position.ts";

/** One host's word on one slot. */
export interface Claim {
  readonly host: NodeId;
  readonly slot: Slot;
  readonly hash: Sha256;
  /** `hashed`: its own state there. `restored`: it restored that checkpoint. */
  readonly how: "hashed" | "restored";
}

export type Attestation =
  | { readonly type: "attested"; readonly by: NodeId }
  | { readonly type: "unattested" }
  /** A host found another state at its slot. */
  | { readonly type: "contradicted"; readonly by: NodeId };

/** @param maker Who made the checkpoint: its manifest's `by`. */
export function attest({ slot, stateHash }: CheckpointId, maker: NodeId, claims: readonly Claim[]): Attestation {
  const there = claims.filter((claim) => claim.slot === slot);
  const other = there.find(({ how, hash }) => how === "hashed" && hash !== stateHash);
  if (other) return { type: "contradicted", by: other.host };
  const witness = there.find(({ host, hash }) => host !== maker && hash === stateHash);
  return witness ? { type: "attested", by: witness.host } : { type: "unattested" };
}

/** A slot at which hosts found different states; `null` if they agree wherever two of them looked. */
export function findDisagreement(claims: readonly Claim[]): Slot | null {
  const seen = new Map<Slot, Sha256>();
  for (const { slot, hash, how } of claims) {
    if (how !== "hashed") continue;
    const known = seen.get(slot);
    if (known !== undefined && known !== hash) return slot;
    seen.set(slot, hash);
  }
  return null;
}
