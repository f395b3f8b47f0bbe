/**
 * Step 2 of a takeover: publish a fence at the first free slot. Who finds it taken goes on behind that record, whose name
 * the publication has made durable; a fence there means that somebody else won.
 */
import { assert } from "../../shared/errors.ts";
import { extend, originHash, slotAfter } from "../../shared/journal/head.ts";
import { FIRST_WRITE_VERSION } from "../../shared/journal/record-formats.ts";
import type { SealedRecord } from "../../shared/journal/record.ts";
import { encodeRecord } from "../../shared/journal/record-codec.ts";
import { epoch, lsn } from "../../shared/position.ts";
import { confirm } from "./takeover-confirm.ts";
import { ask, deriveId, endTakeover, noteFence, refuse, stamp } from "./takeover-ends.ts";
import type { PoolEvent, PoolState, PoolStep, Takeover, TakeoverStage } from "./pool-state.ts";
import { beginPublication, stepPublication, type PublicationOutcome, type PublicationStep } from "./publication.ts";
import { becomeFenced, stay } from "./transitions.ts";

export type Fencing = TakeoverStage & { readonly type: "fencing" };

export function fence(state: PoolState, takeover: Takeover, now: number): PoolStep {
  // Read since the takeover began: who was taken out never fences.
  if (state.offline !== null) return refuse(state, takeover, state.offline, now);
  const newest = takeover.verified?.fence ?? null;
  if ((newest?.id ?? null) !== takeover.order.fence) {
    return refuse(noteFence(state, takeover.verified), takeover, "the fence to depose is not the newest", now);
  }
  return onPublicationStep(state, takeover, beginPublication(makeFence(state, takeover)), now);
}

/** Every try has an id of its own, made from the order's chance and the slot. */
function makeFence({ settings }: PoolState, { order, verified }: Takeover): SealedRecord {
  const at = slotAfter(verified);
  const origin = verified?.origin ?? order.origin;
  const previous = verified && { slot: verified.fence.slot, id: verified.fence.id, hash: verified.fence.hash };
  const { reason, orderedBy, cause, votes, phases, wallMs } = order;
  return encodeRecord({
    kind: "fence",
    header: {
      version: verified?.writeVersion ?? FIRST_WRITE_VERSION,
      origin,
      slot: at,
      epoch: epoch((verified?.fence.epoch ?? 0) + 1),
      owner: settings.self,
      bootId: settings.bootId,
      id: deriveId(order, at),
      previousHash: verified?.hash ?? originHash(origin),
      firstLsn: lsn((verified?.lsn ?? 0) + 1),
      commits: 0,
      logTimeMs: verified?.logTimeMs ?? 0,
    },
    fence: {
      previous,
      schema: settings.schema,
      reason,
      orderedBy,
      cause,
      votes,
      ...(phases && { phases }),
      wallMs,
    },
  });
}

export function onFencing(
  state: PoolState,
  takeover: Takeover,
  { publication }: Fencing,
  event: PoolEvent,
  now: number,
): PoolStep {
  if (event.type === "put") {
    return onPublicationStep(state, takeover, stepPublication(publication, event, now), now);
  }
  if (event.type === "synced") {
    return onPublicationStep(state, takeover, stepPublication(publication, event, now), now);
  }
  if (event.type !== "read") return stay(state);
  const [sealed] = event.run.records;
  const found = sealed ? ({ type: "record", sealed } as const) : (event.run.stop ?? ({ type: "absent" } as const));
  return onPublicationStep(state, takeover, stepPublication(publication, { type: "found", found }, now), now);
}

function onPublicationStep(state: PoolState, takeover: Takeover, step: PublicationStep, now: number): PoolStep {
  if (step.type === "done") return onFenceOutcome(state, takeover, step.outcome, now);
  const { publication } = step;
  const at = publication.sealed.record.header.slot;
  const stage = (call: number): TakeoverStage => ({ type: "fencing", call, publication });
  switch (step.type) {
    case "put":
      return ask(state, takeover, stage, (call) => ({ type: "put", call, sealed: publication.sealed }));
    case "read":
      return ask(state, takeover, stage, (call) => ({ type: "read", call, from: at, to: at }));
    case "sync":
      return ask(state, takeover, stage, (call) => ({ type: "sync", call, slot: at }));
    case "wait":
      return stay({ ...state, phase: { type: "taking-over", takeover, stage: stage(currentCall(state)) } });
  }
}

function onFenceOutcome(state: PoolState, takeover: Takeover, outcome: PublicationOutcome, now: number): PoolStep {
  switch (outcome.type) {
    case "published":
      return onFenced(state, takeover, now);
    case "taken":
      return onTaken(state, takeover, outcome.sealed, now);
    case "refused":
      return refuse(state, takeover, outcome.error.message, now);
    case "undurable":
      return endTakeover(state, takeover, outcome.error.message, {
        state: becomeFenced(state, outcome.error.message, "sick"),
        effects: [],
      });
    case "unpassable":
      return refuse(state, takeover, `slot ${slotAfter(takeover.verified)} cannot be passed: ${outcome.reason}`, now);
  }
}

/** A record took the slot. If it is a fence, somebody else won; whether that one is history, following will show. */
function onTaken(state: PoolState, takeover: Takeover, sealed: SealedRecord, now: number): PoolStep {
  const extension = extend(takeover.verified, sealed);
  if (!extension.ok) return refuse(state, takeover, extension.violation.reason, now);
  if (sealed.record.kind === "fence") return refuse(state, takeover, "another host fenced first", now);
  return fence(state, { ...takeover, verified: extension.head }, now);
}

function onFenced(state: PoolState, takeover: Takeover, now: number): PoolStep {
  const { phase } = state;
  assert(phase.type === "taking-over" && phase.stage.type === "fencing", "a fence was published that nobody put");
  const extension = extend(takeover.verified, phase.stage.publication.sealed);
  assert(extension.ok, "the own fence does not follow what was verified");
  return confirm(state, stamp(takeover, "fencedMs", now), extension.head);
}

export function onFenceTick(state: PoolState, takeover: Takeover, stage: Fencing, now: number): PoolStep {
  return onPublicationStep(state, takeover, stepPublication(stage.publication, { type: "tick" }, now), now);
}

const currentCall = ({ phase }: PoolState): number => (phase.type === "taking-over" ? (phase.stage.call ?? 0) : 0);
