import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { HotspareError } from "../../shared/errors.ts";
import { sha256 } from "../../shared/hash.ts";
import { parseNodeId } from "../../shared/ids.ts";
import { slot } from "../../shared/position.ts";
import { MemoryVault } from "../../shared/vault/memory-vault.ts";
import { JournalReader } from "../../host/journal-reader.ts";
import type { Write } from "../../host/store/store.ts";
import { FaultyVault, type Fault } from "../faulty-vault.ts";
import { seededRandom } from "../shared/vault/test-vaults.ts";
import { POOL } from "./cluster.ts";
import { CopyFolder, FileCopy, hashOf, kill, Machine, replay, startOn, turnsUntil, type Host } from "./machine.ts";

const random = seededRandom(31);
let copies: CopyFolder;
let memory: MemoryVault;
let vault: FaultyVault;
let host: Host;

beforeAll(() => {
  copies = new CopyFolder();
});
afterAll(() => copies.remove());

beforeEach(async () => {
  memory = new MemoryVault({ random });
  vault = new FaultyVault(memory);
  host = await startOn(new Machine(vault), new FileCopy(copies.file()), random);
  await turnsUntil(() => host.pool.serving);
});

/** Whatever happened: what the host holds is what the journal says, and no invariant broke. */
afterEach(async () => {
  const { head, hash } = await replay(memory, copies.file());
  expect(host.copy.store.head?.slot ?? 0).toBeLessThanOrEqual(head?.slot ?? 0);
  if (host.copy.store.head?.slot === head?.slot) expect(hashOf(host.copy.store)).toBe(hash);
  kill(host);
  expect(host.died).toEqual([]);
});

const keyed = (id: string): Write => ({
  key: { key: id, source: "client", requestHash: sha256(id), firstSentLogTimeMs: null },
  run: (db) =>
    db.prepare("insert into entry values (?, 1) on conflict do update set n = n + 1 returning n").get(id)?.["n"],
});

/** How often each write is in the journal: in its records, not in what any host says. */
async function inJournal(id: string): Promise<number> {
  const reader = new JournalReader(memory, POOL);
  const { slots } = await reader.survey(slot(1));
  let count = 0;
  for (const at of slots) {
    const found = await reader.find(at);
    if (found.type === "record" && Buffer.from(found.sealed.bytes).includes(Buffer.from(`key ${id}.`))) count += 1;
  }
  return count;
}

/** A write whose id is found again in the bytes of a record. */
const write = ({ pool }: Host, id: string): Promise<unknown> =>
  pool.write(keyed(`key ${id}.`)).then(({ value }) => value);

/** Whether it settles within some turns of the event loop. */
async function settledBy(promise: Promise<unknown>, turns = 300): Promise<"settled" | "waiting"> {
  const settled = promise.then(
    () => "settled" as const,
    () => "settled" as const,
  );
  for (let turn = 0; turn < turns; turn += 1) {
    const pause = new Promise<"waiting">((resolve) => setImmediate(() => resolve("waiting")));
    if ((await Promise.race([settled, pause])) === "settled") return "settled";
  }
  return "waiting";
}

const UNKNOWN: readonly (readonly [string, () => void])[] = [
  ["nothing was created, and the share said EIO", () => vault.once("put", { type: "EIO" })],
  ["nothing was created, and the share said EIO ten times", () => times(10, () => vault.once("put", { type: "EIO" }))],
  ["it was created, and the answer was lost", () => vault.once("put", { type: "lost reply" })],
  ["it was created, and the share said that it exists", () => vault.once("put", { type: "exists after own success" })],
  [
    "it was created, the answer lost, and reading it back failed for a while",
    () => {
      vault.once("put", { type: "lost reply" });
      times(20, () => vault.once("get", { type: "EIO" }));
    },
  ],
  [
    "it was created, the answer lost, and the share's cache did not show it for a while",
    () => {
      vault.once("put", { type: "lost reply" });
      times(5, () => vault.once("get", { type: "stale" }));
    },
  ],
  [
    "it was created, the answer lost, not shown, and the share was full when it was tried again",
    () => {
      vault.once("put", { type: "lost reply" });
      vault.once("get", { type: "stale" });
      times(3, () => vault.once("put", { type: "ENOSPC" }));
    },
  ],
  [
    "nothing was created, the share said EIO, and was full when it was tried again",
    () => {
      vault.once("put", { type: "EIO" });
      times(3, () => vault.once("put", { type: "ENOSPC" }));
    },
  ],
  [
    "it was created, and read back wrongly a few times",
    () => {
      vault.once("put", { type: "lost reply" });
      times(4, () => vault.once("get", { type: "flipped bit", bit: 555 }));
    },
  ],
];

