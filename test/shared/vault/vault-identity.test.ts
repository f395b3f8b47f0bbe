import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { VaultId } from "../../../shared/ids.ts";
import { checkDataFolder } from "../../../shared/vault/data-folder.ts";
import { probeVault } from "../../../shared/vault/probe-vault.ts";
import { checkVaultIdentity, createVaultIdentity, type VaultPlace } from "../../../shared/vault/vault-identity.ts";
import { seededRandom, systemError, TestDirectory } from "./test-vaults.ts";

const identity = { cluster: "demo", vaultId: "0123456789abcdef0123456789abcdef" as VaultId };
const other = { cluster: "demo", vaultId: "ffffffffffffffffffffffffffffffff" as VaultId };
const random = seededRandom(5);

let directory: TestDirectory;
let place: VaultPlace;
beforeEach(() => {
  directory = new TestDirectory();
  place = { vault: directory.open(), directory: directory.path };
});
afterEach(() => directory.remove());
const put = (text: string): void => fs.writeFileSync(path.join(directory.path, "cluster.json"), text);

test("an identity is written once; a second init keeps it", async () => {
  expect(await createVaultIdentity(place, identity)).toEqual(identity);
  expect(await createVaultIdentity(place, other)).toEqual(identity);
  expect(await checkVaultIdentity(place, identity.vaultId)).toEqual(identity);
  expect(await checkVaultIdentity(place, null)).toEqual(identity);
});

test("an empty folder (the share is not mounted) is no vault, and stays empty", async () => {
  await expect(checkVaultIdentity(place, identity.vaultId)).rejects.toMatchObject({
    code: "HS_VAULT_MISSING",
    message: expect.stringContaining(directory.path) as string,
  });
  expect(fs.readdirSync(directory.path)).toEqual([]);
});

test("another vault under the same path is refused by its id", async () => {
  await createVaultIdentity(place, other);
  await expect(checkVaultIdentity(place, identity.vaultId)).rejects.toMatchObject({
    code: "HS_VAULT_FOREIGN",
    details: { directory: directory.path, found: other.vaultId, accepted: identity.vaultId },
  });
});

test("a format of a later program is refused by its number", async () => {
  put(JSON.stringify({ ...identity, format: 2 }));
  await expect(checkVaultIdentity(place, null)).rejects.toMatchObject({
    code: "HS_VAULT_FORMAT",
    details: { found: "2" },
  });
});

for (const text of ["", "{", "null", "[]", '{"format":1}', '{"format":1,"cluster":"x","vaultId":"../x"}']) {
  test(`an identity that reads ${JSON.stringify(text)} is neither believed nor replaced`, async () => {
    put(text);
    await expect(checkVaultIdentity(place, null)).rejects.toMatchObject({ code: "HS_VAULT_FORMAT" });
    await expect(createVaultIdentity(place, identity)).rejects.toMatchObject({ code: "HS_VAULT_FORMAT" });
    expect(fs.readFileSync(path.join(directory.path, "cluster.json"), "utf8")).toBe(text);
  });
}

test("a folder that cannot be written to is named", async () => {
  const readOnly = directory.open({
    mkdirSync: () => {
      throw systemError("EROFS", "mkdir");
    },
  });
  await expect(createVaultIdentity({ ...place, vault: readOnly }, identity)).rejects.toMatchObject({
    code: "HS_VAULT_UNWRITABLE",
    details: { directory: directory.path },
  });
});

test("an identity that might vanish in a power cut is not given out", async () => {
  const vault = directory.open({
    fsyncSync: () => {
      throw systemError("EIO", "fsync");
    },
  });
  await expect(createVaultIdentity({ ...place, vault }, identity)).rejects.toMatchObject({
    code: "HS_VAULT_UNDURABLE",
  });
});

test("a share where names are created exactly once passes the probe, which leaves nothing behind", async () => {
  const vault = directory.open();
  await probeVault({ ...place, vault }, random);
  vault.close();
  expect(fs.readdirSync(path.join(directory.path, "tmp"))).toEqual([]);
});

test("a share without hard links is unsuitable", async () => {
  const vault = directory.open({
    linkSync: () => {
      throw systemError("EOPNOTSUPP", "link");
    },
  });
  await expect(probeVault({ ...place, vault }, random)).rejects.toMatchObject({ code: "HS_VAULT_UNSUITABLE" });
});

test("a share whose link replaces the winner is unsuitable", async () => {
  const vault = directory.open({
    linkSync: (existing, name) => {
      fs.rmSync(name, { force: true });
      fs.linkSync(existing, name);
    },
  });
  await expect(probeVault({ ...place, vault }, random)).rejects.toMatchObject({ code: "HS_VAULT_UNSUITABLE" });
});

test("a share that cannot sync folders is unsuitable", async () => {
  const vault = directory.open({
    fsyncSync: () => {
      throw systemError("EINVAL", "fsync");
    },
  });
  await expect(probeVault({ ...place, vault }, random)).rejects.toMatchObject({ code: "HS_VAULT_UNSUITABLE" });
});

test("a share that cannot be written to at a host's start is not unsuitable either", async () => {
  const vault = directory.open({
    fdatasyncSync: () => {
      throw systemError("EIO", "fdatasync");
    },
  });
  await expect(probeVault({ ...place, vault }, random)).rejects.toMatchObject({ code: "HS_VAULT_IO", exit: 74 });
});

test.each([
  ["read-only now", "EROFS"],
  ["failing now", "EIO"],
  ["full now", "EDQUOT"],
] as const)("a share whose folders are %s is not unsuitable: trying again may help", async (_, code) => {
  const vault = directory.open({
    fsyncSync: () => {
      throw systemError(code, "fsync");
    },
  });
  await expect(probeVault({ ...place, vault }, random)).rejects.toMatchObject({ code: "HS_VAULT_UNDURABLE", exit: 74 });
});

test("a full share is full, not unsuitable", async () => {
  const vault = directory.open({
    writeSync: () => {
      throw systemError("ENOSPC", "write");
    },
  });
  await expect(probeVault({ ...place, vault }, random)).rejects.toMatchObject({ code: "HS_VAULT_FULL" });
});

test("a host's own data may lie neither inside the vault nor around it", () => {
  const inside = path.join(directory.path, "data");
  expect(() => checkDataFolder(inside, directory.path)).toThrow(/inside the vault/);
  expect(() => checkDataFolder(directory.path, inside)).toThrow(/lies inside it/);
  const link = `${directory.path}-link`;
  fs.symlinkSync(directory.path, link);
  try {
    expect(() => checkDataFolder(path.join(link, "data"), directory.path)).toThrow(/inside the vault/);
  } finally {
    fs.unlinkSync(link);
  }
  checkDataFolder(`${directory.path}-data`, directory.path);
});
