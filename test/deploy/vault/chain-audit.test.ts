import { describe, expect, test } from "vitest";
import { ChainAudit, type ChainReport } from "../../../deploy/cli/vault/chain-audit.ts";
import type { Found } from "../../../host/core/publication.ts";
import { parsePoolId } from "../../../shared/ids.ts";
import type { Head } from "../../../shared/journal/head.ts";
import type { SealedRecord } from "../../../shared/journal/record.ts";
import { slot } from "../../../shared/position.ts";
import { Chain } from "../../shared/journal/records.ts";

const POOL = parsePoolId("main");

/** A history: fence 1, batches 2 and 3, fence 4, batches 5 and 6, release 7, fence 8, batch 9. */
interface History {
  readonly chain: Chain;
  /** By slot. */
  readonly heads: ReadonlyMap<number, Head>;
  readonly records: Map<number, Found>;
}

function history(): History {
  const chain = new Chain();
  const heads = new Map<number, Head>();
  const records = new Map<number, Found>();
  const write = (sealed: SealedRecord): void => {
    heads.set(sealed.record.header.slot, chain.head!);
    records.set(sealed.record.header.slot, { type: "record", sealed });
  };
  write(chain.fence("host-a"));
  write(chain.batch([], 2));
  write(chain.batch());
  write(chain.fence("host-b"));
  write(chain.batch());
  write(chain.batch());
  write(chain.release());
  write(chain.fence("host-c"));
  write(chain.batch());
  return { chain, heads, records };
}

function audit({ records, heads }: History, checkpoints: readonly number[] = []): ChainReport {
  const chain = new ChainAudit(
    POOL,
    checkpoints.map((at) => heads.get(at)!),
  );
  for (const [at, found] of [...records].toSorted(([a], [b]) => a - b)) chain.add(slot(at), found);
  return chain.finish();
}

/** A fence that a host published which had read no further than `records`. */
function lateFence(...records: readonly Found[]): Found {
  const late = new Chain();
  for (const found of records) if (found.type === "record") late.follow(found.sealed);
  return { type: "record", sealed: late.fence("host-z") };
}

const codes = ({ problems }: ChainReport): readonly string[] => problems.map(({ code }) => code);
const invalid: Found = { type: "invalid", reason: "its checksum is wrong" };

describe("a whole journal", () => {
  test("is followed to its head", () => {
    const one = history();
    expect(audit(one)).toMatchObject({
      records: 9,
      first: 1,
      head: one.chain.head,
      gaps: [],
      voidFences: [],
      problems: [],
    });
  });

  test("that is empty is right, and so is one that a checkpoint alone stands for", () => {
    const one = history();
    one.records.clear();
    expect(audit(one)).toMatchObject({ records: 0, first: null, head: null, problems: [] });
    expect(audit(one, [9])).toMatchObject({ head: one.heads.get(9), gaps: [{ from: 1, to: 9, coveredBy: 9 }] });
  });

  test("that was cleaned keeps its fences, and its gaps are covered", () => {
    const one = history();
    for (const at of [2, 3, 5]) one.records.delete(at);
    const report = audit(one, [6, 9]);
    expect(report).toMatchObject({ problems: [], voidFences: [], head: one.chain.head });
    expect(report.gaps).toEqual([
      { from: 2, to: 3, coveredBy: 6 },
      { from: 5, to: 5, coveredBy: 6 },
    ]);
  });

  test("goes on from a checkpoint whose next record begins a run", () => {
    const one = history();
    for (const at of [2, 3, 5, 6]) one.records.delete(at);
    expect(audit(one, [6])).toMatchObject({ problems: [], head: one.chain.head });
  });
});

describe("void fences", () => {
  test("in a cleaned place are told, and are no fault", () => {
    const one = history();
    const late = lateFence(one.records.get(1)!);
    for (const at of [2, 3]) one.records.delete(at);
    one.records.set(2, late);
    const report = audit(one, [6]);
    expect(report.voidFences).toMatchObject([{ slot: 2, owner: "host-z", epoch: 2 }]);
    expect(report).toMatchObject({ problems: [], gaps: [{ from: 3, to: 3, coveredBy: 6 }], head: one.chain.head });
  });

  test("right before a record of history are told, and that record is no fault", () => {
    const one = history();
    const late = lateFence(one.records.get(1)!, one.records.get(2)!);
    one.records.delete(2);
    one.records.set(3, late);
    const report = audit(one, [6]);
    expect(report.voidFences).toMatchObject([{ slot: 3, owner: "host-z" }]);
    expect(report.problems).toEqual([]);
  });

  test("that no checkpoint explains are a missing record", () => {
    const one = history();
    one.records.set(3, lateFence(one.records.get(1)!, one.records.get(2)!));
    expect(codes(audit(one))).not.toEqual([]);
  });
});

describe("what is not right", () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9])("a damaged record at slot %i is named", (at) => {
    const one = history();
    one.records.set(at, invalid);
    const [first] = audit(one, [9]).problems;
    expect(first).toMatchObject({ code: "HS_RECORD_INVALID" });
    expect(first?.message).toContain(String(at).padStart(16, "0"));
  });

  test.each([2, 3, 5, 6, 7])("a deleted record at slot %i is named, unless a checkpoint covers it", (at) => {
    const one = history();
    one.records.delete(at);
    expect(audit(one).problems).toMatchObject([{ code: "HS_RECORD_MISSING", details: { slot: at } }]);
    expect(audit(one, [at - 1]).problems).toMatchObject([{ code: "HS_RECORD_MISSING", details: { slot: at } }]);
    expect(audit(one, [at]).problems).toEqual([]);
  });

  test.each([1, 4, 8])("a deleted fence at slot %i is named, also below a checkpoint: none is ever deleted", (at) => {
    const one = history();
    one.records.delete(at);
    expect(codes(audit(one, [9]))).toEqual(["HS_RECORD_INVALID"]);
  });

  test("a record of another history is named", () => {
    const one = history();
    const other = new Chain();
    other.follow((one.records.get(1) as Found & { type: "record" }).sealed);
    other.batch([], 5);
    one.records.set(3, { type: "record", sealed: other.batch() });
    expect(audit(one).problems[0]).toMatchObject({
      code: "HS_RECORD_INVALID",
      details: { name: expect.stringMatching(/3$/) },
    });
  });

  test("a checkpoint of another history is named", () => {
    const one = history();
    const strange = { ...one.heads.get(6)!, hash: one.heads.get(5)!.hash };
    const chain = new ChainAudit(POOL, [strange]);
    for (const [at, found] of one.records) chain.add(slot(at), found);
    expect(codes(chain.finish())).toEqual(["HS_CHECKPOINT_INVALID"]);
  });

  test("a record of a newer format is named as such, not as damage", () => {
    const one = history();
    one.records.set(5, { type: "newer", version: 2 });
    expect(codes(audit(one, [5]))).toEqual(["HS_VAULT_FORMAT"]);
  });
});
