/**
 * Serving: one batch in flight, published at the own last slot + 1. The put is the only check there is: whoever finds the
 * slot taken is deposed, and a pause of any length before, in or after it does no harm.
 */
import { assert } from "../../shared/errors.ts";
import type { RecordId } from "../../shared/ids.ts";
import { extend, slotAfter, type Head } from "../../shared/journal/head.ts";
import type { RecordHeader, ReleasePayload, SealedRecord } from "../../shared/journal/record.ts";
import { encodeRecord } from "../../shared/journal/record-codec.ts";
import { lsn } from "../../shared/position.ts";
import type { Discarded, Effect, PoolEvent, PoolState, PoolStep, Primary, Takeover } from "./pool-state.ts";
import { beginPublication, stepPublication, type PublicationOutcome, type PublicationStep } from "./publication.ts";
import { beginDeposition, endDeposition, leave } from "./deposition.ts";
import { firstWatch, onWatched, onWatchRead, watch } from "./primary-watch.ts";
import { answerTickets, becomeFenced, stay, withPrimary } from "./transitions.ts";

/** A tenure that lasted so long is not part of a crash loop. */
export const STABLE_MS = 30_000;

/** The header of the record that follows `head` in its own tenure. */
export function headerAfter(head: Head, id: RecordId, commits: number, logTimeMs: number): RecordHeader {
  return {
    version: head.writeVersion,
    origin: head.origin,
    slot: slotAfter(head),
    epoch: head.fence.epoch,
    owner: head.fence.owner,
    bootId: head.fence.bootId,
    id,
    previousHash: head.hash,
    firstLsn: lsn(head.lsn + 1),
    commits,
    logTimeMs: Math.max(logTimeMs, head.logTimeMs),
  };
}

/** The record by which a tenure ends of its owner's own will. */
export const releaseRecord = (head: Head, id: RecordId, release: ReleasePayload): SealedRecord =>
  encodeRecord({ kind: "release", header: headerAfter(head, id, 0, head.logTimeMs), release });

export function startTenure({ tickets, timings }: Takeover, head: Head, now: number): Primary {
  return {
    fence: head.fence,
    stage: "opening",
    call: null,
    tickets,
    timings,
    head,
    publication: null,
    publicationCall: null,
    nextHead: null,
    takenBy: null,
    uncommitted: false,
    endsBecause: null,
    successor: null,
    watch: firstWatch(head, now),
  };
}

/** The last step of a takeover: the shell opens for writing and runs what the schema lacks. */
export function open(state: PoolState, takeover: Takeover, head: Head, now: number): PoolStep {
  const call = state.calls + 1;
  const primary: Primary = { ...startTenure(takeover, head, now), call };
  return { state: { ...state, calls: call, phase: { type: "primary", primary } }, effects: [{ type: "open", call }] };
}

/** Publishes `sealed`, a release, and then stands back, whatever becomes of it. */
export function resign(state: PoolState, primary: Primary, sealed: SealedRecord, reason: string): PoolStep {
  const { record } = sealed;
  const successor = record.kind === "release" ? record.release.successor : null;
  return publish(state, { ...primary, stage: "resigning", endsBecause: reason, successor }, sealed);
}

export function stepPrimary(state: PoolState, primary: Primary, event: PoolEvent, now: number): PoolStep {
  switch (event.type) {
    case "opened":
      return primary.call === event.call ? onOpened(state, primary, event, now) : stay(state);
    case "publish":
      assert(primary.stage !== "resigning", "a batch after the release");
      return publish(state, primary, event.sealed);
    case "resign":
      return resign(state, primary, event.sealed, event.reason);
    case "committed":
      return onCommitted(state, primary);
    case "put":
    case "synced":
      if (event.call !== primary.publicationCall || !primary.publication) return stay(state);
      return onPublication(state, primary, stepPublication(primary.publication, event, now));
    case "read":
      return onRead(state, primary, event, now);
    case "surveyed":
      return onSurveyed(state, primary, event, now);
    case "tick":
      return onTick(state, primary, now);
    case "ordered":
      return onOrdered(state, primary, event.ticket, event.order.fence);
    default:
      return stay(state);
  }
}

function onSurveyed(
  state: PoolState,
  primary: Primary,
  event: PoolEvent & { type: "surveyed" },
  now: number,
): PoolStep {
  const { takenBy, publicationCall, watch } = primary;
  if (takenBy && event.call === publicationCall) return endDeposition(state, primary, takenBy, event.survey);
  return event.call === watch.call ? onWatched(state, primary, event.survey, now) : stay(state);
}

function onOpened(state: PoolState, primary: Primary, event: PoolEvent & { type: "opened" }, now: number): PoolStep {
  if (event.error !== null) {
    const { seed, error } = event;
    const sealed = releaseRecord(primary.head, seed.id, { successor: null, cause: error });
    const step = resign(state, primary, sealed, error);
    const answer = { outcome: "refused", reason: error, fence: primary.fence, timings: null } as const;
    return answerTickets(primary.tickets, answer, step);
  }
  const timings = { ...primary.timings, servingMs: now };
  const serving: Primary = { ...primary, stage: "serving", call: null, tickets: [], timings };
  const answer = { outcome: "serving", reason: "", fence: primary.fence, timings } as const;
  return answerTickets(primary.tickets, answer, stay(withPrimary(state, serving)));
}

