/**
 * Whose state is wrong, where hosts found different ones at the same mark. Pure.
 *
 * Where a majority of at least three agrees, who differs is wrong, be it the primary. Else nobody can tell, and the
 * primary's state is the one that clients have seen: a standby that differs from it is wrong.
 */
import type { NodeId, Sha256 } from "../../shared/ids.ts";
import type { Slot } from "../../shared/position.ts";
import type { Claim } from "./attestation.ts";

export interface WrongState {
  readonly slot: Slot;
  readonly reason: string;
}

/** The newest mark at which the state of `self` is wrong; `null` if there is none. */
export function judgeOwnState(self: NodeId, primary: NodeId | null, claims: readonly Claim[]): WrongState | null {
  const hashed = claims.filter(({ how }) => how === "hashed");
  const marks = hashed.filter(({ host }) => host === self).toSorted((one, other) => other.slot - one.slot);
  for (const { slot, hash } of marks) {
    const wrong = judgeMark(
      self,
      primary,
      hash,
      hashed.filter((claim) => claim.slot === slot),
    );
    if (wrong !== null) return { slot, reason: wrong };
  }
  return null;
}

function judgeMark(self: NodeId, primary: NodeId | null, own: Sha256, there: readonly Claim[]): string | null {
  const right = majorityOf(there);
  if (right !== null) return right === own ? null : `a majority of ${there.length} hosts found another state`;
  const theirs = there.find(({ host }) => host === primary)?.hash;
  if (primary === self || theirs === undefined || theirs === own) return null;
  return `the primary ${primary} found another state`;
}

function majorityOf(there: readonly Claim[]): Sha256 | null {
  if (there.length < 3) return null;
  const agreeing = (hash: Sha256): number => there.filter((claim) => claim.hash === hash).length;
  return there.find(({ hash }) => agreeing(hash) * 2 > there.length)?.hash ?? null;
}
