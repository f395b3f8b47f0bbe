import { beforeEach, describe, expect, test } from "vitest";
import { HotspareError } from "../../shared/errors.ts";
import type { FenceRef, SealedRecord } from "../../shared/journal/record.ts";
import { slot, type Slot } from "../../shared/position.ts";
import { parsePoolId } from "../../shared/ids.ts";
import type { Found } from "../../host/core/publication.ts";
import { ReadProof, type Standing } from "../../host/read-proof.ts";
import { Chain } from "../shared/journal/records.ts";

const chain = new Chain();
chain.fence("host-a");
const own = [chain.batch(), chain.batch(), chain.batch()] as const;
const fence = chain.head?.fence as FenceRef;
const successor = new Chain(chain.origin);
for (let epoch = 0; epoch < 2; epoch += 1) successor.fence("host-b");
const ownFence = chain.records[0] as SealedRecord;
const foreignFence = successor.records[1] as SealedRecord;

const record = (sealed: SealedRecord): Found => ({ type: "record", sealed });
const ABSENT: Found = { type: "absent" };

/** A primary whose last published slot is 2, and what the vault shows. */
class Bench {
  standing: Standing | null = { fence, head: slot(2), inFlight: null };
  readonly looked: Slot[] = [];
  barriers = 0;
  readonly slots = new Map<number, Found>([[1, { type: "record", sealed: ownFence }]]);
  /** What the next looks find, whatever is there. */
  readonly next: Found[] = [];
  /** Reads of the vault wait for it. */
  gate: Promise<void> = Promise.resolve();
  barrier: () => Promise<void> = () => Promise.resolve();

  proof(mode: "check" | "barrier" = "check"): ReadProof {
    return new ReadProof(parsePoolId("main"), mode, {
      standing: () => this.standing,
      find: async (at) => {
        this.looked.push(at);
        await this.gate;
        return this.next.shift() ?? this.slots.get(at) ?? ABSENT;
      },
      barrier: () => {
        this.barriers += 1;
        return this.barrier();
      },
    });
  }
}

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
const notPrimary = { code: "HS_NOT_PRIMARY" };

describe("check", () => {
  test("the slot after the head is absent: proven by that, and by the own fence, which is looked for afterwards", async () => {
    await bench.proof().prove();
    expect(bench.looked).toEqual([3, 1]);
  });

  test("somebody's fence is there: not primary any more", async () => {
    bench.slots.set(3, record(foreignFence));
    await expect(bench.proof().prove()).rejects.toMatchObject(notPrimary);
  });

  test("an own record came there meanwhile: its put began after the reader, so it proves the same", async () => {
    bench.slots.set(3, record(own[1]));
    await bench.proof().prove();
  });

  test.each([
    ["damaged", { type: "invalid", reason: "test" }],
    ["of a newer format", { type: "newer", version: 2 }],
  ] as const)("something %s is there, which nobody of this tenure put: not primary", async (_, found) => {
    bench.slots.set(3, found);
    await expect(bench.proof().prove()).rejects.toMatchObject(notPrimary);
  });

  test("it cannot be read: nothing is concluded", async () => {
    bench.slots.set(3, { type: "unreadable", reason: "EIO" });
    await expect(bench.proof().prove()).rejects.toMatchObject({ code: "HS_VAULT_IO" });
  });

  test.each([
    ["is absent, as everything is in an empty folder", ABSENT, "HS_VAULT_IO"],
    ["cannot be read", { type: "unreadable", reason: "EIO" }, "HS_VAULT_IO"],
    ["is another one's: this is another vault", record(foreignFence), "HS_NOT_PRIMARY"],
  ] as const)("the own fence %s: not proven, though the next slot is absent", async (_, found, code) => {
    bench.slots.set(1, found);
    await expect(bench.proof().prove()).rejects.toMatchObject({ code });
  });

  test("this host does not serve: refused without a look", async () => {
    bench.standing = null;
    await expect(bench.proof().prove()).rejects.toMatchObject(notPrimary);
    expect(bench.looked).toEqual([]);
  });

  test("deposed between the look and its answer: what was seen is older than that", async () => {
    const gate = Promise.withResolvers<void>();
    bench.gate = gate.promise;
    const read = bench.proof().prove();
    bench.standing = null;
    gate.resolve();
    await expect(read).rejects.toMatchObject(notPrimary);
  });

  test("deposed and primary again with another fence in between: the look was the old tenure's", async () => {
    const gate = Promise.withResolvers<void>();
    bench.gate = gate.promise;
    const read = bench.proof().prove();
    bench.standing = { fence: { ...fence, id: "9".repeat(32) as FenceRef["id"] }, head: slot(9), inFlight: null };
    gate.resolve();
    await expect(read).rejects.toMatchObject(notPrimary);
  });
});

