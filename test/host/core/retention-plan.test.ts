import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { attest, findDisagreement, type Claim } from "../../../host/core/attestation.ts";
import {
  mayDelete,
  planRetention,
  type CheckpointFact,
  type RetentionFacts,
} from "../../../host/core/retention-plan.ts";
import type { NodeId, Sha256 } from "../../../shared/ids.ts";
import type { JournalRecord } from "../../../shared/journal/record.ts";
import { slot, type Slot } from "../../../shared/position.ts";

const hash = (value: number): Sha256 => value.toString(16).padStart(64, "0") as Sha256;

const checkpoint = (at: number, changes: Partial<CheckpointFact> = {}): CheckpointFact => ({
  slot: slot(at),
  stateHash: hash(at),
  firstSeenMs: 0,
  verified: true,
  attested: true,
  ...changes,
});

const plan = (checkpoints: readonly CheckpointFact[], changes: Partial<RetentionFacts> = {}) =>
  planRetention({
    nowMs: 1000,
    cleanDelayMs: 600,
    keep: 2,
    headSlot: slot(100),
    checkpoints,
    disagreement: null,
    ...changes,
  });

describe("what may be deleted", () => {
  test.each<[string, CheckpointFact[], Partial<RetentionFacts>, number | null]>([
    ["nothing without checkpoints", [], {}, null],
    ["nothing with one", [checkpoint(50)], {}, null],
    ["all below the older of two", [checkpoint(50), checkpoint(40)], {}, 40],
    ["what lies below the second of three", [checkpoint(60), checkpoint(50), checkpoint(40)], {}, 50],
    [
      "what lies below the third when three are kept",
      [checkpoint(60), checkpoint(50), checkpoint(40)],
      { keep: 3 },
      40,
    ],
    ["two are kept, even if one is wanted", [checkpoint(60), checkpoint(50)], { keep: 1 }, 50],
    ["nothing when the newer is not attested", [checkpoint(50, { attested: false }), checkpoint(40)], {}, null],
    ["nothing when the older is not verified", [checkpoint(50), checkpoint(40, { verified: false })], {}, null],
    [
      "nothing when the newer was seen too short a time ago",
      [checkpoint(50, { firstSeenMs: 401 }), checkpoint(40)],
      {},
      null,
    ],
    [
      "the pair before, while the newest is too fresh",
      [checkpoint(60, { firstSeenMs: 900 }), checkpoint(50), checkpoint(40)],
      {},
      40,
    ],
    [
      "one unattested in between does not count",
      [checkpoint(60), checkpoint(50, { attested: false }), checkpoint(40)],
      {},
      40,
    ],
    ["two of one slot count as one", [checkpoint(50), checkpoint(50, { stateHash: hash(7) })], {}, null],
    ["nothing while states differ", [checkpoint(50), checkpoint(40)], { disagreement: slot(45) }, null],
    ["nothing when one lies beyond the own head", [checkpoint(50), checkpoint(40)], { headSlot: slot(45) }, null],
  ])("%s", (_, checkpoints, changes, horizon) => {
    const result = plan(checkpoints, changes);
    expect(result.type === "clean" ? result.horizon : null).toBe(horizon);
  });

  test("obsolete is every checkpoint below the horizon, whatever its state", () => {
    const result = plan([checkpoint(60), checkpoint(50), checkpoint(40, { verified: false }), checkpoint(30)]);
    expect(result).toMatchObject({
      type: "clean",
      obsolete: [{ slot: 40 }, { slot: 30 }],
      retained: [{ slot: 60 }, { slot: 50 }],
    });
  });
});

const anyCheckpoint = fc.record({
  slot: fc.integer({ min: 1, max: 40 }).map(slot),
  stateHash: fc.integer({ min: 0, max: 3 }).map(hash),
  firstSeenMs: fc.integer({ min: 0, max: 1000 }),
  verified: fc.boolean(),
  attested: fc.boolean(),
});