function times(count: number, act: () => void): void {
  for (let time = 0; time < count; time += 1) act();
}

describe("the outcome of a put is unknown, and the write is acknowledged, in the journal, once, when", () => {
  test.each(UNKNOWN)("%s", async (_, arm) => {
    await write(host, "before");
    arm();
    expect(await write(host, "doubtful")).toBe("1");
    expect(await write(host, "after")).toBe("1");
    for (const id of ["before", "doubtful", "after"]) expect(await inJournal(id)).toBe(1);
    expect(host.copy.store.head).toEqual((await replay(memory, copies.file())).head);
    expect(host.pool.fence?.epoch).toBe(1);
  });
});

test("an own record that was read back counts only when its folder is synced", async () => {
  vault.once("put", { type: "lost reply" });
  vault.always("sync", { type: "hang" });
  const answered = write(host, "doubtful");
  expect(await settledBy(answered)).toBe("waiting");
  expect(await inJournal("doubtful")).toBe(1);
  vault.heal();
  expect(await answered).toBe("1");
});

test("random faults of many puts and reads: every write is acknowledged once and is in the journal once", async () => {
  const faults: readonly Fault[] = [
    { type: "EIO" },
    { type: "lost reply" },
    { type: "exists after own success" },
    { type: "hang" },
  ];
  const reads: readonly Fault[] = [{ type: "EIO" }, { type: "stale" }];
  const pick = <T>(from: readonly T[]): T => from[random.bytes(1).readUInt8() % from.length] as T;
  for (let round = 0; round < 60; round += 1) {
    times(random.bytes(1).readUInt8() % 4, () => vault.once("put", pick(faults)));
    times(random.bytes(1).readUInt8() % 4, () => vault.once("get", pick(reads)));
    const answered = write(host, `round ${round}`);
    while ((await settledBy(answered, 50)) === "waiting") vault.release();
    expect(await answered).toBe("1");
    expect(await inJournal(`round ${round}`)).toBe(1);
  }
  vault.heal();
  expect(host.copy.store.head).toEqual((await replay(memory, copies.file())).head);
});

test("a put hangs: nobody is answered, no read shows it, and it is acknowledged when the share answers", async () => {
  vault.once("put", { type: "hang" });
  const answered = write(host, "slow");
  expect(await settledBy(answered)).toBe("waiting");
  const seen = await host.pool.read({ type: "linearizable" }, (db) => db.prepare("select id from entry").all());
  expect(seen).toEqual([]);
  vault.release();
  expect(await answered).toBe("1");
  expect(await inJournal("slow")).toBe(1);
});

test("writes that come while a put hangs make the next batch: one is in flight", async () => {
  vault.once("put", { type: "hang" });
  const answered = [write(host, "one")];
  await settledBy(answered[0] ?? Promise.resolve(), 20);
  for (const id of ["two", "three", "four"]) answered.push(write(host, id));
  expect(await settledBy(Promise.race(answered))).toBe("waiting");
  expect(vault.hanging).toBe(1);
  vault.release();
  expect(await Promise.all(answered)).toEqual(["1", "1", "1", "1"]);
  expect(host.copy.store.head?.slot).toBe(4);
});

describe("a folder's sync failed: nothing is acknowledged any more by this process, and the write may be in the journal", () => {
  const undurable: readonly (readonly [string, () => void])[] = [
    ["the put's own sync", () => vault.once("put", { type: "undurable" })],
    [
      "the sync after an own record was read back",
      () => {
        vault.once("put", { type: "lost reply" });
        vault.always("sync", { type: "EIO" });
      },
    ],
  ];
  test.each(undurable)("%s", async (_, arm) => {
    await write(host, "before");
    arm();
    await expect(write(host, "doubtful")).rejects.toMatchObject({ code: "HS_OUTCOME_UNKNOWN" });
    vault.heal();
    expect(host.pool.serving).toBe(false);
    await expect(write(host, "after")).rejects.toMatchObject({ code: "HS_NOT_PRIMARY" });
    const order = { pool: POOL, bootId: "0".repeat(32), fence: host.pool.fence?.id ?? null, cause: "test", votes: [] };
    expect(await host.pool.promote(order, parseNodeId("proxy-1"))).toMatchObject({ outcome: "refused" });
    expect(host.pool.report(0)).toMatchObject({ role: "fenced", serving: false });
    expect(host.pool.report(0).unfit).toContain("stepped down");
    expect(await inJournal("after")).toBe(0);
    await turnsUntil(() => host.died.length > 0);
    expect(host.died.splice(0)).toMatchObject([{ code: "HS_VAULT_UNDURABLE" }]);
    // The next process settles what was in doubt: the record was there, and its key says so.
    kill(host);
    host = await startOn(new Machine(memory), new FileCopy(copies.file()), random);
    await turnsUntil(() => host.pool.serving);
    expect(await host.pool.write(keyed("key doubtful."))).toMatchObject({ value: "1", replayed: true });
    expect(await inJournal("doubtful")).toBe(1);
  });
});

