/**
 * Group commit: runs waiting writes in one open batch until a bound is met, and answers them together afterwards.
 * Nothing that a group holds is true before its batch is committed: no answer, a refusal neither, leaves earlier.
 *
 * Order: `fillGroup`, `batch.seal()`, publish, commit, `settleGroup`; or `rejectGroup`; or, if the batch was void,
 * `queue.putBack(group)`.
 */
import type { Clock } from "../shared/clock.ts";
import { assert, HotspareError, isHotspareError } from "../shared/errors.ts";
import type { Lsn } from "../shared/position.ts";
import type { Batch, WriteOutcome } from "./store/store.ts";
import { isSentAgain, mayBeSettled, type WaitingWrite, type WriteQueue } from "./write-queue.ts";

/** The writes that one batch took, in order. */
export type Group = readonly WaitingWrite[];

/** At which size a batch is closed. Checked between writes, so one write may pass `bytes` and `durationMs` by itself. */
export interface GroupBounds {
  readonly writes: number;
  readonly bytes: number;
  /** Time spent in executing. */
  readonly durationMs: number;
}

/** 1,000 writes, 4 MiB of change sets, 10 ms. */
export const GROUP_BOUNDS: GroupBounds = { writes: 1000, bytes: 4 * 1024 * 1024, durationMs: 10 };

/**
 * Executes the queue's oldest writes in `batch` until a bound is met or none waits.
 * @throws what `execute` throws, which the local store does only when it fails; nobody was answered, all wait again.
 */
export function fillGroup(batch: Batch, queue: WriteQueue, bounds: GroupBounds, clock: Clock): Group {
  const endMs = clock.monotonicMs() + bounds.durationMs;
  const group: WaitingWrite[] = [];
  try {
    while (group.length < bounds.writes && batch.bytes < bounds.bytes) {
      const [waiting] = queue.take(1);
      if (!waiting) break;
      group.push(waiting);
      if (batch.execute(waiting.write) === "full") {
        queue.putBack(group.splice(-1));
        break;
      }
      if (clock.monotonicMs() >= endMs) break;
    }
    return group;
  } catch (error) {
    queue.putBack(group);
    throw error;
  }
}

/** Answers everyone in the group: its batch is committed, or what it found out is proven without one. */
export function settleGroup(group: Group, outcomes: readonly WriteOutcome[]): void {
  for (const [index, waiting] of group.entries()) {
    const outcome = outcomes[index];
    assert(outcome !== undefined, "a batch has an outcome for each write that it took");
    if (outcome.type === "refused") waiting.reject(outcome.error);
    else waiting.settle({ value: outcome.value, lsn: outcome.lsn, replayed: outcome.replayed });
  }
}

/**
 * The vault refused the group's batch with `error`. Rejects those whose write certainly did not happen, and returns the others, with
 * what is to be proven of them: a host that was deposed and does not know it yet can meet a full vault too, and does not know what was
 * settled since.
 */
export function refuseGroup(
  group: Group,
  outcomes: readonly WriteOutcome[],
  { firstLsn, error }: { readonly firstLsn: Lsn; readonly error: HotspareError },
): { readonly doubtful: Group; readonly outcomes: readonly WriteOutcome[] } {
  const doubtful: WaitingWrite[] = [];
  const found: WriteOutcome[] = [];
  for (const [index, waiting] of group.entries()) {
    const outcome = outcomes[index];
    const wasSettled = outcome?.type === "settled" && outcome.lsn < firstLsn;
    if (!wasSettled && !mayBeSettled(waiting.write)) {
      waiting.reject(error);
      continue;
    }
    doubtful.push(waiting);
    found.push(wasSettled ? outcome : { type: "refused", error });
  }
  return { doubtful, outcomes: found };
}

/**
 * What the group found out cannot be proven, because of `error`. That speaks of a record which was not written just now; what was
 * settled, or was sent before, may have happened all the same.
 */
export function rejectUnproven(group: Group, outcomes: readonly WriteOutcome[], error: unknown): void {
  const isOfPool = isHotspareError(error) && OF_POOL.has(error.code);
  for (const [index, { write, reject }] of group.entries()) {
    if (isOfPool) reject(error);
    else if (isSentAgain(write)) reject(new HotspareError("HS_NOT_APPLIED"));
    else {
      const unknown = outcomes[index]?.type === "settled" || mayBeSettled(write);
      reject(unknown ? new HotspareError("HS_OUTCOME_UNKNOWN") : error);
    }
  }
}

/** These claim nothing of a write. */
const OF_POOL: ReadonlySet<string> = new Set(["HS_NOT_PRIMARY", "HS_NOT_APPLIED", "HS_OUTCOME_UNKNOWN"]);

/** Tells everyone in the group the same failure, whatever became of each: not one outcome of it may be believed. */
export function rejectGroup(group: Group, error: unknown): void {
  for (const { reject } of group) reject(error);
}
