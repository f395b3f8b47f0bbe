import { describe, expect, test } from "vitest";
import { extend } from "../../../shared/journal/head.ts";
import { encodeRecord } from "../../../shared/journal/record-codec.ts";
import type { RecordHeader } from "../../../shared/journal/record.ts";
import type { BootId, NodeId, OriginId, Sha256 } from "../../../shared/ids.ts";
import { epoch, lsn, slot } from "../../../shared/position.ts";
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