test("a standby that cannot sync what it listed ends itself: the next process follows, this one never could", async () => {
  const faulty = new FaultyVault(memory);
  const folder = new FileCopy(copies.file());
  const standby = await startOn(new Machine(faulty), folder, random, { host: "host-b", first: false });
  await write(host, "before");
  faulty.once("sync", { type: "EIO" });
  await turnsUntil(() => standby.died.length > 0);
  expect(standby.died).toMatchObject([{ code: "HS_VAULT_UNDURABLE" }]);
  kill(standby);
});

test("while nothing can be written to the vault it stays for local reads, and ends itself when that is over", async () => {
  const faulty = new FaultyVault(memory);
  const vaultIs = { well: false };
  const options = { host: "host-b", first: false, wroteSince: () => vaultIs.well };
  const standby = await startOn(new Machine(faulty), new FileCopy(copies.file()), random, options);
  await turnsUntil(() => standby.pool.state.applied !== null);
  faulty.always("sync", { type: "EIO" });
  await turnsUntil(() => standby.pool.state.alarm?.code === "HS_VAULT_IO");
  expect(standby.died).toEqual([]);
  expect(await standby.pool.read({ type: "local" }, () => "read")).toBe("read");
  vaultIs.well = true;
  await turnsUntil(() => standby.died.length > 0);
  kill(standby);
});

describe("the vault is full", () => {
  test("before the record has a name: refused with 507, nothing was applied, and the primary goes on", async () => {
    vault.once("put", { type: "ENOSPC" });
    await expect(write(host, "refused")).rejects.toMatchObject({ code: "HS_VAULT_FULL", status: 507 });
    expect(host.pool.serving).toBe(true);
    expect(await inJournal("refused")).toBe(0);
    expect(await write(host, "next")).toBe("1");
    expect(await host.pool.write(keyed("key refused."))).toMatchObject({ value: "1", replayed: false });
    expect(host.pool.fence?.epoch).toBe(1);
  });

  test("and a write that took effect is sent again: it gets the answer that it has, not a refusal", async () => {
    const sentAgain = (id: string): Write => {
      const { key, run } = keyed(id);
      return { key: key && { ...key, source: "proxy", firstSentLogTimeMs: 0 }, run };
    };
    expect(await host.pool.write(sentAgain("done"))).toMatchObject({ value: "1", replayed: false });
    host.pool.refuseWrites(new HotspareError("HS_VAULT_FULL", { reason: "nearly" }));
    expect(await host.pool.write(sentAgain("done"))).toMatchObject({ value: "1", replayed: true });
    await expect(host.pool.write(sentAgain("not done"))).rejects.toMatchObject({ code: "HS_VAULT_FULL" });
    await expect(host.pool.write(keyed("first sent"))).rejects.toMatchObject({ code: "HS_VAULT_FULL" });
    host.pool.refuseWrites(null);
    await host.pool.write(keyed("under a client's key"));
    host.pool.refuseWrites(new HotspareError("HS_VAULT_FULL", { reason: "nearly" }));
    expect(await host.pool.write(keyed("under a client's key"))).toMatchObject({ value: "1", replayed: true });
    host.pool.refuseWrites(null);
    expect(await host.pool.write(sentAgain("not done"))).toMatchObject({ value: "1", replayed: false });
  });

  test("for a batch that also holds one that took effect before: that one gets its answer", async () => {
    await write(host, "done");
    vault.once("put", { type: "hang" });
    const first = write(host, "first");
    await settledBy(first, 20);
    const group = ["done", "new"].map((id) => write(host, id).catch((error: unknown) => error));
    vault.once("put", { type: "ENOSPC" });
    vault.release();
    await first;
    const [done, refused] = await Promise.all(group);
    expect(done).toBe("1");
    expect(refused).toMatchObject({ code: "HS_VAULT_FULL" });
  });

  test("for all of a group: each of it is refused, and each can be sent again", async () => {
    vault.once("put", { type: "hang" });
    const first = write(host, "first");
    await settledBy(first, 20);
    const group = ["a", "b", "c"].map((id) => write(host, id).catch((error: unknown) => error));
    vault.once("put", { type: "ENOSPC" });
    vault.release();
    await first;
    for (const error of await Promise.all(group)) expect(error).toMatchObject({ code: "HS_VAULT_FULL" });
    for (const id of ["a", "b", "c"]) expect(await write(host, id)).toBe("1");
  });
});

