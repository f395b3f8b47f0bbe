import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { PoolId } from "../../../shared/ids.ts";
import { slot } from "../../../shared/position.ts";
import type { DirectoryIo } from "../../../shared/vault/directory-io.ts";
import { journalFolder, recordFolder, recordName, temporaryFolder } from "../../../shared/vault/layout.ts";
import { vaultContract } from "../../contract/vault-contract.ts";
import { until } from "../../until.ts";
import { systemError, TestDirectory } from "./test-vaults.ts";

vaultContract("directory", () => {
  const directory = new TestDirectory();
  const vaults = [directory.open(), directory.open()] as const;
  return {
    vault: vaults[0],
    other: vaults[1],
    close: () => {
      for (const vault of vaults) vault.close();
      directory.remove();
    },
  };
});

const pool = "main" as PoolId;
const name = recordName(pool, slot(1));
const next = recordName(pool, slot(2));
const folder = recordFolder(pool, slot(1));
const bytes = Buffer.from("content");
const WHOLE = { offset: 0, maxBytes: 1000 };

let directory: TestDirectory;
beforeEach(() => {
  directory = new TestDirectory();
});
afterEach(() => directory.remove());

const temporaryNames = (): string[] => fs.readdirSync(path.join(directory.path, temporaryFolder));
const failing = (code: string) => (): never => {
  throw systemError(code);
};

describe("an error before the link publishes nothing and names its cause", () => {
  const cases: readonly (readonly [keyof DirectoryIo, string, string])[] = [
    ["writeSync", "ENOSPC", "HS_VAULT_FULL"],
    ["writeSync", "EDQUOT", "HS_VAULT_FULL"],
    ["writeSync", "EIO", "HS_VAULT_IO"],
    ["fdatasyncSync", "EIO", "HS_VAULT_IO"],
    ["fdatasyncSync", "ENOSPC", "HS_VAULT_FULL"],
    ["mkdirSync", "EACCES", "HS_VAULT_UNWRITABLE"],
    ["mkdirSync", "ENOSPC", "HS_VAULT_FULL"],
    ["openSync", "EROFS", "HS_VAULT_UNWRITABLE"],
    ["openSync", "EMFILE", "HS_VAULT_IO"],
  ];
  for (const [call, code, expected] of cases) {
    test(`${code} by ${call}`, async () => {
      const vault = directory.open({ [call]: failing(code) });
      expect(await vault.put(name, bytes)).toMatchObject({ type: "refused", error: { code: expected } });
      expect(await directory.open().list(folder)).toEqual([]);
    });
  }

  test("the partly written temporary file is deleted, so that a full share gets its space back", async () => {
    const vault = directory.open({ fdatasyncSync: failing("ENOSPC") });
    await vault.put(name, bytes);
    expect(temporaryNames()).toEqual([]);
  });
});

test("after an error of sync the same file is never synced again, the next put makes a new one", async () => {
  const synced: number[] = [];
  const opened: string[] = [];
  const vault = directory.open({
    openSync: (file, flags, mode) => {
      const fd = fs.openSync(file, flags, mode);
      if (file.startsWith(`${directory.path}/${temporaryFolder}/`)) opened.push(file);
      return fd;
    },
    fdatasyncSync: (fd) => {
      synced.push(fd);
      if (synced.length === 1) throw systemError("EIO", "fdatasync");
      fs.fdatasyncSync(fd);
    },
  });
  expect(await vault.put(name, bytes)).toMatchObject({ type: "refused" });
  expect(await vault.put(name, bytes)).toEqual({ type: "created" });
  expect(synced).toHaveLength(2);
  expect(new Set(opened.slice(0, 2)).size).toBe(2);
});

test("an error of close is final for its temporary file: shares report lost writes there", async () => {
  let temporary = -1;
  let closed = 0;
  const vault = directory.open({
    fdatasyncSync: (fd) => {
      temporary = fd;
      fs.fdatasyncSync(fd);
    },
    closeSync: (fd) => {
      fs.closeSync(fd);
      if (fd !== temporary) return;
      temporary = -1;
      closed += 1;
      if (closed === 1) throw systemError("EIO", "close");
    },
  });
  expect(await vault.put(name, bytes)).toMatchObject({ type: "refused" });
  expect(await vault.get(name, WHOLE)).toBeNull();
  expect(await vault.put(name, bytes)).toEqual({ type: "created" });
});

