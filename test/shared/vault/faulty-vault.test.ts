import { expect, test } from "vitest";
import type { PoolId } from "../../../shared/ids.ts";
import { slot } from "../../../shared/position.ts";
import { recordFolder, recordName } from "../../../shared/vault/layout.ts";
import { MemoryVault } from "../../../shared/vault/memory-vault.ts";
import { vaultContract } from "../../contract/vault-contract.ts";
import { FaultyVault } from "../../faulty-vault.ts";
import { until } from "../../until.ts";
import { seededRandom } from "./test-vaults.ts";

vaultContract("faulty, without a fault", () => {
  const inner = new MemoryVault({ random: seededRandom(1) });
  return { vault: new FaultyVault(inner), other: new FaultyVault(inner), close: () => undefined };
});

const pool = "main" as PoolId;
const name = recordName(pool, slot(1));
const folder = recordFolder(pool, slot(1));
const WHOLE = { offset: 0, maxBytes: 100 };
const bytes = Buffer.from("content");
const make = (): FaultyVault => new FaultyVault(new MemoryVault({ random: seededRandom(1) }));

test("a lost reply: unknown, though the record is there", async () => {
  const vault = make();
  vault.once("put", { type: "lost reply" });
  expect(await vault.put(name, bytes)).toMatchObject({ type: "unknown" });
  expect(await vault.get(name, WHOLE)).toEqual(bytes);
});

test("EIO: unknown, and the record is not there", async () => {
  const vault = make();
  vault.once("put", { type: "EIO" });
  expect(await vault.put(name, bytes)).toMatchObject({ type: "unknown" });
  expect(await vault.get(name, WHOLE)).toBeNull();
  expect(await vault.put(name, bytes)).toEqual({ type: "created" });
});

test("told that its own record exists", async () => {
  const vault = make();
  vault.once("put", { type: "exists after own success" });
  expect(await vault.put(name, bytes)).toEqual({ type: "exists" });
  expect(await vault.get(name, WHOLE)).toEqual(bytes);
});

test("full, as long as it is not healed", async () => {
  const vault = make();
  vault.always("put", { type: "ENOSPC" });
  for (const _ of [1, 2]) expect(await vault.put(name, bytes)).toMatchObject({ error: { code: "HS_VAULT_FULL" } });
  vault.heal();
  expect(await vault.put(name, bytes)).toEqual({ type: "created" });
});

test("a call hangs until it is released", async () => {
  const vault = make();
  vault.once("put", { type: "hang" });
  const put = vault.put(name, bytes);
  await until(() => vault.hanging === 1);
  expect(await vault.list(folder)).toEqual([]);
  vault.release();
  expect(await put).toEqual({ type: "created" });
});

test("reads with a flipped bit, a missing end, a stale absence", async () => {
  const vault = make();
  await vault.put(name, bytes);
  vault.once("get", { type: "flipped bit", bit: 0 });
  vault.once("get", { type: "short", bytes: 2 });
  vault.once("get", { type: "stale" });
  vault.once("list", { type: "stale" });
  expect((await vault.get(name, WHOLE))?.toString()).toBe("bontent");
  expect((await vault.get(name, WHOLE))?.toString()).toBe("conte");
  expect(await vault.get(name, WHOLE)).toBeNull();
  expect(await vault.get(name, WHOLE)).toEqual(bytes);
  expect(await vault.list(folder)).toEqual([]);
  expect(await vault.list(folder)).toHaveLength(1);
});
