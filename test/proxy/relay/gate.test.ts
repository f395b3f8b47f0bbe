/** Who may go, and when: with a clock that stands still. */
import { describe, expect, it } from "vitest";
import type { Clock } from "../../../shared/clock.ts";
import { parseNodeId } from "../../../shared/ids.ts";
import { Gate, type OpenRoute, type Waiter } from "../../../proxy/relay/gate.ts";

const STILL: Clock = { monotonicMs: () => 0, wallMs: () => 0, after: () => () => undefined };
const [A, B] = [parseNodeId("host-a"), parseNodeId("host-b")];
const at = (host: OpenRoute["host"], epoch: number): OpenRoute => ({ host, epoch });

/** As a request that was at `last` when that seemed to end; it calls `settled` at once, or leaves it to the test. */
class Asker implements Waiter {
  readonly went: OpenRoute[] = [];
  readonly #last: OpenRoute | null;
  readonly #endsAtOnce: boolean;
  settled: () => void = () => undefined;

  constructor(last: OpenRoute | null, { endsAtOnce = false } = {}) {
    this.#last = last;
    this.#endsAtOnce = endsAtOnce;
  }

  isSuspectAt(route: OpenRoute | null): boolean {
    return this.#last !== null && !(route?.host === this.#last.host && route.epoch === this.#last.epoch);
  }

  go(route: OpenRoute, settled: () => void): void {
    this.went.push(route);
    this.settled = settled;
    if (this.#endsAtOnce) settled();
  }

  turnedAway(): void {
    throw new Error("there is room");
  }
}

const BOUNDS = { requests: 100_000, bytes: 1 << 30, waitMs: 30_000 };
const gone = (askers: readonly Asker[]): number => askers.filter(({ went }) => went.length > 0).length;

function parked(count: number, last: OpenRoute | null, how = {}): { readonly gate: Gate; readonly askers: Asker[] } {
  const gate = new Gate(BOUNDS, STILL, 128);
  const askers = Array.from({ length: count }, () => new Asker(last, how));
  for (const asker of askers) gate.enter(asker, 1, 30_000);
  expect(gate.parked).toBe(count);
  return { gate, askers };
}

describe("a gate that opens", () => {
  it.each([null, at(A, 1)])("lets go 50,000 that end as soon as they go, without running out of stack (%j)", (last) => {
    const { gate, askers } = parked(50_000, last, { endsAtOnce: true });
    gate.setRoute(at(B, 2));
    expect([gone(askers), gate.parked]).toEqual([50_000, 0]);
  });

  it("lets those that were at a host that ended go one by one", () => {
    const { gate, askers } = parked(10, at(A, 1));
    gate.setRoute(at(B, 2));
    for (let count = 1; count <= 10; count++) {
      expect(gone(askers)).toBe(count);
      askers[count - 1]!.settled();
    }
  });

  it("lets them go all at once where they were, if that serves on", () => {
    const { gate, askers } = parked(100, at(A, 1));
    gate.setRoute(at(A, 1));
    expect(gone(askers)).toBe(100);
  });

  it("lets no more go at once than it may, whoever they are", () => {
    const { gate, askers } = parked(300, at(A, 1));
    const others = Array.from({ length: 300 }, () => new Asker(null));
    for (const other of others) gate.enter(other, 1, 30_000);
    gate.setRoute(at(A, 1));
    expect(gone([...askers, ...others])).toBe(128);
  });
});
