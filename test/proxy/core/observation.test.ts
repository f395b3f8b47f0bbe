import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareStamps, isLivelier, mergeObservations } from "../../../proxy/core/observation.ts";
import { account, accounts, ORIGINS } from "./accounts.ts";

const [ORIGIN] = ORIGINS as [(typeof ORIGINS)[number]];
const any = accounts(ORIGIN);

describe("merging what is known of one proxy (I12)", () => {
  it("is commutative: two proxies that tell one another come to the same", () => {
    fc.assert(
      fc.property(any, any, (a, b) => {
        expect(mergeObservations(a, b)).toEqual(mergeObservations(b, a));
      }),
    );
  });

  it("is associative: by which way it came does not matter", () => {
    fc.assert(
      fc.property(any, any, any, (a, b, c) => {
        expect(mergeObservations(mergeObservations(a, b), c)).toEqual(mergeObservations(a, mergeObservations(b, c)));
      }),
    );
  });

  it("is idempotent: what comes twice, or comes back, changes nothing", () => {
    fc.assert(
      fc.property(any, any, (a, b) => {
        const merged = mergeObservations(a, b);
        expect(mergeObservations(a, a)).toEqual(a);
        expect(mergeObservations(merged, a)).toEqual(merged);
        expect(mergeObservations(merged, b)).toEqual(merged);
      }),
    );
  });

  it("never goes back: neither to an earlier version nor to an earlier beat", () => {
    fc.assert(
      fc.property(any, any, (a, b) => {
        const merged = mergeObservations(a, b);
        expect(compareStamps(merged, a)).toBeGreaterThanOrEqual(0);
        expect(isLivelier(a, merged)).toBe(false);
      }),
    );
  });

  it("takes the version that it says it takes: nothing is mixed from two", () => {
    fc.assert(
      fc.property(any, any, (a, b) => {
        const { content } = mergeObservations(a, b);
        expect([a.content, b.content]).toContainEqual(content);
      }),
    );
  });
});

describe("of two accounts the one that holds", () => {
  const early = account(ORIGIN, 1, 9, { beat: 9 });
  it.each([
    ["of the later life, whatever its version", early, account(ORIGIN, 3, 1)],
    ["of the greater boot id, in the same incarnation", early, account(ORIGIN, 2, 1)],
    ["of the higher version", account(ORIGIN, 1, 1), account(ORIGIN, 1, 2)],
    ["that was forgotten, of the same version", account(ORIGIN, 1, 1), account(ORIGIN, 1, 1, { content: null })],
  ])("is the one %s", (_, lower, higher) => {
    expect(mergeObservations(lower, higher)).toEqual(higher);
    expect(mergeObservations(higher, lower)).toEqual(higher);
  });

  it("keeps the later beat, which is no version", () => {
    const beating = account(ORIGIN, 1, 1, { beat: 7 });
    expect(mergeObservations(beating, account(ORIGIN, 1, 2, { beat: 3 }))).toEqual(account(ORIGIN, 1, 2, { beat: 7 }));
  });
});