describe("an error of the link itself", () => {
  for (const code of ["EIO", "ETIMEDOUT", "ESTALE", "ENOENT"]) {
    test(`${code}: it may have happened or not`, async () => {
      const vault = directory.open({ linkSync: failing(code) });
      expect(await vault.put(name, bytes)).toMatchObject({ type: "unknown", error: { code: "HS_VAULT_IO" } });
    });
  }

  test("EIO after the effect: unknown, and the record is there to be found", async () => {
    const vault = directory.open({
      linkSync: (existing, file) => {
        fs.linkSync(existing, file);
        throw systemError("EIO", "link");
      },
    });
    expect(await vault.put(name, bytes)).toMatchObject({ type: "unknown" });
    expect(await vault.get(name, WHOLE)).toEqual(bytes);
    expect(await vault.put(name, bytes)).toEqual({ type: "exists" });
    await vault.sync(folder);
  });

  for (const [code, expected] of [
    ["ENOSPC", "HS_VAULT_FULL"],
    ["EROFS", "HS_VAULT_UNWRITABLE"],
    ["EPERM", "HS_VAULT_UNWRITABLE"],
  ] as const) {
    test(`${code}: certainly nothing happened`, async () => {
      const vault = directory.open({ linkSync: failing(code) });
      expect(await vault.put(name, bytes)).toMatchObject({ type: "refused", error: { code: expected } });
    });
  }
});

describe("an error of a folder's sync", () => {
  const folderSyncFailsOnce = (): { vault: ReturnType<TestDirectory["open"]>; syncs: () => number } => {
    let syncs = 0;
    let armed = false;
    const vault = directory.open({
      linkSync: (existing, file) => {
        armed = true;
        fs.linkSync(existing, file);
      },
      fsyncSync: (fd) => {
        syncs += 1;
        if (armed && syncs > 0) {
          armed = false;
          throw systemError("EIO", "fsync");
        }
        fs.fsyncSync(fd);
      },
    });
    return { vault, syncs: () => syncs };
  };

  test("the put is not durable, and no later put or sync of that folder is ever believed", async () => {
    const { vault, syncs } = folderSyncFailsOnce();
    expect(await vault.put(name, bytes)).toMatchObject({ type: "undurable", error: { code: "HS_VAULT_UNDURABLE" } });
    const before = syncs();
    expect(await vault.put(next, bytes)).toMatchObject({ type: "undurable" });
    await expect(vault.sync(folder)).rejects.toMatchObject({ code: "HS_VAULT_UNDURABLE" });
    expect(syncs()).toBe(before);
    expect(await vault.get(next, WHOLE)).toBeNull();
  });

  test("another process on the same folder is not concerned", async () => {
    await folderSyncFailsOnce().vault.put(name, bytes);
    expect(await directory.open().put(next, bytes)).toEqual({ type: "created" });
  });

  test("where a folder above could not be synced, nothing in it is durable", async () => {
    const vault = directory.open({ fsyncSync: failing("EIO") });
    expect(await vault.put(name, bytes)).toMatchObject({ type: "undurable" });
    expect(await directory.open().get(name, WHOLE)).toBeNull();
  });
});

test("a new folder's name is synced in the folder above it before anything in it is acknowledged", async () => {
  const calls: string[] = [];
  const paths = new Map<number, string>();
  const vault = directory.open({
    openSync: (file, flags, mode) => {
      const fd = fs.openSync(file, flags, mode);
      paths.set(fd, path.relative(directory.path, file));
      return fd;
    },
    mkdirSync: (file, mode) => {
      calls.push(`mkdir ${path.relative(directory.path, file)}`);
      return fs.mkdirSync(file, mode);
    },
    fsyncSync: (fd) => {
      calls.push(`fsync ${paths.get(fd) || "root"}`);
      fs.fsyncSync(fd);
    },
    linkSync: (existing, file) => {
      calls.push("link");
      fs.linkSync(existing, file);
    },
  });
  await vault.put(name, bytes);
  expect(calls).toEqual([
    "mkdir tmp",
    "fsync root",
    "mkdir pools",
    "fsync root",
    "mkdir pools/main",
    "fsync pools",
    `mkdir ${journalFolder(pool)}`,
    "fsync pools/main",
    `mkdir ${folder}`,
    `fsync ${journalFolder(pool)}`,
    "link",
    `fsync ${folder}`,
  ]);
  calls.length = 0;
  await vault.put(next, bytes);
  expect(calls).toEqual(["link", `fsync ${folder}`]);
});

test("folders that another host made and may not have synced are synced before the first put", async () => {
  fs.mkdirSync(path.join(directory.path, folder), { recursive: true });
  let syncs = 0;
  const vault = directory.open({
    fsyncSync: (fd) => {
      syncs += 1;
      fs.fsyncSync(fd);
    },
  });
  await vault.put(name, bytes);
  expect(syncs).toBe(6);
});

