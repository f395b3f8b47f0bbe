import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crc32 } from "node:zlib";
import { parseNodeId, type OriginId } from "../../shared/ids.ts";
import { extend } from "../../shared/journal/head.ts";
import { decodeRecord, encodeRecord } from "../../shared/journal/record-codec.ts";
import type { RecordHeader } from "../../shared/journal/record.ts";
import { epoch, slot } from "../../shared/position.ts";
import { recordName } from "../../shared/vault/layout.ts";
import type { DiskFile, DiskFolder, DiskNode, MemoryDisk } from "../../shared/vault/memory-disk.ts";
import { MemoryVault } from "../../shared/vault/memory-vault.ts";
import type { LocalCopy } from "../../host/local-copy.ts";
import { openStore } from "../../host/store/sqlite-store.ts";
import type { Store } from "../../host/store/store.ts";
import { FaultyVault } from "../faulty-vault.ts";
import { seededRandom } from "../shared/vault/test-vaults.ts";
import { add, POOL } from "./cluster.ts";
import { CopyFolder, FileCopy, kill, Machine, startOn, turnsUntil, type Host } from "./machine.ts";

const random = seededRandom(21);
let copies: CopyFolder;
let disk: MemoryDisk;
/** Two tenures: fence, schema, batch, batch; fence, batch, mark, batch, release. */
let records: readonly Buffer[];

beforeAll(async () => {
  copies = new CopyFolder();
  disk = await history();
  records = Array.from({ length: 9 }, (_, index) => fileAt(index + 1).bytes);
});
afterAll(() => copies.remove());

async function history(): Promise<MemoryDisk> {
  const file = copies.file();
  const first = Machine.onDisk(random);
  const one = await startOn(first.machine, new FileCopy(file), random);
  await turnsUntil(() => one.pool.serving);
  await one.pool.write(add("x"));
  await one.pool.write(add("y"));
  kill(one);
  const two = await startOn(Machine.onDisk(random, first).machine, new FileCopy(file), random);
  await turnsUntil(() => two.pool.serving);
  await two.pool.write(add("x"));
  await two.pool.mark();
  await two.pool.write(add("y"));
  await two.pool.stop();
  two.machine.die();
  return first.disk;
}

// --- Damaging -------------------------------------------------------------------------------------------------------

function folderAt(at: number): DiskFolder {
  let node: DiskNode | undefined = disk.root;
  for (const name of recordName(POOL, slot(at)).split("/").slice(0, -1))
    node = node?.kind === "folder" ? node.names.get(name) : undefined;
  if (node?.kind !== "folder") throw new Error("there is no journal");
  return node;
}

const nameAt = (at: number): string => recordName(POOL, slot(at)).split("/").at(-1) ?? "";

function fileAt(at: number): DiskFile {
  const file = folderAt(at).names.get(nameAt(at));
  if (file?.kind !== "file") throw new Error(`there is no record ${at}`);
  return file;
}

/** With other bytes at some slots, or with none; whole again afterwards. */
async function damaged(changes: Readonly<Record<number, Buffer | null>>, act: () => Promise<void>): Promise<void> {
  const undo = Object.entries(changes).map(([at, bytes]) => damage(Number(at), bytes));
  try {
    await act();
  } finally {
    for (const mend of undo) mend();
  }
}

function damage(at: number, bytes: Buffer | null): () => void {
  const folder = folderAt(at);
  const file = fileAt(at);
  const whole = file.bytes;
  if (bytes) file.bytes = bytes;
  else folder.names.delete(nameAt(at));
  return () => {
    file.bytes = whole;
    folder.names.set(nameAt(at), file);
  };
}

const recordAt = (at: number): Buffer => records[at - 1] ?? Buffer.alloc(0);

function flipped(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  return copy;
}

/** Another record in its place, sound in itself. */
function rewritten(at: number, changes: Partial<RecordHeader>): Buffer {
  const decoded = decodeRecord(recordAt(at));
  if (decoded.type !== "record") throw new Error(`record ${at} is ${decoded.type}`);
  const { record } = decoded.sealed;
  return Buffer.from(encodeRecord({ ...record, header: { ...record.header, ...changes } }).bytes);
}

/** Of a format that is not invented yet, with the right checksum. */
function newer(at: number): Buffer {
  const bytes = Buffer.from(recordAt(at));
  bytes.writeUInt16BE(2, 4);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
  return bytes;
}

// --- Starting -------------------------------------------------------------------------------------------------------

/** A copy that many hosts in turn begin with, while none of them may change it. */
const lentCopy = (store: Store): LocalCopy => ({
  store,
  restored: null,
  restore: () => Promise.resolve({ type: "none", head: store.head, reason: "there is no checkpoint" }),
  close: () => Promise.resolve(),
});

/** A store that has applied everything before `at`. */
function storeBefore(at: number): Store {
  const store = openStore({ file: copies.file(), pool: POOL });
  for (const bytes of records.slice(0, at - 1)) {
    const decoded = decodeRecord(bytes);
    const extension = decoded.type === "record" && extend(store.head, decoded.sealed);
    if (decoded.type !== "record" || !extension || !extension.ok) throw new Error("the journal is not a chain");
    store.apply(decoded.sealed, extension.head);
  }
  return store;
}

