/**
 * What this proxy tells others of clocks: rounded, and only as new as it has to be, since each change is a new version for
 * everybody. A node's offset is told anew when it has moved by more than its error, and now and then anyway.
 */
import type { Clock } from "../shared/clock.ts";
import type { PeerClocks } from "../shared/clocks/peer-clocks.ts";
import type { NodeId } from "../shared/ids.ts";
import type { Content } from "./core/observation.ts";

type ToldClock = Content["clocks"][number];

/** Nodes that one proxy speaks of. */
const MAX_NODES = 32;
const AGE_MS = 10_000;

export class ToldClocks {
  readonly #self: NodeId;
  readonly #clocks: PeerClocks;
  readonly #clock: Clock;
  #told = new Map<NodeId, { readonly entry: ToldClock; readonly atMs: number }>();

  constructor({ self, clocks, clock }: { self: NodeId; clocks: PeerClocks; clock: Clock }) {
    this.#self = self;
    this.#clocks = clocks;
    this.#clock = clock;
  }

  list(): ToldClock[] {
    const nowMs = this.#clock.monotonicMs();
    const before = this.#told;
    this.#told = new Map();
    for (const [node, { offsetMs, errorMs }] of this.#clocks.heardOffsets()) {
      if (node === this.#self || this.#told.size >= MAX_NODES) continue;
      const old = before.get(node);
      const isFresh = old !== undefined && nowMs - old.atMs < AGE_MS;
      const hasMoved = old !== undefined && Math.abs(old.entry.offsetMs - offsetMs) > old.entry.errorMs;
      const entry = { node, offsetMs: tenths(offsetMs), errorMs: tenths(errorMs) };
      this.#told.set(node, isFresh && !hasMoved ? old : { entry, atMs: nowMs });
    }
    return [...this.#told.values()].map(({ entry }) => entry);
  }
}

const tenths = (ms: number): number => Math.round(ms * 10) / 10;
