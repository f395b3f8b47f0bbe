import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { PoolId, Sha256 } from "../../../shared/ids.ts";
import { slot } from "../../../shared/position.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { checkpointImageName, recordFolder, recordName } from "../../../shared/vault/layout.ts";
import { ThreadedVault } from "../../../shared/vault/threaded-vault.ts";
import { vaultContract } from "../../contract/vault-contract.ts";
import { until } from "../../until.ts";
import { TestDirectory } from "./test-vaults.ts";

const open = (directory: TestDirectory, closeTimeoutMs = 5000): ThreadedVault =>
  new ThreadedVault({ directory: directory.path, clock: systemClock, closeTimeoutMs });

vaultContract("threaded", () => {
  const directory = new TestDirectory();
  const vault = open(directory);
  const other = open(directory);
  return {
    vault,
    other,
    close: async () => {
      await Promise.all([vault.close(), other.close()]);
      directory.remove();
    },
  };
});

const pool = "main" as PoolId;
const name = recordName(pool, slot(1));
const WHOLE = { offset: 0, maxBytes: 1000 };
const bytes = Buffer.from("content");

let directory: TestDirectory;
let vaults: ThreadedVault[];
beforeEach(() => {
  directory = new TestDirectory();
  vaults = [];
});
afterEach(async () => {
  await Promise.all(vaults.map((vault) => vault.close()));
  directory.remove();
});
const opened = (closeTimeoutMs?: number): ThreadedVault => {
  const vault = open(directory, closeTimeoutMs);
  vaults.push(vault);
  return vault;
};

/** Hangs the thread in a system call: reading a local "file" that is a pipe without a writer. Returns what ends it. */
function hang(vault: ThreadedVault): { readonly put: Promise<unknown>; readonly release: () => void } {
  const pipe = path.join(directory.path, "pipe");
  execFileSync("mkfifo", [pipe]);
  const image = checkpointImageName(pool, slot(1), "0".repeat(64) as Sha256);
  return {
    put: vault.put(image, { file: pipe }),
    release: () => fs.closeSync(fs.openSync(pipe, fs.constants.O_RDWR | fs.constants.O_NONBLOCK)),
  };
}

test("an error keeps its code, its details and its text on the way out of the thread", async () => {
  const vault = opened();
  fs.mkdirSync(path.join(directory.path, name), { recursive: true });
  await expect(vault.get(name, WHOLE)).rejects.toMatchObject({
    code: "HS_VAULT_IO",
    details: { action: "read", name },
    message: expect.stringContaining("not a regular file") as string,
  });
  fs.rmSync(directory.path, { recursive: true });
  expect(await vault.put(recordName(pool, slot(2)), bytes)).toMatchObject({
    type: "refused",
    error: { code: "HS_VAULT_MISSING" },
  });
});

test("a call that hangs shows, stops nothing else, and the process can still let go of the vault", async () => {
  const vault = opened(50);
  await vault.list(recordFolder(pool, slot(1)));
  expect(vault.stalledMs()).toBe(0);
  const { put, release } = hang(vault);
  const list = vault.list(recordFolder(pool, slot(1))).catch((error: unknown) => error);
  await until(() => vault.stalledMs() > 20);
  await fs.promises.readFile(import.meta.filename);
  await vault.close();
  expect(await put).toMatchObject({ type: "unknown" });
  expect(await list).toMatchObject({ code: "HS_VAULT_IO" });
  release();
});

test("calls under way when the vault is closed end as they would have", async () => {
  const vault = opened();
  const puts = [1, 2, 3].map((at) => vault.put(recordName(pool, slot(at)), bytes));
  await vault.close();
  expect(await Promise.all(puts)).toEqual([{ type: "created" }, { type: "created" }, { type: "created" }]);
});

test("after close nothing is published and no call waits for ever", async () => {
  const vault = opened();
  await vault.close();
  expect(await vault.put(name, bytes)).toMatchObject({ type: "refused" });
  await expect(vault.get(name, WHOLE)).rejects.toMatchObject({ code: "HS_VAULT_IO" });
  await vault.close();
  expect(vault.stalledMs()).toBe(0);
});

test("no prepared or temporary file is left behind by a vault that is closed", async () => {
  const vault = opened();
  for (let at = 1; at <= 20; at += 1) await vault.put(recordName(pool, slot(at)), bytes);
  await vault.close();
  expect(fs.readdirSync(path.join(directory.path, "tmp"))).toEqual([]);
});

test("the file system of the directory is told", async () => {
  const { type, mountPoint } = await opened().fileSystem();
  expect(type).not.toBe("");
  expect(directory.path.startsWith(mountPoint)).toBe(true);
});

test("a small content that is a slice of a large buffer takes nothing of its neighbours along", async () => {
  const vault = opened();
  const large = Buffer.alloc(100_000, "x");
  await vault.put(name, large.subarray(10, 13));
  expect(await vault.get(name, WHOLE)).toEqual(Buffer.from("xxx"));
  expect(large).toHaveLength(100_000);
});
