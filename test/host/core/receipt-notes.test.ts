/** What a host notes on the way for its receipts: whom it deposed, how far it was, what turned out to be void. */
import { describe, expect, test } from "vitest";
import type { RecordId } from "../../../shared/ids.ts";
import type { FenceRef, SealedRecord } from "../../../shared/journal/record.ts";
import { encodeRecord } from "../../../shared/journal/record-codec.ts";
import { MAX_VOIDS, type Receipt, type ReceiptFence, type TenureEnd } from "../../../shared/receipt/receipt.ts";
import { decodeReceipt, decodeTenureEnd, encodeReceipt } from "../../../shared/receipt/receipt-codec.ts";
import { headerAfter, releaseRecord } from "../../../host/core/primary.ts";
import { receiptOf, tenureEndOf } from "../../../host/core/receipt-notes.ts";
import { Chain } from "../../shared/journal/records.ts";
import { headAt, history, PoolScript } from "./pool-script.ts";

const receipt = ({ state, notes }: PoolScript): Receipt | null =>
  receiptOf(state, notes, { servedAtMs: 7, version: "test" });
const end = ({ state, notes }: PoolScript): TenureEnd | null =>
  tenureEndOf(state, notes, { endedAtMs: 8, version: "test" });

const named = ({ slot, id, epoch, owner, bootId }: FenceRef): ReceiptFence => ({ slot, id, epoch, owner, bootId });

describe("the receipt of a takeover", () => {
  test("names the own fence, the deposed one, and where it serves from", () => {
    const chain = history(3);
    const deposed = chain.head!.fence;
    const script = PoolScript.standby(chain.head).toServing(chain);
    expect(receipt(script)).toMatchObject({
      fence: named(chain.head!.fence),
      previous: named(deposed),
      slot: 4,
      lsn: 2,
      replayed: 0,
      servedAtMs: 7,
      voidFences: [],
    });
  });

  test("counts what was not applied when it began, and has each phase", () => {
    const chain = history(5);
    const script = PoolScript.standby(headAt(chain, 2));
    script.ordered(chain.head!.fence.id);
    const after = (ms: number): void => void (script.now += ms);
    script.surveyed([2, 3, 4, 5]);
    after(1);
    script.readFrom(chain);
    chain.follow(script.asked("put").sealed);
    after(2);
    script.put("created");
    after(4);
    script.surveyed([]);
    script.readFrom(chain);
    after(8);
    script.applied();
    after(16);
    script.opened();
    expect(receipt(script)).toMatchObject({
      replayed: 3,
      phases: { verify: 1, fence: 2, confirm: 4, apply: 8, open: 16, total: 31 },
    });
  });

  test("of a new pool deposes nobody", () => {
    const script = PoolScript.standby(null);
    script.ordered(null);
    script.surveyed([]);
    const { sealed } = script.asked("put");
    script.put("created");
    script.surveyed([]);
    script.read([sealed]);
    script.applied();
    script.opened();
    expect(receipt(script)).toMatchObject({ fence: { epoch: 1 }, previous: null, slot: 1, lsn: 0 });
  });

  test("is there only while it serves", () => {
    const chain = history(3);
    const script = PoolScript.standby(chain.head).toConfirm(chain);
    expect(receipt(script)).toBeNull();
  });

  test("has the own fence that was void before, once", () => {
    const chain = history(3);
    const script = PoolScript.standby(chain.head).toConfirm(chain);
    const own = chain.head!.fence;
    const real = history(9);
    script.surveyed([5], [9]);
    script.read(real.records.slice(4, 5));
    expect(script.phase).toBe("restoring");
    script.restored({ type: "restored", head: real.head! });
    script.toServing(real);
    expect(receipt(script)?.voidFences).toEqual([named(own)]);
    script.send({ type: "resign", sealed: releaseRecord(real.head!, "f".repeat(32) as RecordId, release), reason: "" });
    script.put("created");
    expect(script.notes.voidFences).toEqual([]);
  });

  test("does not have the own fence where there is but a checkpoint beyond it: others may have gone on from it", () => {
    const chain = history(3);
    const script = PoolScript.standby(chain.head).toConfirm(chain);
    script.surveyed([], [9]);
    expect(script.phase).toBe("restoring");
    expect(script.notes.voidFences).toEqual([]);
  });

  test("has another's fence that it met as a standby, however often it looked", () => {
    const chain = history(3);
    const relic = chain.fence("host-c");
    const script = PoolScript.standby(headAt(chain, 3));
    script.tick();
    for (let tries = 0; tries < 3; tries += 1) {
      script.surveyed([3, 4], [9]);
      script.read([relic]);
    }
    expect(script.notes.voidFences).toEqual([chain.head!.fence]);
  });

  test("has no fence that only looked void, since the listing was older than a checkpoint beyond it", () => {
    const chain = history(3);
    const fence = chain.fence("host-c");
    chain.batch();
    const script = PoolScript.standby(headAt(chain, 3));
    script.tick();
    script.surveyed([3, 4], [9]);
    script.read([fence]);
    expect(script.notes.voidFences).toHaveLength(1);
    script.surveyed([3, 4, 5], [9]);
    script.readFrom(chain);
    script.applied();
    expect(script.state.applied?.fence.owner).toBe("host-c");
    expect(script.notes.voidFences).toEqual([]);
  });

  test("has no fence of another that a checkpoint led past: it may have been history", () => {
    const chain = history(3);
    const fence = chain.fence("host-c");
    const script = PoolScript.standby(headAt(chain, 3));
    script.tick();
    for (let tries = 0; tries < 3; tries += 1) {
      script.surveyed([3, 4], [9]);
      script.read([fence]);
    }
    expect(script.notes.voidFences).toHaveLength(1);
    for (let count = 0; count < 5; count += 1) chain.batch();
    script.restored({ type: "restored", head: chain.head! });
    expect(script.notes.voidFences).toEqual([]);
  });

  test("stays within its bound, and drops the oldest", () => {
    const chain = history(1);
    const script = PoolScript.standby(chain.head);
    const relics = Array.from({ length: MAX_VOIDS + 3 }, (_, index) => relicOf(chain, index));
    script.tick();
    for (const relic of relics) {
      for (let tries = 0; tries < 2; tries += 1) {
        script.surveyed([1, 2], [9]);
        script.read([relic]);
      }
      script.surveyed([1]);
      script.tick(1000);
    }
    const ids = relics.map(({ record }) => record.header.id);
    expect(script.notes.voidFences.map(({ id }) => id)).toEqual(ids.slice(-MAX_VOIDS));
  });
});

