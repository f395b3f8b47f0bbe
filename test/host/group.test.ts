import { describe, expect, it } from "vitest";
import { fillGroup, rejectGroup, rejectUnproven, settleGroup } from "../../host/group.ts";
import type { Batch, Write, WriteOutcome } from "../../host/store/store.ts";
import { WriteQueue } from "../../host/write-queue.ts";
import type { Clock } from "../../shared/clock.ts";
import { HotspareError } from "../../shared/errors.ts";
import { lsn } from "../../shared/position.ts";

const BOUNDS = { writes: 100, bytes: 1000, durationMs: 10 };
const still: Clock = { monotonicMs: () => 0, wallMs: () => 0, after: () => () => undefined };

function queueOf(count: number): { queue: WriteQueue; answers: Promise<unknown>[] } {
  const queue = new WriteQueue({ writes: 1000, bytes: 1000 }, () => undefined);
  const answers = Array.from({ length: count }, () => queue.add({ key: null, run: () => null }));
  return { queue, answers };
}

function batchOf(execute: (write: Write) => "taken" | "full", bytesEach = 1): Batch {
  const batch = {
    bytes: 0,
    commits: 0,
    execute: (write: Write) => {
      const result = execute(write);
      if (result === "taken") batch.bytes += bytesEach;
      return result;
    },
  };
  return batch as unknown as Batch;
}

describe("group commit", () => {
  it("takes all that waits within the bounds", () => {
    const { queue } = queueOf(5);
    expect(
      fillGroup(
        batchOf(() => "taken"),
        queue,
        BOUNDS,
        still,
      ),
    ).toHaveLength(5);
    expect(queue.length).toBe(0);
  });

  it("ends at the bound in number, in bytes and in time", () => {
    const number = queueOf(5).queue;
    expect(
      fillGroup(
        batchOf(() => "taken"),
        number,
        { ...BOUNDS, writes: 2 },
        still,
      ),
    ).toHaveLength(2);
    const bytes = queueOf(5).queue;
    expect(
      fillGroup(
        batchOf(() => "taken", 400),
        bytes,
        BOUNDS,
        still,
      ),
    ).toHaveLength(3);
    const time = queueOf(5).queue;
    let nowMs = 0;
    const slow = batchOf(() => {
      nowMs += 6;
      return "taken";
    });
    expect(fillGroup(slow, time, BOUNDS, { ...still, monotonicMs: () => nowMs })).toHaveLength(2);
    expect([number.length, bytes.length, time.length]).toEqual([3, 2, 3]);
  });

  it("gives a write that does not fit to the next batch, before those behind it", () => {
    const { queue } = queueOf(3);
    let calls = 0;
    const group = fillGroup(
      batchOf(() => (++calls === 2 ? "full" : "taken")),
      queue,
      BOUNDS,
      still,
    );
    expect([group.length, queue.length, calls]).toEqual([1, 2, 2]);
  });

  it("the local store fails in the middle: nobody is answered, all wait again in their order", () => {
    const { queue } = queueOf(3);
    const before = queue.take(3);
    queue.putBack(before);
    let calls = 0;
    const broken = batchOf(() => {
      if (++calls === 2) throw new Error("disk full");
      return "taken";
    });
    expect(() => fillGroup(broken, queue, BOUNDS, still)).toThrow("disk full");
    expect(queue.take(9)).toEqual(before);
  });

  it("answers each by its own outcome, or all by one failure", async () => {
    const { queue, answers } = queueOf(2);
    const outcomes: WriteOutcome[] = [
      { type: "settled", value: "1", lsn: lsn(4), replayed: false },
      { type: "refused", error: new Error("no") },
    ];
    settleGroup(queue.take(2), outcomes);
    expect(await answers[0]).toEqual({ value: "1", lsn: 4, replayed: false });
    await expect(answers[1]).rejects.toThrow("no");
    const failed = queueOf(2);
    rejectGroup(failed.queue.take(2), new Error("deposed"));
    await Promise.all(failed.answers.map((answer) => expect(answer).rejects.toThrow("deposed")));
  });
});

describe("what cannot be proven", () => {
  const full = new HotspareError("HS_VAULT_FULL", { reason: "ENOSPC" });
  const notPrimary = new HotspareError("HS_NOT_PRIMARY", { pool: "main" });
  const settled: WriteOutcome = { type: "settled", value: "1", lsn: lsn(3), replayed: true };
  const refused: WriteOutcome = { type: "refused", error: new Error("no") };

  it.each<[string, "client" | "proxy", number | null, WriteOutcome, HotspareError, string]>([
    [
      "settled, and sent before: it is sent again, and the full vault says nothing of it",
      "proxy",
      5,
      settled,
      full,
      "HS_NOT_APPLIED",
    ],
    ["refused, and sent before: another host may have settled it", "proxy", 5, refused, full, "HS_NOT_APPLIED"],
    ["settled under a key of the client's: it may have happened", "client", null, settled, full, "HS_OUTCOME_UNKNOWN"],
    [
      "refused under a key of the client's: another host may have settled it",
      "client",
      null,
      refused,
      full,
      "HS_OUTCOME_UNKNOWN",
    ],
    ["refused, and never sent before: nothing happened", "proxy", null, refused, full, "HS_VAULT_FULL"],
    ["on a host that serves no more", "client", null, settled, notPrimary, "HS_NOT_PRIMARY"],
  ])("%s", async (_, source, firstSentLogTimeMs, outcome, error, code) => {
    const queue = new WriteQueue({ writes: 10, bytes: 1000 }, () => undefined);
    const key = { key: "k", source, requestHash: "h", firstSentLogTimeMs } as unknown as Write["key"];
    const answer = queue.add({ key, run: () => null });
    rejectUnproven(queue.take(1), [outcome], error);
    await expect(answer).rejects.toMatchObject({ code });
  });
});
