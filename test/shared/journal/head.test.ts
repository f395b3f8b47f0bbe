import { describe, expect, test } from "vitest";
import { extend } from "../../../shared/journal/head.ts";
import { encodeRecord } from "../../../shared/journal/record-codec.ts";
import type { RecordHeader } from "../../../shared/journal/record.ts";
import type { BootId, NodeId, OriginId, Sha256 } from "../../../shared/ids.ts";
import { epoch, lsn, slot } from "../../../shared/position.ts";
import { knowUpTo } from "./known-formats.ts";
import { Chain } from "./records.ts";

const OTHER_HASH = "ee".repeat(32) as Sha256;
const OTHER_ID = "dd".repeat(16);

function started(): Chain {
  const chain = new Chain();
  chain.fence("host-a");
  chain.batch([], 3);
  return chain;
}

describe("what may follow what", () => {
  test("a history of fences, batches and a release is followed to its head", () => {
    const chain = started();
    chain.release();
    chain.fence("host-b");
    chain.batch([], 2);
    expect(chain.head).toMatchObject({ slot: 5, lsn: 5, fence: { slot: 4, epoch: 2, owner: "host-b" } });
  });

  const wrong: [string, Partial<RecordHeader>, string][] = [
    ["a hole", { slot: slot(4) }, "wrong-slot"],
    ["a record of another pool", { origin: OTHER_ID as OriginId }, "wrong-origin"],
    ["a record that follows another history", { previousHash: OTHER_HASH }, "not-history"],
    ["a batch of a deposed epoch", { epoch: epoch(0) }, "wrong-tenure"],
    ["a batch of somebody who has not fenced", { owner: "host-b" as NodeId }, "wrong-tenure"],
    ["a batch of the owner's former life", { bootId: OTHER_ID as BootId }, "wrong-tenure"],
    ["a batch that leaves out a commit", { firstLsn: lsn(5) }, "wrong-count"],
    ["a log time that goes back", { logTimeMs: 0 }, "wrong-count"],
  ];
  test.each(wrong)("%s is refused", (_, changes, type) => {
    const chain = started();
    const sealed = encodeRecord({ kind: "batch", header: chain.header(changes), operations: [] });
    expect(extend(chain.head, sealed)).toMatchObject({ ok: false, violation: { type } });
  });

  test("a fence that skips an epoch is refused", () => {
    const chain = started();
    const fence = {
      previous: null,
      schema: [],
      reason: "order",
      orderedBy: null,
      cause: "",
      votes: [],
      wallMs: 0,
    } as const;
    const sealed = encodeRecord({ kind: "fence", header: chain.header({ epoch: epoch(3) }), fence });
    expect(extend(chain.head, sealed)).toMatchObject({ ok: false, violation: { type: "wrong-fence" } });
  });

  test("a fence that does not name the one before it is refused", () => {
    expect(() => started().fence("host-b", { previous: null })).toThrow(/name the fence/);
  });

  test("a pool that does not begin with a fence is refused", () => {
    expect(() => new Chain().batch()).toThrow(/not a fence/);
  });
});

describe("what is written in which version", () => {
  const batchOf = (chain: Chain, changes: Partial<RecordHeader>) =>
    encodeRecord({ kind: "batch", header: chain.header(changes), operations: [] });
  const formatOf = (chain: Chain, writeVersion: number, changes: Partial<RecordHeader> = {}) =>
    encodeRecord({ kind: "format", header: chain.header(changes), format: { writeVersion } });

  test("a pool begins with the first version, and goes on with what a format record says, over fences too", () => {
    knowUpTo(3);
    const chain = started();
    expect(chain.head?.writeVersion).toBe(1);
    expect(chain.format(2).record.header.version).toBe(1);
    expect(chain.batch().record.header.version).toBe(2);
    expect(chain.fence("host-b").record.header.version).toBe(2);
    chain.format(3);
    expect(chain.release().record.header.version).toBe(3);
    expect(chain.head?.writeVersion).toBe(3);
  });

  test("a writer that is ahead of the history is refused: others could not read it", () => {
    knowUpTo(2);
    const chain = started();
    const violation = { type: "wrong-format", reason: "version 2 where 1 is written" };
    expect(extend(chain.head, batchOf(chain, { version: 2 }))).toMatchObject({ ok: false, violation });
    expect(extend(chain.head, formatOf(chain, 2, { version: 2 }))).toMatchObject({ ok: false, violation });
    const first = new Chain();
    const fence = {
      previous: null,
      schema: [],
      reason: "cold",
      orderedBy: null,
      cause: "",
      votes: [],
      wallMs: 0,
    } as const;
    const sealed = encodeRecord({ kind: "fence", header: first.header({ version: 2 }), fence });
    expect(extend(null, sealed)).toMatchObject({ ok: false, violation });
  });

  test("an older version than is written takes nothing from anybody", () => {
    knowUpTo(2);
    const chain = started();
    chain.format(2);
    expect(extend(chain.head, batchOf(chain, { version: 1 })).ok).toBe(true);
  });

  test("a format record that lowers the version is refused, one that says it again is not", () => {
    knowUpTo(2);
    const chain = started();
    chain.format(2);
    expect(extend(chain.head, formatOf(chain, 1))).toMatchObject({ ok: false, violation: { type: "wrong-format" } });
    expect(extend(chain.head, formatOf(chain, 2)).ok).toBe(true);
  });

  test("a format record of a deposed epoch raises nothing", () => {
    knowUpTo(2);
    const chain = started();
    chain.fence("host-b");
    const sealed = formatOf(chain, 2, { epoch: epoch(1) });
    expect(extend(chain.head, sealed)).toMatchObject({ ok: false, violation: { type: "wrong-tenure" } });
  });

  test("a program that does not know the version goes no further, and says which it knows", () => {
    const chain = started();
    const violation = { type: "newer", reason: "its format 2 is newer than this program reads (1)" };
    expect(extend(chain.head, formatOf(chain, 2))).toMatchObject({ ok: false, violation });
  });
});