const start = (copy: LocalCopy, vault = new MemoryVault({ random, disk })): Promise<Host> =>
  startOn(new Machine(vault), copy, random);

function order({ pool }: Host): ReturnType<Host["pool"]["promote"]> {
  const request = { pool: POOL, bootId: "0".repeat(32), fence: pool.fence?.id ?? null, cause: "test", votes: [] };
  return pool.promote(request, parseNodeId("proxy-1"));
}

const journal = (): readonly string[] => [...folderAt(1).names.keys()];

/**
 * The owner of the newest fence starts, which takes over by itself wherever it can. It must stop before `at`, say so,
 * and put nothing anywhere.
 */
async function expectStopped(copy: LocalCopy, at: number, code = "HS_POOL_STUCK"): Promise<void> {
  const before = journal();
  const host = await start(copy);
  const { pool } = host;
  await turnsUntil(() => pool.state.alarm !== null || pool.serving);
  expect(pool.state.alarm).toMatchObject({ code, slot: at });
  expect(pool.report(0).alarm).toContain(`slot ${at}`);
  expect(copy.store.head?.slot ?? 0).toBe(at - 1);
  expect(await order(host)).toMatchObject({ outcome: "refused" });
  expect(pool.report(0).role).toBe("standby");
  expect(journal()).toEqual(before);
  expect(host.died).toEqual([]);
  host.machine.die();
}

// --- Tests ----------------------------------------------------------------------------------------------------------

test("the history that is damaged below is a history", async () => {
  const kinds = records.map((bytes) => {
    const decoded = decodeRecord(bytes);
    return decoded.type === "record" ? decoded.sealed.record.kind : decoded.type;
  });
  expect(kinds).toEqual("fence batch batch batch fence batch batch batch release".split(" "));
  const host = await start(new FileCopy(copies.file()), new MemoryVault({ random }));
  await turnsUntil(() => host.pool.serving);
  kill(host);
});

describe("a host that starts stops before a record that", () => {
  test("is cut at any byte", async () => {
    const store = storeBefore(3);
    const whole = recordAt(3);
    for (let bytes = 0; bytes < whole.length; bytes += 1) {
      await damaged({ 3: whole.subarray(0, bytes) }, () => expectStopped(lentCopy(store), 3));
    }
    store.close();
  });

  test("has any one bit flipped", async () => {
    const store = storeBefore(7);
    const whole = recordAt(7);
    expect(whole.length).toBeLessThan(256);
    for (let bit = 0; bit < whole.length * 8; bit += 1) {
      await damaged({ 7: flipped(whole, bit) }, () => expectStopped(lentCopy(store), 7));
    }
    store.close();
  });

  test.each([1, 2, 5, 8, 9])("has some bit flipped, at slot %i", async (at) => {
    const store = storeBefore(at);
    const whole = recordAt(at);
    for (let sample = 0; sample < 50; sample += 1) {
      const bit = random.bytes(4).readUInt32LE() % (whole.length * 8);
      await damaged({ [at]: flipped(whole, bit) }, () => expectStopped(lentCopy(store), at));
    }
    store.close();
  });

  test.each([1, 4, 5, 9])("is zeros, or longer than it says, or empty, at slot %i", async (at) => {
    const whole = recordAt(at);
    const longer = Buffer.concat([whole, Buffer.from([0])]);
    for (const bytes of [Buffer.alloc(whole.length), longer, Buffer.alloc(0)]) {
      const copy = new FileCopy(copies.file());
      await damaged({ [at]: bytes }, () => expectStopped(copy, at));
      expect(copy.wishes).toEqual([]);
      await copy.close();
    }
  });

  test.each([1, 4, 5, 8])("is gone while later ones are there, at slot %i", async (at) => {
    const copy = new FileCopy(copies.file());
    await damaged({ [at]: null }, () => expectStopped(copy, at, "HS_RECORD_MISSING"));
    await copy.close();
  });

  test.each([
    [3, 4],
    [5, 6],
    [1, 9],
  ])("has changed places with another: slots %i and %i", async (one, other) => {
    const copy = new FileCopy(copies.file());
    await damaged({ [one]: recordAt(other), [other]: recordAt(one) }, () => expectStopped(copy, one));
    await copy.close();
  });

  test.each([2, 5, 6, 9])("is of another pool, at slot %i", async (at) => {
    const copy = new FileCopy(copies.file());
    const bytes = rewritten(at, { origin: "d".repeat(32) as OriginId });
    await damaged({ [at]: bytes }, () => expectStopped(copy, at));
    await copy.close();
  });

  test.each([2, 6, 9])("is of no tenure there was, at slot %i", async (at) => {
    for (const change of [{ epoch: epoch(7) }, { owner: parseNodeId("host-x") }, { bootId: "e".repeat(32) }]) {
      const copy = new FileCopy(copies.file());
      const bytes = rewritten(at, change as Partial<RecordHeader>);
      await damaged({ [at]: bytes }, () => expectStopped(copy, at));
      await copy.close();
    }
  });

  test.each([1, 2, 5, 9])("is of a format that this program does not read, at slot %i", async (at) => {
    const copy = new FileCopy(copies.file());
    await damaged({ [at]: newer(at) }, () => expectStopped(copy, at));
    await copy.close();
  });

  test("skips an epoch, though it is a fence", async () => {
    const copy = new FileCopy(copies.file());
    await damaged({ 5: rewritten(5, { epoch: epoch(3) }) }, () => expectStopped(copy, 5));
    await copy.close();
  });

  test("does not follow what came before: the own copy is tried once more from the start, then the record is the culprit", async () => {
    const copy = new FileCopy(copies.file());
    const bytes = rewritten(7, { previousHash: "1".repeat(64) as RecordHeader["previousHash"] });
    await damaged({ 7: bytes }, () => expectStopped(copy, 7));
    expect(copy.wishes).toHaveLength(1);
    await copy.close();
  });
});

