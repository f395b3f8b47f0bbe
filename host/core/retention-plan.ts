/**
 * What may be deleted from a pool's part of the vault. Pure, and the place where such a protocol dies: a deleted name can
 * be created again by a node that slept.
 *
 * - Fences and `format` records: never.
 * - Other records: only below the oldest of the retained checkpoints. There are at least two of those, each verified and
 *   attested by another than its maker, and the newest of them was seen here, on the own monotonic clock, for `cleanDelay`.
 * - Checkpoints: only below the oldest retained one, so that each one kept can be rolled forward to the head.
 * - Nothing while hosts find different states.
 */
import type { CheckpointId } from "../../shared/checkpoint/manifest-codec.ts";
import type { JournalRecord } from "../../shared/journal/record.ts";
import type { Slot } from "../../shared/position.ts";

export interface CheckpointFact extends CheckpointId {
  /** When this process first saw its manifest, on its own monotonic clock. */
  readonly firstSeenMs: number;
  /** Read again from the vault, and on the chain that ends at the own head. */
  readonly verified: boolean;
  readonly attested: boolean;
}

export interface RetentionFacts {
  readonly nowMs: number;
  /** Well above what the share may cache. */
  readonly cleanDelayMs: number;
  /** Checkpoints that are kept; two at least, whatever it says. */
  readonly keep: number;
  /** Slot of the own state, which is that of the primary. */
  readonly headSlot: Slot;
  /** All that are listed. */
  readonly checkpoints: readonly CheckpointFact[];
  /** A slot at which hosts found different states. */
  readonly disagreement: Slot | null;
}

export type RetentionPlan =
  | { readonly type: "keep"; readonly reason: string }
  | {
      readonly type: "clean";
      /** Slot of the oldest retained checkpoint: nothing at or above it is touched. */
      readonly horizon: Slot;
      /** Newest first. */
      readonly retained: readonly CheckpointId[];
      readonly obsolete: readonly CheckpointId[];
    };

const LEAST_KEPT = 2;

export function planRetention(facts: RetentionFacts): RetentionPlan {
  const { checkpoints, disagreement, headSlot } = facts;
  if (disagreement !== null) return keep(`hosts found different states at slot ${disagreement}`);
  const beyond = checkpoints.find(({ slot }) => slot > headSlot);
  if (beyond) return keep(`there is a checkpoint of slot ${beyond.slot}, beyond the own ${headSlot}`);
  const retained = retain(facts);
  const oldest = retained.at(-1);
  if (!oldest || retained.length < LEAST_KEPT) {
    return keep(`${retained.length} checkpoints are verified, attested and old enough; ${LEAST_KEPT} are needed`);
  }
  return {
    type: "clean",
    horizon: oldest.slot,
    retained: retained.map(idOf),
    obsolete: checkpoints.filter(({ slot }) => slot < oldest.slot).map(idOf),
  };
}

/** Whether a record that was read and found intact may go. `chain`: slots of the fences that the chain reaches. */
export function mayDelete(record: JournalRecord, horizon: Slot, chain: ReadonlySet<Slot>): boolean {
  const { kind, header } = record;
  if (header.slot >= horizon || chain.has(header.slot)) return false;
  return kind === "batch" || kind === "release";
}

/** The newest that counts and is old enough, and those below it that count, as many as are kept; one for each slot. */
function retain({ checkpoints, nowMs, cleanDelayMs, keep: wanted }: RetentionFacts): readonly CheckpointFact[] {
  const good = checkpoints
    .filter(({ verified, attested }) => verified && attested)
    .toSorted((one, other) => other.slot - one.slot)
    .filter(({ slot }, index, all) => all[index - 1]?.slot !== slot);
  const newest = good.findIndex(({ firstSeenMs }) => nowMs - firstSeenMs >= cleanDelayMs);
  return newest < 0 ? [] : good.slice(newest, newest + Math.max(LEAST_KEPT, wanted));
}

const idOf = ({ slot, stateHash }: CheckpointFact): CheckpointId => ({ slot, stateHash });
const keep = (reason: string): RetentionPlan => ({ type: "keep", reason });