/** A fence that could follow the first record of `chain`, another each time. */
function relicOf({ records: [first] }: Chain, index: number): SealedRecord {
  const other = new Chain();
  other.follow(first!);
  const { record } = other.fence("host-c");
  return encodeRecord({ ...record, header: { ...record.header, id: `${index + 10}`.padStart(32, "0") as RecordId } });
}

const release = { successor: null, cause: "test" };

describe("what a deposed primary says", () => {
  /** Serves, publishes a batch, and finds another's fence in its slot. */
  function deposed(checkpoints: readonly number[]): PoolScript {
    const chain = history(3);
    const script = PoolScript.standby(chain.head).toServing(chain);
    const header = headerAfter(chain.head!, "e".repeat(32) as RecordId, 3, 99);
    script.send({ type: "publish", sealed: encodeRecord({ kind: "batch", header, operations: [] }) });
    script.put("exists");
    const fence = chain.fence("host-c");
    script.read([fence]);
    script.synced();
    script.read([fence]);
    expect(end(script)).toBeNull();
    script.surveyed([5], checkpoints);
    expect(script.phase).toBe("fenced");
    return script;
  }

  test.each([
    ["nothing was cleaned there: its batch is void", [], "void"],
    ["a checkpoint lies beyond: it cannot tell", [9], "unknown"],
  ])("%s", (_, checkpoints, fate) => {
    expect(end(deposed(checkpoints))).toMatchObject({
      fence: { owner: "host-b", epoch: 2, slot: 4 },
      slot: 4,
      lsn: 2,
      endedAtMs: 8,
      reason: "deposed by host-c in epoch 3",
      batch: { slot: 5, commits: 3, fate },
    });
  });

  test("without a batch in flight there is none", () => {
    const chain = history(3);
    const script = PoolScript.standby(chain.head).toServing(chain);
    script.tick(60_000);
    script.surveyed([4, 5]);
    script.read([chain.fence("host-c")]);
    expect(end(script)).toMatchObject({ slot: 4, batch: null });
  });

  test("who stepped back by a release has nothing to say: the release does", () => {
    const chain = history(3);
    const script = PoolScript.standby(chain.head).toServing(chain);
    const sealed = releaseRecord(chain.head!, "f".repeat(32) as RecordId, release);
    script.send({ type: "resign", sealed, reason: "it stops" });
    expect(end(script)).toBeNull();
    script.put("created");
    expect(end(script)).toBeNull();
  });

  test("both are what their readers accept", () => {
    const chain = history(3);
    const serving = receipt(PoolScript.standby(chain.head).toServing(chain))!;
    expect(decodeReceipt(encodeReceipt(serving))).toEqual({ type: "receipt", receipt: serving });
    const ended = end(deposed([]))!;
    expect(decodeTenureEnd(encodeReceipt(ended))).toEqual({ type: "receipt", receipt: ended });
  });
});
