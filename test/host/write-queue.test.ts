import { describe, expect, it } from "vitest";
import { WriteQueue } from "../../host/write-queue.ts";
import type { Sha256 } from "../../shared/ids.ts";
import type { Lsn } from "../../shared/position.ts";
import type { Write } from "../../host/store/store.ts";

const writeOf = (waitingBytes = 0): Write => ({ key: null, run: () => null, waitingBytes });
const never = (): void => undefined;
const written = (value: string) => ({ value, lsn: 1 as Lsn, replayed: false });

describe("write queue", () => {
  it("hands out first come, first served, and tells of every write that it took in", async () => {
    let added = 0;
    const queue = new WriteQueue({ writes: 10, bytes: 10 }, () => added++);
    const answers = [queue.add(writeOf()), queue.add(writeOf()), queue.add(writeOf())];
    expect(added).toBe(3);
    const first = queue.take(2);
    const second = queue.take(2);
    expect([first.length, second.length, queue.length]).toEqual([2, 1, 0]);
    for (const [index, waiting] of [...first, ...second].entries()) waiting.settle(written(String(index)));
    expect((await Promise.all(answers)).map(({ value }) => value)).toEqual(["0", "1", "2"]);
  });

  it("refuses what is over the bound in number at once, and has room again after a take", async () => {
    const queue = new WriteQueue({ writes: 1, bytes: 10 }, never);
    const kept = queue.add(writeOf());
    await expect(queue.add(writeOf())).rejects.toMatchObject({ code: "HS_WRITE_OVERLOAD" });
    queue.take(1)[0]!.settle(written("1"));
    await kept;
    void queue.add(writeOf());
    expect(queue.length).toBe(1);
  });

  it("does not call refused for good what was sent before: an earlier attempt may have been settled", async () => {
    const queue = new WriteQueue({ writes: 1, bytes: 10 }, never);
    void queue.add(writeOf());
    const key = { key: "k", source: "proxy" as const, requestHash: "h" as Sha256, firstSentLogTimeMs: 1 };
    await expect(queue.add({ ...writeOf(), key })).rejects.toMatchObject({ code: "HS_NOT_APPLIED" });
  });

  it("refuses what is over the bound in bytes, and counts what left", async () => {
    const queue = new WriteQueue({ writes: 10, bytes: 100 }, never);
    void queue.add(writeOf(60));
    await expect(queue.add(writeOf(41))).rejects.toMatchObject({ code: "HS_WRITE_OVERLOAD" });
    void queue.add(writeOf(40));
    expect(queue.bytes).toBe(100);
    queue.take(1);
    expect(queue.bytes).toBe(40);
  });

  it("void batch: what is put back is the oldest again, in its order, whatever came meanwhile", () => {
    const queue = new WriteQueue({ writes: 3, bytes: 100 }, never);
    const [a, b, c] = [writeOf(1), writeOf(2), writeOf(3)];
    void queue.add(a);
    void queue.add(b);
    const group = queue.take(2);
    void queue.add(c);
    queue.putBack(group);
    expect(queue.bytes).toBe(6);
    expect(queue.take(9).map(({ write }) => write)).toEqual([a, b, c]);
  });

  it("deposed: close rejects all that wait, all that come, and all that a void batch gives back", async () => {
    const queue = new WriteQueue({ writes: 10, bytes: 100 }, never);
    const inFlight = queue.add(writeOf());
    const group = queue.take(1);
    const waiting = queue.add(writeOf());
    queue.close(new Error("deposed"));
    queue.close(new Error("a later reason"));
    queue.putBack(group);
    await expect(waiting).rejects.toThrow("deposed");
    await expect(inFlight).rejects.toThrow("deposed");
    await expect(queue.add(writeOf())).rejects.toThrow("deposed");
    expect(queue.length).toBe(0);
  });

  it("keeps order over thousands of takes and adds", () => {
    const queue = new WriteQueue({ writes: 5000, bytes: 100 }, never);
    const writes = Array.from({ length: 4000 }, () => writeOf());
    for (const write of writes) void queue.add(write);
    const seen: Write[] = [];
    while (queue.length > 0) {
      const taken = queue.take(7);
      seen.push(...taken.slice(0, -1).map(({ write }) => write));
      if (taken.length > 1) queue.putBack(taken.slice(-1));
      else seen.push(taken[0]!.write);
    }
    expect(seen).toEqual(writes);
  });
});
