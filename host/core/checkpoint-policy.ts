/**
 * When the next checkpoint is due. Pure.
 *
 * Due is: the journal since the last one is longer than the limit and than half the image (a restore then costs at most
 * half as much again), or the interval is over and something changed, or somebody asked. One runs, one waits; the next
 * begins no sooner than four times the last one's duration after its end, so that checkpoints take at most a fifth of
 * the time. Only an urgent one, for nodes that are stuck, does not wait for that. A failed one is tried again after a pause.
 */

export interface CheckpointLimits {
  /** Journal since the last checkpoint. */
  readonly bytes: number;
  readonly intervalMs: number;
}

/** `now`: nodes are stuck until there is one. */
export type Urgency = "soon" | "now";

export interface CheckpointPolicy {
  /** Journal since the snapshot of the last one, of batches that changed something. */
  readonly journalBytes: number;
  /** Size of the last image; of the store before the first. */
  readonly imageBytes: number;
  /** When the last one began; when this began to count before the first. */
  readonly sinceMs: number;
  readonly notBeforeMs: number;
  /** Holds for urgent ones too. */
  readonly retryNotBeforeMs: number;
  readonly running: { readonly beganMs: number; readonly journalBytes: number } | null;
  readonly waiting: { readonly reason: string; readonly urgency: Urgency } | null;
}

export type CheckpointEvent =
  | { readonly type: "committed"; readonly bytes: number }
  | { readonly type: "requested"; readonly reason: string; readonly urgency: Urgency }
  | { readonly type: "began" }
  | { readonly type: "published"; readonly imageBytes: number }
  | { readonly type: "failed" };

const SPACING = 4;
const RETRY_MS = 5_000;

/** `journalBytes`: what the pool's journal already holds beyond the newest checkpoint, as far as known. */
export function beginPolicy(imageBytes: number, journalBytes: number, nowMs: number): CheckpointPolicy {
  return {
    journalBytes,
    imageBytes,
    sinceMs: nowMs,
    notBeforeMs: nowMs,
    retryNotBeforeMs: nowMs,
    running: null,
    waiting: null,
  };
}

export function step(state: CheckpointPolicy, event: CheckpointEvent, nowMs: number): CheckpointPolicy {
  switch (event.type) {
    case "committed":
      return { ...state, journalBytes: state.journalBytes + event.bytes };
    case "requested":
      return { ...state, waiting: join(state.waiting, event) };
    case "began":
      // What is asked for or committed from here on is not in this one.
      return {
        ...state,
        running: { beganMs: nowMs, journalBytes: state.journalBytes },
        journalBytes: 0,
        sinceMs: nowMs,
        waiting: null,
      };
    case "published":
      return { ...state, ...ended(state, nowMs), imageBytes: event.imageBytes };
    case "failed":
      return {
        ...state,
        ...ended(state, nowMs),
        journalBytes: state.journalBytes + (state.running?.journalBytes ?? 0),
        retryNotBeforeMs: nowMs + RETRY_MS,
      };
  }
}

/** Why a checkpoint is due now; `null` if none is. */
export function dueReason(state: CheckpointPolicy, limits: CheckpointLimits, nowMs: number): string | null {
  const { waiting } = state;
  if (state.running || nowMs < state.retryNotBeforeMs) return null;
  if (waiting?.urgency === "now") return waiting.reason;
  if (nowMs < state.notBeforeMs) return null;
  if (waiting) return waiting.reason;
  if (state.journalBytes > Math.max(limits.bytes, state.imageBytes / 2)) return "size of the journal";
  return state.journalBytes > 0 && nowMs - state.sinceMs >= limits.intervalMs ? "interval" : null;
}

function ended({ running }: CheckpointPolicy, nowMs: number): Pick<CheckpointPolicy, "running" | "notBeforeMs"> {
  const durationMs = running ? nowMs - running.beganMs : 0;
  return { running: null, notBeforeMs: nowMs + SPACING * durationMs };
}

function join(
  waiting: CheckpointPolicy["waiting"],
  { reason, urgency }: { readonly reason: string; readonly urgency: Urgency },
): NonNullable<CheckpointPolicy["waiting"]> {
  if (!waiting) return { reason, urgency };
  return waiting.urgency === "soon" && urgency === "now" ? { reason, urgency } : waiting;
}
