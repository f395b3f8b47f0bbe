import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  estimateOffset,
  learnExchange,
  type ClockExchange,
  type ClockReading,
  type ClockSamples,
} from "../../../shared/clocks/clock-estimate.ts";

const HOUR_MS = 3_600_000;

/** The own node and another, in true time: wall clocks are read in whole milliseconds. */
class Two {
  nowMs = 1_000;
  readonly ownRate: number;
  readonly peerRate: number;
  ownSetMs: number;
  peerSetMs: number;
  samples: ClockSamples = [];

  constructor({ ownRate = 1, peerRate = 1, ownSetMs = 5_000_000, peerSetMs = 5_000_000 } = {}) {
    this.ownRate = ownRate;
    this.peerRate = peerRate;
    this.ownSetMs = ownSetMs;
    this.peerSetMs = peerSetMs;
  }

  get reading(): ClockReading {
    return { monotonicMs: this.nowMs * this.ownRate, wallMs: Math.floor(this.nowMs * this.ownRate + this.ownSetMs) };
  }

  get peerWallMs(): number {
    return Math.floor(this.nowMs * this.peerRate + this.peerSetMs);
  }

  get truthMs(): number {
    return this.nowMs * (this.peerRate - this.ownRate) + this.peerSetMs - this.ownSetMs;
  }

  exchange({ thereMs = 0.2, atPeerMs = 0, backMs = 0.2 } = {}): ClockExchange {
    const askedMs = this.reading.monotonicMs;
    this.nowMs += thereMs;
    const receivedMs = this.peerWallMs;
    this.nowMs += atPeerMs;
    const sentMs = this.peerWallMs;
    this.nowMs += backMs;
    const { monotonicMs: answeredMs, wallMs } = this.reading;
    return { askedMs, answeredMs, wallMs, receivedMs, sentMs };
  }

  learn(way: Parameters<Two["exchange"]>[0] = {}, restMs = 0): this {
    this.samples = learnExchange(this.samples, this.exchange(way));
    this.nowMs += restMs;
    return this;
  }

  get estimate() {
    return estimateOffset(this.samples, this.reading);
  }
}

/** How far the estimate is from the truth, and what it says of that. */
const wrong = (two: Two): { readonly byMs: number; readonly errorMs: number } => {
  const { offsetMs, errorMs } = two.estimate!;
  return { byMs: Math.abs(offsetMs - two.truthMs), errorMs };
};

const delayMs = fc.oneof(fc.double({ min: 0, max: 2, noNaN: true }), fc.double({ min: 0, max: 500, noNaN: true }));
const rate = fc.double({ min: 1 - 99e-6, max: 1 + 99e-6, noNaN: true });
const setMs = fc.double({ min: 10 * HOUR_MS, max: 20 * HOUR_MS, noNaN: true });
const never = { weight: 4, arbitrary: fc.constant(0) };
const ownStepMs = fc.oneof(never, fc.double({ min: -HOUR_MS, max: HOUR_MS, noNaN: true }));
/** More than what the errors of two exchanges can hide. */
const peerStepMs = fc.oneof(
  never,
  fc.double({ min: -HOUR_MS, max: -2_100, noNaN: true }),
  fc.double({ min: 2_100, max: HOUR_MS, noNaN: true }),
);
/** The wall clocks are set before the exchange. */
const event = fc.record({
  thereMs: delayMs,
  atPeerMs: delayMs,
  backMs: delayMs,
  restMs: fc.double({ min: 0, max: 20_000, noNaN: true }),
  ownStepMs,
  peerStepMs,
});

describe("an estimate of another clock", () => {
  it("is never further from the truth than it says, whatever the ways took, and whichever clock was set", () => {
    fc.assert(
      fc.property(rate, rate, setMs, setMs, fc.array(event, { minLength: 1, maxLength: 20 }), (...drawn) => {
        const [ownRate, peerRate, ownSetMs, peerSetMs, events] = drawn;
        const two = new Two({ ownRate, peerRate, ownSetMs, peerSetMs });
        for (const { restMs, ownStepMs, peerStepMs, ...way } of events) {
          two.ownSetMs += ownStepMs;
          two.peerSetMs += peerStepMs;
          two.learn(way);
          // A fraction for what floating point numbers of this size lose.
          expect(wrong(two).byMs).toBeLessThanOrEqual(wrong(two).errorMs + 0.001);
          two.nowMs += restMs;
          expect(wrong(two).byMs).toBeLessThanOrEqual(wrong(two).errorMs + 0.001);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("is half of the way there and back, less what the other took, and what reading a clock loses", () => {
    const two = new Two({ peerSetMs: 5_000_700 }).learn({ thereMs: 30, atPeerMs: 400, backMs: 10 });
    expect(two.estimate).toMatchObject({ offsetMs: expect.closeTo(710, 6), errorMs: expect.closeTo(22.088, 6) });
  });

  it("is that of the surest exchange, until its age has made it less sure than a later one", () => {
    const two = new Two({ peerSetMs: 5_000_000 });
    two.learn({ thereMs: 0, backMs: 0 }, 250).learn({ thereMs: 40, backMs: 0 }, 250);
    expect(two.estimate!.errorMs).toBeLessThan(3);
    for (let heartbeat = 0; heartbeat < 7; heartbeat += 1) two.learn({ thereMs: 40, backMs: 0 }, 250);
    expect(two.estimate!.errorMs).toBeGreaterThan(20);
  });

  it("shows that the other clock was set with the next exchange, even an unsure one", () => {
    const two = new Two().learn({}, 250).learn({}, 250);
    two.peerSetMs += 10_000;
    two.learn({ thereMs: 100, backMs: 20 });
    expect(two.estimate!.offsetMs).toBeCloseTo(10_040, 0);
  });

  it("is gone at once when the own clock was set, and right again with the next exchange", () => {
    const two = new Two().learn({}, 250);
    two.ownSetMs += 10_000;
    expect(two.estimate).toBeNull();
    expect(two.learn().estimate!.offsetMs).toBeCloseTo(-10_000, 0);
  });

  it("does not mind that the own clock is set during the exchange", () => {
    const two = new Two();
    const exchange = two.exchange();
    two.ownSetMs += 500;
    const late = { ...exchange, wallMs: two.reading.wallMs };
    expect(estimateOffset(learnExchange([], late), two.reading)!.offsetMs).toBeCloseTo(-500, 0);
  });

  it("learns nothing from an exchange in which the other clock was set", () => {
    const exchange = { askedMs: 0, answeredMs: 10, wallMs: 100, receivedMs: 5_000 };
    expect(learnExchange([], { ...exchange, sentMs: 4_999 })).toEqual([]);
    expect(learnExchange([], { ...exchange, sentMs: 9_000 })).toEqual([]);
  });

  it("is not changed by an answer that comes after one that was asked for later", () => {
    const two = new Two();
    const early = two.exchange();
    two.peerSetMs += 10_000;
    const after = learnExchange([], two.exchange());
    expect(learnExchange(after, early)).toBe(after);
  });

  it("falls out after a minute", () => {
    const two = new Two().learn({}, 59_000);
    expect(two.estimate).not.toBeNull();
    two.nowMs += 1_000;
    expect(two.estimate).toBeNull();
  });
});