const anyFacts: fc.Arbitrary<RetentionFacts> = fc.record({
  nowMs: fc.constant(1000),
  cleanDelayMs: fc.integer({ min: 0, max: 1200 }),
  keep: fc.integer({ min: 0, max: 4 }),
  headSlot: fc.integer({ min: 20, max: 40 }).map(slot),
  checkpoints: fc.array(anyCheckpoint, { maxLength: 8 }),
  disagreement: fc.option(fc.integer({ min: 1, max: 40 }).map(slot), { freq: 5 }),
});

test("whatever the facts: two good ones with all that follows them stay, and one of them is old enough", () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const result = planRetention(facts);
      if (result.type === "keep") return;
      const { horizon, retained, obsolete } = result;
      expect(facts.disagreement).toBeNull();
      expect(new Set(retained.map(({ slot }) => slot)).size).toBeGreaterThanOrEqual(
        Math.max(2, Math.min(2, facts.keep)),
      );
      for (const { slot: at, stateHash } of retained) {
        expect(at).toBeGreaterThanOrEqual(horizon);
        const fact = facts.checkpoints.find(
          (known) => known.slot === at && known.stateHash === stateHash && known.verified && known.attested,
        );
        expect(fact).toBeDefined();
      }
      const newest = facts.checkpoints.filter(
        (known) => known.slot === retained[0]!.slot && known.verified && known.attested,
      );
      expect(newest.some(({ firstSeenMs }) => facts.nowMs - firstSeenMs >= facts.cleanDelayMs)).toBe(true);
      for (const { slot: at } of obsolete) expect(at).toBeLessThan(horizon);
    }),
    { numRuns: 2000 },
  );
});

describe("a record may go", () => {
  const record = (kind: string, at: number): JournalRecord => ({ kind, header: { slot: slot(at) } }) as JournalRecord;

  test("whatever kind, horizon and chain: never a fence or a format, never at or above the horizon, never on the chain", () => {
    const kinds = fc.constantFrom("batch", "fence", "release", "format");
    const slots = fc.integer({ min: 1, max: 30 });
    fc.assert(
      fc.property(kinds, slots, slots, fc.array(slots), (kind, at, horizon, chain) => {
        const onChain = new Set<Slot>(chain.map(slot));
        if (!mayDelete(record(kind, at), slot(horizon), onChain)) return;
        expect(["batch", "release"]).toContain(kind);
        expect(at).toBeLessThan(horizon);
        expect(onChain.has(slot(at))).toBe(false);
      }),
    );
  });

  test("if it is a batch or a release below the horizon", () => {
    expect(mayDelete(record("batch", 4), slot(5), new Set())).toBe(true);
    expect(mayDelete(record("release", 4), slot(5), new Set())).toBe(true);
  });
});

describe("attestation", () => {
  const [a, b, c] = ["host-a", "host-b", "host-c"] as NodeId[];
  const claim = (host: NodeId | undefined, value: number, how: Claim["how"] = "hashed"): Claim => ({
    host: host!,
    slot: slot(5),
    hash: hash(value),
    how,
  });
  const id = { slot: slot(5), stateHash: hash(5) };

  test.each<[string, Claim[], string]>([
    ["nobody's word", [], "unattested"],
    ["its maker's own word", [claim(a, 5)], "unattested"],
    ["its maker restored it", [claim(a, 5, "restored")], "unattested"],
    ["another has the same state there", [claim(a, 5), claim(b, 5)], "attested"],
    ["another restored it", [claim(b, 5, "restored")], "attested"],
    ["another restored another one of that slot", [claim(b, 6, "restored")], "unattested"],
    ["one agrees, one does not", [claim(b, 5), claim(c, 6)], "contradicted"],
    ["its maker found another state", [claim(b, 5), claim(a, 6)], "contradicted"],
  ])("%s: %s", (_, claims, expected) => {
    expect(attest(id, a!, claims).type).toBe(expected);
  });

  test("hosts disagree where two found different states, not where each looked elsewhere", () => {
    expect(findDisagreement([claim(a, 5), claim(b, 5), claim(c, 6)])).toBe(5);
    expect(findDisagreement([claim(a, 5), { ...claim(b, 6), slot: slot(7) }])).toBeNull();
  });
});