describe("deposed while the outcome is unknown", () => {
  test("another host has the slot: not applied, and the next primary settles the key as new", async () => {
    await write(host, "before");
    vault.once("put", { type: "hang" });
    const answered = write(host, "late");
    await settledBy(answered, 20);
    const other = await startOn(new Machine(memory), new FileCopy(copies.file()), random, {
      host: "host-b",
      first: false,
    });
    await turnsUntil(() => other.pool.state.atHeadMs !== null);
    const order = { pool: POOL, bootId: "0".repeat(32), fence: host.pool.fence?.id ?? null, cause: "test", votes: [] };
    expect(await other.pool.promote(order, parseNodeId("proxy-1"))).toMatchObject({ outcome: "serving" });
    vault.release();
    await expect(answered).rejects.toMatchObject({ code: "HS_NOT_APPLIED" });
    expect(await other.pool.write(keyed("key late."))).toMatchObject({ value: "1", replayed: false });
    await turnsUntil(() => host.pool.report(0).role === "standby" && host.pool.fence?.owner === "host-b");
    await turnsUntil(() => host.copy.store.head?.slot === other.copy.store.head?.slot);
    expect(hashOf(host.copy.store)).toBe(hashOf(other.copy.store));
    kill(other);
  });

  test("its record was there before the fence: the late answer is true, and the next primary knows the key", async () => {
    vault.once("put", { type: "lost reply" });
    vault.always("get", { type: "EIO" });
    const answered = write(host, "late");
    await settledBy(answered, 20);
    const other = await startOn(new Machine(memory), new FileCopy(copies.file()), random, {
      host: "host-b",
      first: false,
    });
    await turnsUntil(() => other.pool.state.atHeadMs !== null);
    const order = { pool: POOL, bootId: "0".repeat(32), fence: host.pool.fence?.id ?? null, cause: "test", votes: [] };
    expect(await other.pool.promote(order, parseNodeId("proxy-1"))).toMatchObject({ outcome: "serving" });
    vault.heal();
    expect(await answered).toBe("1");
    expect(await other.pool.write(keyed("key late."))).toMatchObject({ value: "1", replayed: true });
    await turnsUntil(() => !host.pool.serving);
    kill(other);
  });
});

describe("a host is stopped while the vault hangs", () => {
  test("in the midst of a takeover: who ordered it hears that it is refused", async () => {
    const hanging = new FaultyVault(memory);
    const other = await startOn(new Machine(hanging), new FileCopy(copies.file()), random, {
      host: "host-b",
      first: false,
    });
    await turnsUntil(() => other.pool.state.atHeadMs !== null);
    hanging.always("put", { type: "hang" });
    const order = { pool: POOL, bootId: "0".repeat(32), fence: host.pool.fence?.id ?? null, cause: "test", votes: [] };
    const answered = other.pool.promote(order, parseNodeId("proxy-1"));
    await turnsUntil(() => hanging.hanging > 0);
    await other.pool.stop();
    expect(await answered).toMatchObject({ outcome: "refused", reason: "the host stops" });
    other.machine.die();
    expect(other.died).toEqual([]);
  });

  test("it stops all the same, and whoever waits hears that nobody knows", async () => {
    vault.always("put", { type: "hang" });
    const answered = write(host, "lost").catch((error: unknown) => error);
    const queued = write(host, "queued").catch((error: unknown) => error);
    await settledBy(answered, 20);
    const stopped = host.pool.stop();
    expect(await settledBy(stopped, 3000)).toBe("settled");
    expect(await answered).toMatchObject({ code: "HS_OUTCOME_UNKNOWN" });
    expect(await queued).toMatchObject({ code: "HS_NOT_PRIMARY" });
    await expect(write(host, "late")).rejects.toMatchObject({ code: "HS_NOT_PRIMARY" });
    const order = { pool: POOL, bootId: "0".repeat(32), fence: host.pool.fence?.id ?? null, cause: "test", votes: [] };
    expect(await host.pool.promote(order, parseNodeId("proxy-1"))).toMatchObject({ outcome: "refused" });
    const read = host.pool.read({ type: "linearizable" }, () => null);
    await expect(read).rejects.toMatchObject({ code: "HS_NOT_PRIMARY" });
    // What the share still does comes to nobody.
    vault.heal();
    await settledBy(new Promise(() => undefined), 50);
    const file = copies.file();
    host = await startOn(new Machine(memory), new FileCopy(file), random);
    await turnsUntil(() => host.pool.serving);
    expect(await inJournal("lost")).toBe(1);
    expect(await inJournal("queued")).toBe(0);
  });
});