test("what another host may not have synced is made durable by a sync: the names, and the folders' own names", async () => {
  fs.mkdirSync(path.join(directory.path, folder), { recursive: true });
  let syncs = 0;
  let made = 0;
  const vault = directory.open({
    fsyncSync: (fd) => {
      syncs += 1;
      fs.fsyncSync(fd);
    },
    mkdirSync: () => {
      made += 1;
    },
  });
  await vault.sync(folder);
  expect([syncs, made]).toEqual([5, 0]);
  await vault.sync(folder);
  expect(syncs).toBe(6);
});

test("a share that was unmounted while running leaves an empty folder, in which nothing is made", async () => {
  const vault = directory.open();
  await vault.put(name, bytes);
  const aside = `${directory.path}-aside`;
  fs.renameSync(directory.path, aside);
  fs.mkdirSync(directory.path);
  try {
    const first = await vault.put(next, bytes);
    expect(first.type).not.toBe("created");
    expect(await vault.put(next, bytes)).toMatchObject({ type: "refused", error: { code: "HS_VAULT_MISSING" } });
    expect(fs.readdirSync(directory.path)).toEqual([]);
  } finally {
    fs.rmSync(aside, { recursive: true });
  }
});

test("a folder that somebody deleted is made again", async () => {
  const vault = directory.open();
  await vault.put(name, bytes);
  fs.rmSync(path.join(directory.path, "pools"), { recursive: true });
  expect(await vault.put(next, bytes)).toMatchObject({ type: "refused" });
  expect(await vault.put(next, bytes)).toEqual({ type: "created" });
});

describe("only regular files are read", () => {
  test("a symbolic link, which could lead anywhere, is refused", async () => {
    const vault = directory.open();
    await vault.put(name, bytes);
    fs.symlinkSync("/etc/passwd", path.join(directory.path, next));
    await expect(vault.get(next, WHOLE)).rejects.toMatchObject({ code: "HS_VAULT_IO" });
  });

  test("a folder is refused", async () => {
    const vault = directory.open();
    fs.mkdirSync(path.join(directory.path, name), { recursive: true });
    await expect(vault.get(name, WHOLE)).rejects.toMatchObject({ code: "HS_VAULT_IO" });
  });
});

test("reads that come short, and a size that is out of date, do not cut a record", async () => {
  const vault = directory.open({
    readSync: (fd, into, offset, length, position) => fs.readSync(fd, into, offset, Math.min(length, 3), position),
    fstatSync: (fd) => Object.assign(fs.fstatSync(fd), { size: 2 }),
  });
  await vault.put(name, Buffer.from("a longer content"));
  expect(await vault.get(name, WHOLE)).toEqual(Buffer.from("a longer content"));
});

test("a record that exists but cannot be read is an error, never absence", async () => {
  const vault = directory.open({ readSync: failing("EIO") });
  await vault.put(name, bytes);
  await expect(vault.get(name, WHOLE)).rejects.toMatchObject({ code: "HS_VAULT_IO" });
  const blind = directory.open({ openSync: failing("EACCES") });
  await expect(blind.get(name, WHOLE)).rejects.toMatchObject({ code: "HS_VAULT_UNWRITABLE" });
});

test("a folder that cannot be listed is an error, never empty", async () => {
  await expect(directory.open({ readdirSync: failing("EIO") }).list(folder)).rejects.toMatchObject({
    code: "HS_VAULT_IO",
  });
});

test("temporary names go after the answer, and prepared files when the vault closes", async () => {
  const vault = directory.open();
  await vault.put(name, bytes);
  await until(() => temporaryNames().length > 4);
  for (let at = 2; at < 40; at += 1) await vault.put(recordName(pool, slot(at)), bytes);
  vault.close();
  expect(temporaryNames()).toEqual([]);
});

test("only temporary files older than the share's own clock says are swept", async () => {
  const vault = directory.open();
  await vault.put(name, bytes);
  const old = path.join(directory.path, temporaryFolder, "old");
  fs.writeFileSync(old, "x");
  fs.utimesSync(old, new Date(Date.now() - 7200_000), new Date(Date.now() - 7200_000));
  fs.writeFileSync(path.join(directory.path, temporaryFolder, "young"), "x");
  expect(await vault.sweepTemporary(3600_000)).toBe(1);
  expect(temporaryNames()).toContain("young");
  expect(temporaryNames()).not.toContain("old");
  vault.close();
});