describe("check while a publish is not resolved", () => {
  beforeEach(() => {
    bench.standing = { fence, head: slot(2), inFlight: own[1] };
  });

  test("its slot and the next are absent: proven", async () => {
    await bench.proof().prove();
    expect(bench.looked).toEqual([3, 4, 1]);
  });

  test("its slot holds the own record: proven", async () => {
    bench.slots.set(3, record(own[1]));
    await bench.proof().prove();
  });

  test("its slot holds somebody's fence: not primary", async () => {
    bench.slots.set(3, record(foreignFence));
    await expect(bench.proof().prove()).rejects.toMatchObject(notPrimary);
  });

  test("it came through, and somebody's fence is behind it: not primary", async () => {
    bench.slots.set(3, record(own[1]));
    bench.slots.set(4, record(foreignFence));
    await expect(bench.proof().prove()).rejects.toMatchObject(notPrimary);
  });

  test.each([3, 4])("slot %i cannot be read: nothing is concluded", async (at) => {
    bench.slots.set(at, { type: "unreadable", reason: "EIO" });
    await expect(bench.proof().prove()).rejects.toMatchObject({ code: "HS_VAULT_IO" });
  });
});

describe("one proof for many", () => {
  test("all who wait when it begins share it; who comes later gets one that begins after", async () => {
    const gate = Promise.withResolvers<void>();
    bench.gate = gate.promise;
    const proof = bench.proof();
    const order: string[] = [];
    const reader = (name: string): Promise<void> => proof.prove().then(() => void order.push(name));
    const first = reader("first");
    const later = [reader("second"), reader("third"), reader("fourth")];
    expect(bench.looked).toEqual([3]);
    // What happens between the first look and the others' counts for the others alone.
    gate.resolve();
    await first;
    expect(order).toEqual(["first"]);
    await Promise.all(later);
    expect(bench.looked).toEqual([3, 1, 3, 1]);
  });

  test("a fence that came while the first look was under way is found by those who came meanwhile", async () => {
    const gate = Promise.withResolvers<void>();
    bench.gate = gate.promise;
    bench.slots.set(3, ABSENT);
    const proof = bench.proof();
    const first = proof.prove();
    const second = proof.prove();
    second.catch(() => undefined);
    gate.resolve();
    await first;
    bench.slots.set(3, record(foreignFence));
    await expect(second).rejects.toMatchObject(notPrimary);
  });

  test("one that fails does not fail the next", async () => {
    const proof = bench.proof();
    bench.next.push({ type: "unreadable", reason: "EIO" });
    const first = proof.prove();
    const second = proof.prove();
    await expect(first).rejects.toMatchObject({ code: "HS_VAULT_IO" });
    await second;
    await proof.prove();
  });
});

describe("barrier", () => {
  test("an empty batch is published, one for all who wait", async () => {
    const published = Promise.withResolvers<void>();
    bench.barrier = () => published.promise;
    const proof = bench.proof("barrier");
    const readers = [proof.prove(), proof.prove(), proof.prove()];
    expect(bench.barriers).toBe(1);
    published.resolve();
    await Promise.all(readers);
    expect(bench.barriers).toBe(2);
    expect(bench.looked).toEqual([]);
  });

  test("it is void: so is the read", async () => {
    bench.barrier = () => Promise.reject(new HotspareError("HS_NOT_APPLIED"));
    await expect(bench.proof("barrier").prove()).rejects.toMatchObject({ code: "HS_NOT_APPLIED" });
  });
});
