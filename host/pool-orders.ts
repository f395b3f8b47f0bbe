/** Orders that wait for the core's decision, by ticket. Each is answered exactly once. */
import { parseNodeId, type NodeId, type RecordId } from "../shared/ids.ts";
import type { FenceRef, Phases, Vote } from "../shared/journal/record.ts";
import type { Answer, Request, VoteMessage } from "../shared/wire/messages.ts";
import { phasesOf } from "./core/phases.ts";
import type { Order, OrderAnswer, Seed } from "./core/pool-state.ts";

/** Steps of a proxy that a fence keeps: it is read by everybody for ever, so it stays small. */
const MOST_PHASES = 16;

export class PoolOrders {
  readonly #waiting = new Map<number, (answer: Answer<"promote">) => void>();
  #tickets = 0;
  #ended: OrderAnswer | null = null;

  /** A new ticket; `answered` resolves when the order with it is decided. */
  take(): { readonly ticket: number; readonly answered: Promise<Answer<"promote">> } {
    const ticket = ++this.#tickets;
    const answered = new Promise<Answer<"promote">>((resolve) => this.#waiting.set(ticket, resolve));
    if (this.#ended) this.answer(ticket, this.#ended);
    return { ticket, answered };
  }

  /** Nothing is decided any more: who waits is refused, and whoever comes. */
  end(fence: FenceRef | null): void {
    this.#ended = { outcome: "refused", reason: "the host stops", fence, timings: null };
    for (const ticket of this.#waiting.keys()) this.answer(ticket, this.#ended);
  }

  answer(ticket: number, { outcome, reason, fence, timings }: OrderAnswer): void {
    this.#waiting.get(ticket)?.({ outcome, reason, fence, phases: timings ? phasesOf(timings) : {} });
    this.#waiting.delete(ticket);
  }
}

/** The order that a message is. */
export function orderOf(request: Request<"promote">, orderedBy: NodeId, { id, origin, wallMs }: Seed): Order {
  return {
    reason: request.planned === true ? "switchover" : "order",
    fence: request.fence as RecordId | null,
    orderedBy,
    cause: request.cause,
    votes: request.votes.map(voteOf),
    ...(request.phases && { phases: phasesIn(request.phases) }),
    seed: id,
    origin,
    wallMs,
  };
}

const voteOf = ({ by, verdict, standsFor, seenAtMs }: VoteMessage): Vote => ({
  by: parseNodeId(by),
  verdict,
  ...(standsFor !== undefined && { standsFor: parseNodeId(standsFor) }),
  ...(seenAtMs !== undefined && { seenAtMs }),
});

/** The schema does not look at keys with a line's end: what is no number there would make the fence invalid. */
function phasesIn(phases: Readonly<Record<string, unknown>>): Phases {
  const entries = Object.entries(phases).flatMap(([step, ms]): [string, number][] =>
    typeof ms === "number" && Number.isFinite(ms) ? [[step, ms]] : [],
  );
  return Object.fromEntries(entries.slice(0, MOST_PHASES));
}
