/** What every vault promises. Run for each implementation; `make` opens a fresh, empty vault. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { NodeId, PoolId, Sha256 } from "../../shared/ids.ts";
import {
  checkpointImageName,
  checkpointsFolder,
  hostHintName,
  hostsFolder,
  recordFolder,
  recordName,
  type VaultFolder,
  type VaultName,
} from "../../shared/vault/layout.ts";
import { slot } from "../../shared/position.ts";
import type { Vault } from "../../shared/vault/vault.ts";
import { until } from "../until.ts";

export interface OpenVault {
  readonly vault: Vault;
  /** A second host on the same folder. */
  readonly other: Vault;
  close(): Promise<void> | void;
}

const pool = "main" as PoolId;
const host = "host-a" as NodeId;
const WHOLE = { offset: 0, maxBytes: 64 * 1024 * 1024 };
const record = (at: number): VaultName => recordName(pool, slot(at));
const folder = recordFolder(pool, slot(1));
const bytes = (text: string): Buffer => Buffer.from(text);

export function vaultContract(kind: string, make: () => OpenVault | Promise<OpenVault>): void {
  describe(`the contract of a vault: ${kind}`, () => {
    const opened: OpenVault[] = [];
    const temporary: string[] = [];

    const open = async (): Promise<OpenVault> => {
      const made = await make();
      opened.push(made);
      return made;
    };
    const localFile = (contents: Uint8Array): string => {
      const directory = fs.mkdtempSync(path.join(os.tmpdir(), "hotspare-content-"));
      temporary.push(directory);
      const file = path.join(directory, "content");
      fs.writeFileSync(file, contents);
      return file;
    };

    afterEach(async () => {
      for (const each of opened.splice(0)) await each.close();
      for (const directory of temporary.splice(0)) fs.rmSync(directory, { recursive: true });
    });

    test("what was put is read back exactly, by another host too", async () => {
      const { vault, other } = await open();
      expect(await vault.put(record(1), bytes("first"))).toEqual({ type: "created" });
      expect(await vault.get(record(1), WHOLE)).toEqual(bytes("first"));
      expect(await other.get(record(1), WHOLE)).toEqual(bytes("first"));
    });

    test("records of falling and rising sizes never carry bytes of one another", async () => {
      const { vault } = await open();
      const sizes = [9000, 1, 0, 4096, 4097, 12, 300_000, 5, 70_000, 8192, 511];
      for (const [index, size] of sizes.entries()) {
        const content = Buffer.alloc(size, index + 1);
        expect(await vault.put(record(index + 1), content)).toEqual({ type: "created" });
        await turn();
        expect((await vault.get(record(index + 1), WHOLE))?.equals(content)).toBe(true);
      }
    });

    test("a name that is taken stays as it is", async () => {
      const { vault, other } = await open();
      await vault.put(record(1), bytes("winner"));
      expect(await other.put(record(1), bytes("a much longer loser"))).toEqual({ type: "exists" });
      expect(await vault.put(record(1), bytes("winner"))).toEqual({ type: "exists" });
      expect(await vault.get(record(1), WHOLE)).toEqual(bytes("winner"));
    });

    test("of 20 racers for one name exactly one wins, and its content is there", async () => {
      const { vault, other } = await open();
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, index) => (index % 2 ? vault : other).put(record(7), bytes(`racer ${index}`))),
      );
      const winners = results.flatMap(({ type }, index) => (type === "created" ? [index] : []));
      expect(winners).toHaveLength(1);
      expect(results.filter(({ type }) => type === "exists")).toHaveLength(19);
      expect(await vault.get(record(7), WHOLE)).toEqual(bytes(`racer ${winners[0]}`));
    });

    test("the caller's bytes stay its own: they can be put again and changed", async () => {
      const { vault } = await open();
      const content = bytes("mine");
      await vault.put(record(1), content);
      content.fill(0);
      expect(await vault.put(record(2), content)).toEqual({ type: "created" });
      expect(await vault.get(record(1), WHOLE)).toEqual(bytes("mine"));
    });

    test("a range is cut at its bound and at the end of the file", async () => {
      const { vault } = await open();
      await vault.put(record(1), bytes("0123456789"));
      expect(await vault.get(record(1), { offset: 0, maxBytes: 4 })).toEqual(bytes("0123"));
      expect(await vault.get(record(1), { offset: 4, maxBytes: 4 })).toEqual(bytes("4567"));
      expect(await vault.get(record(1), { offset: 8, maxBytes: 4 })).toEqual(bytes("89"));
      expect(await vault.get(record(1), { offset: 10, maxBytes: 4 })).toEqual(bytes(""));
      expect(await vault.get(record(1), { offset: 99, maxBytes: 4 })).toEqual(bytes(""));
      expect(await vault.get(record(1), { offset: 0, maxBytes: 0 })).toEqual(bytes(""));
    });

    test("a huge bound allocates no more than the file has", async () => {
      const { vault } = await open();
      await vault.put(record(1), bytes("small"));
      expect(await vault.get(record(1), { offset: 0, maxBytes: Number.MAX_SAFE_INTEGER })).toEqual(bytes("small"));
    });

    test("what is absent is null, an absent folder is empty and can be synced", async () => {
      const { vault } = await open();
      expect(await vault.get(record(1), WHOLE)).toBeNull();
      expect(await vault.list(folder)).toEqual([]);
      await vault.sync(folder);
      expect(await vault.remove(record(1))).toBe(false);
    });

    test("a list is sorted and always fresh", async () => {
      const { vault, other } = await open();
      for (const at of [3, 1, 2]) await vault.put(record(at), bytes("x"));
      const names = [1, 2, 3].map((at) => record(at).slice(folder.length + 1));
      expect(await other.list(folder)).toEqual(names);
      await other.put(record(4), bytes("x"));
      await vault.remove(record(2));
      expect(await other.list(folder)).toEqual([names[0], names[2], record(4).slice(folder.length + 1)]);
      await vault.sync(folder);
    });

    test("a removed name is gone, and can be made again", async () => {
      const { vault } = await open();
      await vault.put(record(1), bytes("old"));
      expect(await vault.remove(record(1))).toBe(true);
      expect(await vault.get(record(1), WHOLE)).toBeNull();
      expect(await vault.put(record(1), bytes("new"))).toEqual({ type: "created" });
    });

    test("a hint replaces the one before it", async () => {
      const { vault, other } = await open();
      await vault.hint(hostHintName(host), bytes("a long first hint"));
      await vault.hint(hostHintName(host), bytes("second"));
      expect(await other.get(hostHintName(host), WHOLE)).toEqual(bytes("second"));
      expect(await other.list(hostsFolder)).toEqual(["host-a.json"]);
    });

    test("a hint outside hosts/ would replace what must never change, and is refused", async () => {
      const { vault } = await open();
      await vault.put(record(1), bytes("kept"));
      await expect(vault.hint(record(1), bytes("changed"))).rejects.toThrow(/hint/);
      expect(await vault.get(record(1), WHOLE)).toEqual(bytes("kept"));
    });

    test("a local file is streamed, while other puts go on", async () => {
      const { vault } = await open();
      const content = Buffer.alloc(3 * 1024 * 1024 + 77, "0123456789abcdef");
      const name = checkpointImageName(pool, slot(9), "0".repeat(64) as Sha256);
      const image = vault.put(name, { file: localFile(content) });
      expect(await vault.put(record(1), bytes("meanwhile"))).toEqual({ type: "created" });
      expect(await image).toEqual({ type: "created" });
      expect((await vault.get(name, WHOLE))?.equals(content)).toBe(true);
      expect(await vault.put(name, { file: localFile(bytes("other")) })).toEqual({ type: "exists" });
    });

    test("a local file that cannot be read publishes nothing", async () => {
      const { vault } = await open();
      const name = checkpointImageName(pool, slot(9), "0".repeat(64) as Sha256);
      expect(await vault.put(name, { file: "/nowhere/image" })).toMatchObject({ type: "refused" });
      expect(await vault.list(checkpointsFolder(pool))).toEqual([]);
    });

    test("no name leads out of the vault", async () => {
      const { vault } = await open();
      for (const name of ["../out", "pools/../../out", "/etc/out", "pools//x", "pools/.", "", "a\0b", "pools/x/"]) {
        await expect(vault.put(name as VaultName, bytes("x"))).rejects.toThrow(/vault name/);
        await expect(vault.get(name as VaultName, WHOLE)).rejects.toThrow(/vault name/);
        await expect(vault.remove(name as VaultName)).rejects.toThrow(/vault name/);
        await expect(vault.list(name as VaultFolder)).rejects.toThrow(/vault name/);
        await expect(vault.sync(name as VaultFolder)).rejects.toThrow(/vault name/);
      }
    });

    test("free space is known", async () => {
      const { vault } = await open();
      const { freeBytes, freeInodes } = await vault.space();
      expect(freeBytes).toBeGreaterThan(0);
      expect(freeInodes).toBeGreaterThan(0);
    });

    test("a watch tells of a record, also where the folder did not exist yet, and is silent once stopped", async () => {
      const { vault, other } = await open();
      let told = 0;
      const stop = vault.watch(folder, () => {
        told += 1;
      });
      await vault.list(folder);
      await other.put(record(1), bytes("x"));
      await until(() => told > 0);
      const before = told;
      await turn();
      await other.put(record(2), bytes("x"));
      await until(() => told > before);
      stop();
    });
  });
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
