/** The writer of receipts against a vault that fails: it gets the receipt there or gives up, and nobody dies of it. */
import { beforeEach, describe, expect, test } from "vitest";
import { silentLog, type Log } from "../../shared/log.ts";
import { readReceipt } from "../../shared/receipt/read-receipt.ts";
import { receiptName, receiptsFolder } from "../../shared/vault/layout.ts";
import { MemoryVault } from "../../shared/vault/memory-vault.ts";
import { FaultyVault, type Fault } from "../faulty-vault.ts";
import { history, PoolScript } from "./core/pool-script.ts";
import { ReceiptWriter } from "../../host/receipt-writer.ts";
import { seededRandom } from "../shared/vault/test-vaults.ts";
import { POOL } from "./cluster.ts";
import { FastClock, turnsUntil } from "./machine.ts";

let disk: MemoryVault;
let vault: FaultyVault;
let warned: object[];
let clock: FastClock;

beforeEach(() => {
  disk = new MemoryVault({ random: seededRandom(1) });
  vault = new FaultyVault(disk);
  warned = [];
  clock = new FastClock();
});

const log: Log = { ...silentLog, warn: (fields) => void warned.push(fields) };

function serving(): {
  pool: ConstructorParameters<typeof ReceiptWriter>[0]["pool"];
  fence: PoolScript["state"]["newestFence"];
} {
  const chain = history(3);
  const script = PoolScript.standby(chain.head).toServing(chain);
  const pool = { id: POOL, on: () => () => undefined, state: script.state, receiptNotes: script.notes };
  return { pool, fence: script.state.newestFence };
}

const { pool, fence } = serving();
const name = receiptName(POOL, fence!.epoch);
const write = (): ReceiptWriter => new ReceiptWriter({ pool, vault, clock, log, version: "test" });
const found = async (): Promise<string> => (await readReceipt({ vault: disk, pool: POOL, fence: fence! })).type;
/** More time than all tries take. */
async function passed(): Promise<void> {
  clock.after(1_000_000, () => undefined);
  await turnsUntil(() => clock.monotonicMs() >= 1_000_000);
}

const puts = (): string[] => vault.calls.filter((call) => call.startsWith("put"));

describe("a receipt gets there", () => {
  test.each<[string, (vault: FaultyVault) => void, number]>([
    ["at the first try", () => undefined, 1],
    ["after the vault was full", (of) => of.once("put", { type: "ENOSPC" }), 2],
    ["after a put that never arrived", (of) => of.once("put", { type: "EIO" }), 2],
    ["by a put whose answer was lost", (of) => of.once("put", { type: "lost reply" }), 1],
    ["by a put that says that its name is taken", (of) => of.once("put", { type: "exists after own success" }), 1],
    [
      "though it could not be read back at first",
      (of) => {
        of.once("put", { type: "lost reply" });
        of.once("get", { type: "EIO" });
      },
      2,
    ],
    [
      "though it was read back with a flipped bit",
      (of) => {
        of.once("put", { type: "lost reply" });
        of.once("get", { type: "flipped bit", bit: 3 });
      },
      2,
    ],
  ])("%s", async (_, spoil, tries) => {
    spoil(vault);
    write();
    await passed();
    expect(puts()).toEqual(Array.from({ length: tries }, () => `put ${name}`));
    expect(await found()).toBe("receipt");
    expect(warned).toEqual([]);
  });

  test("and what was found by reading is synced before it counts", async () => {
    vault.once("put", { type: "lost reply" });
    write();
    await turnsUntil(() => vault.calls.includes(`sync ${receiptsFolder(POOL)}`));
    expect(vault.calls).toEqual([`put ${name}`, `get ${name}`, `sync ${receiptsFolder(POOL)}`]);
  });
});

describe("a receipt is given up", () => {
  test.each<[string, Fault, number]>([
    ["after a bounded number of tries", { type: "ENOSPC" }, 5],
    ["at once where the folder cannot be synced any more", { type: "undurable" }, 1],
  ])("%s, and that is told once", async (_, fault, tries) => {
    vault.always("put", fault);
    write();
    await turnsUntil(() => warned.length > 0);
    expect(puts()).toHaveLength(tries);
    expect(warned).toEqual([{ name, reason: expect.any(String) }]);
  });

  test("where something else has its name, which is left alone", async () => {
    await disk.put(name, Buffer.from("something else"));
    write();
    await turnsUntil(() => warned.length > 0);
    expect(await disk.get(name, { offset: 0, maxBytes: 99 })).toEqual(Buffer.from("something else"));
  });

  test("when the host stops, without a word", async () => {
    vault.always("put", { type: "ENOSPC" });
    const writer = write();
    await turnsUntil(() => puts().length === 2);
    writer.stop();
    await passed();
    expect(puts()).toHaveLength(2);
    expect(warned).toEqual([]);
  });
});
