/**
 * What this node knows of the clocks of others, from whatever exchange carried time stamps: one per process, shared by all
 * that speak to others. For people, and for who is asked first; no rule of safety reads it.
 */
import type { Clock } from "../clock.ts";
import type { NodeId } from "../ids.ts";
import type { ClockOffset } from "../wire/messages.ts";
import { estimateOffset, learnExchange, type ClockReading, type ClockSamples } from "./clock-estimate.ts";
import { withToldOffsets, type ToldOffsets } from "./told-offsets.ts";
import { clockDeviation, clockDispute, type ClockDispute, type ClockOffsets } from "./clock-median.ts";

export interface PeerClocksOptions {
  readonly self: NodeId;
  readonly clock: Clock;
  /** `clock.offset`: a clock further off than that is wrong. */
  readonly boundMs: () => number;
}

/** When the own monotonic clock was asked with, and what the other's wall clock said. */
export interface ClockStamps {
  readonly askedMs: number;
  readonly receivedMs: number;
  readonly sentMs: number;
}

export class PeerClocks {
  readonly #options: PeerClocksOptions;
  readonly #peers = new Map<NodeId, ClockSamples>();
  #told: ToldOffsets = new Map();

  constructor(options: PeerClocksOptions) {
    this.#options = options;
  }

  /** To be called as soon as the answer is there. `node` must be a configured one, so that there are only so many. */
  heard(node: NodeId, stamps: ClockStamps): void {
    const { monotonicMs: answeredMs, wallMs } = this.#now();
    const samples = this.#peers.get(node) ?? [];
    this.#peers.set(node, learnExchange(samples, { ...stamps, answeredMs, wallMs }));
  }

  /** Of nodes that are not configured any more nothing is known: they would count in the median. */
  keep(nodes: ReadonlySet<string>): void {
    for (const node of this.#peers.keys()) if (!nodes.has(node)) this.#peers.delete(node);
  }

  /** What others say of the clocks that they see; it replaces what they said before. */
  tell(told: ToldOffsets): void {
    this.#told = told;
  }

  /** How far the node's clock is ahead of the own; `null`: not heard for a minute. */
  estimate(node: NodeId): ClockOffset | null {
    return this.estimates().get(node) ?? null;
  }

  /** Of every node that this one, or a node that it hears, heard lately; and of this one: no offset and no error. */
  estimates(): ClockOffsets {
    return withToldOffsets(this.heardOffsets(), this.#told);
  }

  /** Of every node that was heard lately, and of this one. */
  heardOffsets(): ClockOffsets {
    const now = this.#now();
    const offsets = new Map<NodeId, ClockOffset>([[this.#options.self, { offsetMs: 0, errorMs: 0 }]]);
    for (const [node, samples] of this.#peers) {
      const offset = estimateOffset(samples, now);
      if (offset !== null) offsets.set(node, offset);
    }
    return offsets;
  }

  /** How far the clock of a node, also of this one, is ahead of the median; `null`: there are not three to tell by. */
  deviationOf(node: NodeId): ClockOffset | null {
    return clockDeviation(this.estimates(), node);
  }

  /** Two clocks of which one is wrong, and nobody can say which. */
  dispute(): ClockDispute | null {
    return clockDispute(this.estimates(), this.#options.boundMs());
  }

  #now(): ClockReading {
    const { clock } = this.#options;
    return { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
  }
}