describe("an order that comes before the damage was seen is refused, and nothing is fenced over it:", () => {
  const cases: readonly (readonly [string, number, () => Buffer | null])[] = [
    ["cut", 8, () => recordAt(8).subarray(0, 100)],
    ["a bit flipped", 9, () => flipped(recordAt(9), 1000)],
    ["a fence with a bit flipped", 5, () => flipped(recordAt(5), 1000)],
    ["zeros", 4, () => Buffer.alloc(recordAt(4).length)],
    ["gone, and later ones are there", 6, () => null],
    ["another's place", 6, () => recordAt(7)],
    ["another pool's", 9, () => rewritten(9, { origin: "d".repeat(32) as OriginId })],
    ["of no tenure", 9, () => rewritten(9, { epoch: epoch(9) })],
    ["newer", 9, () => newer(9)],
  ];
  test.each(cases)("%s, at slot %i", async (_, at, bytes) => {
    const store = storeBefore(at);
    await damaged({ [at]: bytes() }, async () => {
      const before = journal();
      const host = await startOn(new Machine(new MemoryVault({ random, disk })), lentCopy(store), random, {
        host: "host-b",
        first: false,
      });
      await turnsUntil(() => host.pool.report(0).role === "standby");
      const answer = await order(host);
      expect(host.pool.state.applied?.slot).toBe(at - 1);
      expect(answer).toMatchObject({ outcome: "refused" });
      expect(answer.reason).not.toContain("the fence to depose");
      expect(journal()).toEqual(before);
      expect(host.died).toEqual([]);
      host.machine.die();
    });
    store.close();
  });
});

describe("it is no damage when", () => {
  const follows = async (vault: FaultyVault, alarms: readonly string[] = []): Promise<Host> => {
    const copy = new FileCopy(copies.file());
    const host = await startOn(new Machine(vault), copy, random, { host: "host-b", first: false });
    await turnsUntil(() => {
      const { alarm, applied } = host.pool.state;
      if (alarm !== null) expect(alarms).toContain(alarm.code);
      return applied?.slot === 9 && alarm === null;
    });
    expect(host.died).toEqual([]);
    return host;
  };

  test("a record reads wrongly a few times and then rightly", async () => {
    const vault = new FaultyVault(new MemoryVault({ random, disk }));
    for (let time = 0; time < 4; time += 1) vault.once("get", { type: "flipped bit", bit: 700 });
    kill(await follows(vault));
  });

  test("a record cannot be read for a while", async () => {
    const vault = new FaultyVault(new MemoryVault({ random, disk }));
    for (let time = 0; time < 50; time += 1) vault.once("get", { type: "EIO" });
    kill(await follows(vault));
  });

  test("the vault cannot be listed for a while, which is told while it lasts", async () => {
    const vault = new FaultyVault(new MemoryVault({ random, disk }));
    for (let time = 0; time < 50; time += 1) vault.once("list", { type: "EIO" });
    kill(await follows(vault, ["HS_VAULT_IO"]));
  });

  test("a record that was listed is not found for a while", async () => {
    const vault = new FaultyVault(new MemoryVault({ random, disk }));
    for (let time = 0; time < 20; time += 1) vault.once("get", { type: "stale" });
    kill(await follows(vault));
  });
});

test("who has passed a record before it was damaged goes on, and takes over", async () => {
  const copyOfDisk = await history();
  const kept = disk;
  disk = copyOfDisk;
  try {
    const host = await startOn(new Machine(new MemoryVault({ random, disk })), new FileCopy(copies.file()), random, {
      host: "host-b",
      first: false,
    });
    await turnsUntil(() => host.pool.state.applied?.slot === 9);
    await damaged({ 6: Buffer.alloc(10), 3: null }, async () => {
      expect(await order(host)).toMatchObject({ outcome: "serving" });
      expect((await host.pool.write(add("x"))).value).toBe("3");
      expect(host.pool.state.alarm).toBeNull();
    });
    kill(host);
  } finally {
    disk = kept;
  }
});