/** An order that names an older fence is out of date; the same owner need not be deposed by itself. */
function onOrdered(state: PoolState, primary: Primary, ticket: number, named: RecordId | null): PoolStep {
  if (primary.stage === "opening") {
    return stay(withPrimary(state, { ...primary, tickets: [...primary.tickets, ticket] }));
  }
  const own = named === primary.fence.id && primary.stage === "serving";
  const answer = own
    ? ({ outcome: "serving", reason: "already serving", fence: primary.fence, timings: primary.timings } as const)
    : ({
        outcome: "refused",
        reason: "the fence to depose is not the newest",
        fence: primary.fence,
        timings: null,
      } as const);
  return answerTickets([ticket], answer, stay(state));
}

// --- Publishing -----------------------------------------------------------------------------------------------------

function publish(state: PoolState, primary: Primary, sealed: SealedRecord): PoolStep {
  assert(primary.publication === null && !primary.uncommitted, "two batches in flight");
  const extension = extend(primary.head, sealed);
  assert(extension.ok, "the own batch does not follow the own head");
  return onPublication(state, { ...primary, nextHead: extension.head }, beginPublication(sealed));
}

function onRead(state: PoolState, primary: Primary, event: PoolEvent & { type: "read" }, now: number): PoolStep {
  const [sealed] = event.run.records;
  if (event.call === primary.publicationCall && primary.publication) {
    const found = sealed ? ({ type: "record", sealed } as const) : (event.run.stop ?? ({ type: "absent" } as const));
    return onPublication(state, primary, stepPublication(primary.publication, { type: "found", found }, now));
  }
  if (event.call !== primary.watch.call) return stay(state);
  return onWatchRead(state, primary, event.run, now);
}

function onPublication(state: PoolState, primary: Primary, step: PublicationStep): PoolStep {
  if (step.type === "done") return onOutcome(state, primary, step.outcome);
  const { publication } = step;
  if (step.type === "wait") return stay(withPrimary(state, { ...primary, publication }));
  const call = state.calls + 1;
  return {
    state: { ...withPrimary(state, { ...primary, publication, publicationCall: call }), calls: call },
    effects: [publicationEffect(step.type, call, publication.sealed)],
  };
}

function publicationEffect(type: "put" | "read" | "sync", call: number, sealed: SealedRecord): Effect {
  const { slot: at } = sealed.record.header;
  switch (type) {
    case "put":
      return { type, call, sealed };
    case "read":
      return { type, call, from: at, to: at };
    case "sync":
      return { type, call, slot: at };
  }
}

function onOutcome(state: PoolState, primary: Primary, outcome: PublicationOutcome): PoolStep {
  if (primary.stage === "resigning") return stay(standBack(state, primary));
  switch (outcome.type) {
    case "published":
      return onPublished(state, primary);
    case "taken":
      return beginDeposition(state, primary, outcome.sealed);
    case "refused":
      return discard(withPrimary(state, settled(primary)), { type: "refused", error: outcome.error });
    case "undurable":
      return leave(becomeFenced(state, outcome.error.message, "sick"), primary, { type: "unknown" });
    case "unpassable":
      // It may be the own record, damaged after it was published: nobody can tell, so nobody is told.
      return leave(becomeFenced(state, outcome.reason, "fit"), primary, { type: "unknown" });
  }
}

/** Whatever became of the release: whom it names is only a hint. */
function standBack(state: PoolState, { fence, successor, endsBecause }: Primary): PoolState {
  const cause = endsBecause ?? "it resigned";
  const heir = successor === null ? null : { fence: fence.id, host: successor, cause };
  return { ...becomeFenced(state, cause, "fit"), heir };
}

function onPublished(state: PoolState, primary: Primary): PoolStep {
  const { nextHead } = primary;
  assert(nextHead !== null, "published without knowing where that leads");
  const moved: Primary = { ...settled(primary), head: nextHead, uncommitted: true };
  return { state: withPrimary(state, moved), effects: [{ type: "commit", head: nextHead }] };
}

function onCommitted(state: PoolState, primary: Primary): PoolStep {
  assert(primary.uncommitted, "committed what was not published");
  return stay({ ...withPrimary(state, { ...primary, uncommitted: false }), applied: primary.head });
}

const discard = (state: PoolState, outcome: Discarded): PoolStep => ({
  state,
  effects: [{ type: "discard", outcome }],
});

const settled = (primary: Primary): Primary => ({
  ...primary,
  publication: null,
  publicationCall: null,
  nextHead: null,
});

function onTick(state: PoolState, primary: Primary, now: number): PoolStep {
  const steady = markStable(state, primary, now);
  return primary.publication
    ? onPublication(steady, primary, stepPublication(primary.publication, { type: "tick" }, now))
    : watch(steady, primary, now);
}

function markStable(state: PoolState, { stage, timings }: Primary, now: number): PoolState {
  const { lastTenure } = state;
  if (stage !== "serving" || !lastTenure || lastTenure.stable) return state;
  return now - (timings.servingMs ?? now) < STABLE_MS
    ? state
    : { ...state, lastTenure: { ...lastTenure, stable: true } };
}
