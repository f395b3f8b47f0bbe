import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createHash } from "node:crypto";
import { hashImage } from "../../../host/checkpoint/inspect-image.ts";
import { restoreCheckpoint, type Restored, type RestoreOptions } from "../../../host/checkpoint/restore-checkpoint.ts";
import type { Manifest } from "../../../shared/checkpoint/manifest.ts";
import { HotspareError } from "../../../shared/errors.ts";
import type { OriginId, Sha256 } from "../../../shared/ids.ts";
import { slot } from "../../../shared/position.ts";
import { checkpointImageName, checkpointManifestName } from "../../../shared/vault/layout.ts";
import { MemoryVault } from "../../../shared/vault/memory-vault.ts";
import type { Vault } from "../../../shared/vault/vault.ts";
import { POOL, publish, sampleCheckpoint, type SampleCheckpoint } from "./sample-checkpoint.ts";
import { ORIGIN, sampleHead } from "./sample-store.ts";
import { seededRandom } from "./seeded-random.ts";

let folder: string;
let old: SampleCheckpoint;
let fresh: SampleCheckpoint;
let vault: MemoryVault;
let files = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "hotspare-restore-"));
  old = await sampleCheckpoint(sampleHead(5), 20);
  fresh = await sampleCheckpoint(sampleHead(9), 20);
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(async () => {
  vault = new MemoryVault({ random: seededRandom(1) });
  await publish(vault, old);
});

function restore(options: Partial<RestoreOptions> = {}): Promise<Restored> {
  return restoreCheckpoint({ vault, pool: POOL, file: join(folder, `${(files += 1)}.db`), ...options });
}

const digest = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** Puts a checkpoint there as it is, whatever it says. */
async function plant(
  manifest: Manifest | Buffer,
  packed: Buffer | null,
  like: Manifest = fresh.manifest,
): Promise<void> {
  const at = [POOL, slot(like.head.slot), like.stateHash as Sha256] as const;
  if (packed) await vault.put(checkpointImageName(...at), packed);
  await vault.put(
    checkpointManifestName(...at),
    Buffer.isBuffer(manifest) ? manifest : Buffer.from(JSON.stringify(manifest)),
  );
}

async function expectOld(code: string): Promise<HotspareError> {
  const restored = await restore();
  if (restored.type !== "restored") throw new Error(restored.type);
  expect(restored.head).toEqual(sampleHead(5));
  expect(restored.skipped).toHaveLength(1);
  expect(restored.skipped[0]!.error.code).toBe(code);
  return restored.skipped[0]!.error;
}

test("gives the state, its head and its manifest, with progress to the last byte", async () => {
  await publish(vault, fresh);
  const seen: number[] = [];
  const restored = await restore({ progress: ({ bytes }) => seen.push(bytes) });
  if (restored.type !== "restored") throw new Error(restored.type);
  expect(restored.head).toEqual(sampleHead(9));
  expect(hashImage(restored.file)).toBe(fresh.manifest.stateHash);
  expect(seen.at(-1)).toBe(fresh.manifest.imageBytes);
});

test("nothing there: none", async () => {
  const empty = new MemoryVault({ random: seededRandom(3) });
  expect(await restore({ vault: empty })).toEqual({ type: "none" });
});

test("only at or beyond a slot, for a node that cannot pass a record", async () => {
  expect(await restore({ atLeastSlot: slot(6) })).toEqual({ type: "none" });
  expect(await restore({ atLeastSlot: slot(5) })).toMatchObject({ type: "restored" });
});

describe("the newest is unusable, the older one is used:", () => {
  test.each([
    ["no JSON", () => Buffer.from("{"), "HS_CHECKPOINT_INVALID"],
    ["an empty manifest", () => Buffer.alloc(0), "HS_CHECKPOINT_INVALID"],
    ["an enormous manifest", () => Buffer.alloc(3 * 1024 * 1024, " "), "HS_CHECKPOINT_INVALID"],
    [
      "a missing field",
      () => Buffer.from(JSON.stringify({ ...fresh.manifest, imageSha256: undefined })),
      "HS_CHECKPOINT_INVALID",
    ],
    ["a future format", () => Buffer.from(JSON.stringify({ format: 2, new: true })), "HS_VAULT_FORMAT"],
    ["another checkpoint's manifest", () => Buffer.from(JSON.stringify(old.manifest)), "HS_CHECKPOINT_INVALID"],
  ])("%s", async (_, manifest, code) => {
    await plant(manifest(), fresh.packed);
    await expectOld(code);
  });

  test("no image", async () => {
    await plant(fresh.manifest, null);
    await expectOld("HS_CHECKPOINT_INVALID");
  });

  test("an image cut at any of many places", async () => {
    for (let length = 0; length < fresh.packed.length; length += Math.ceil(fresh.packed.length / 40)) {
      vault = new MemoryVault({ random: seededRandom(1) });
      await publish(vault, old);
      await plant(fresh.manifest, fresh.packed.subarray(0, length));
      await expectOld("HS_CHECKPOINT_INVALID");
    }
  });

  test("an image with any of many bits flipped", async () => {
    for (let at = 0; at < fresh.packed.length; at += Math.ceil(fresh.packed.length / 60)) {
      const bytes = Buffer.from(fresh.packed);
      bytes[at]! ^= 1 << (at % 8);
      vault = new MemoryVault({ random: seededRandom(1) });
      await publish(vault, old);
      await plant(fresh.manifest, bytes);
      await expectOld("HS_CHECKPOINT_INVALID");
    }
  });

  test("an image with something behind it", async () => {
    await plant(fresh.manifest, Buffer.concat([fresh.packed, Buffer.from([0])]));
    await expectOld("HS_CHECKPOINT_INVALID");
  });

  test("something behind it, which the manifest's sums cover", async () => {
    const packed = Buffer.concat([fresh.packed, randomBytes(10)]);
    await plant({ ...fresh.manifest, fileBytes: packed.length, fileSha256: digest(packed) }, packed);
    await expectOld("HS_CHECKPOINT_INVALID");
  });

  test("a bomb: refused after the declared size", async () => {
    const packed = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024));
    await plant({ ...fresh.manifest, fileBytes: packed.length, fileSha256: digest(packed) }, packed);
    let most = 0;
    await restore({ progress: ({ slot: at, bytes }) => (most = Math.max(most, at === 9 ? bytes : 0)) });
    expect(most).toBeLessThanOrEqual(fresh.manifest.imageBytes);
    expect((await expectOld("HS_CHECKPOINT_INVALID")).message).toContain("more than the declared");
  });

  test("a declared size that no disk has", async () => {
    await plant({ ...fresh.manifest, imageBytes: Number.MAX_SAFE_INTEGER }, fresh.packed);
    expect((await expectOld("HS_CHECKPOINT_INVALID")).message).toContain("free here");
  });

  test("a smaller declared size than the image has", async () => {
    await plant({ ...fresh.manifest, imageBytes: fresh.manifest.imageBytes - 1 }, fresh.packed);
    await expectOld("HS_CHECKPOINT_INVALID");
  });

  test("intact bytes that are no database", async () => {
    const raw = randomBytes(9000);
    const packed = zstdCompressSync(raw);
    const sums = { fileBytes: packed.length, fileSha256: digest(packed), imageBytes: 9000, imageSha256: digest(raw) };
    await plant({ ...fresh.manifest, ...sums }, packed);
    await expectOld("HS_CHECKPOINT_INVALID");
  });

  test("an image that is at another place than its manifest says", async () => {
    const head = { ...fresh.manifest.head, hash: "f".repeat(64) };
    await plant({ ...fresh.manifest, head }, fresh.packed);
    await expectOld("HS_CHECKPOINT_INVALID");
  });

  test("another pool's origin", async () => {
    const foreign = await sampleCheckpoint(sampleHead(9, "d".repeat(32) as OriginId), 5);
    await publish(vault, foreign);
    const restored = await restore({ origin: ORIGIN });
    expect(restored).toMatchObject({ type: "restored", head: sampleHead(5), skipped: [{ id: { slot: 9 } }] });
  });

  test("it cannot be read", async () => {
    await publish(vault, fresh);
    const name = checkpointImageName(POOL, slot(9), fresh.manifest.stateHash as Sha256);
    const get: Vault["get"] = (wanted, range) => {
      if (wanted !== name) return vault.get(wanted, range);
      return Promise.reject(new HotspareError("HS_VAULT_IO", { action: "read", name, reason: "EIO" }));
    };
    const failing = Object.create(vault, {
      get: { value: get },
      list: { value: vault.list.bind(vault) },
      sync: { value: vault.sync.bind(vault) },
    }) as Vault;
    expect(await restore({ vault: failing })).toMatchObject({
      type: "restored",
      head: sampleHead(5),
      skipped: [{ error: { code: "HS_VAULT_IO" } }],
    });
  });
});

test("deleted while it is read: the listing is read again", async () => {
  await publish(vault, fresh);
  let reads = 0;
  const at = [POOL, slot(9), fresh.manifest.stateHash as Sha256] as const;
  const get: Vault["get"] = async (name, range) => {
    if (name === checkpointImageName(...at) && (reads += 1) === 1) {
      await vault.remove(checkpointManifestName(...at));
      await vault.remove(name);
    }
    return vault.get(name, range);
  };
  const deleting = Object.create(vault, {
    get: { value: get },
    list: { value: vault.list.bind(vault) },
    sync: { value: vault.sync.bind(vault) },
  }) as Vault;
  expect(await restore({ vault: deleting })).toMatchObject({ type: "restored", head: sampleHead(5), skipped: [] });
});

test("all of them unusable: failed, with the newest one's error, and no file", async () => {
  const empty = join(folder, "empty");
  vault = new MemoryVault({ random: seededRandom(1) });
  await plant(fresh.manifest, fresh.packed.subarray(1));
  await plant(old.manifest, old.packed.subarray(1), old.manifest);
  const result = await restore({ file: `${empty}.db` });
  expect(result).toMatchObject({ type: "failed", error: { code: "HS_CHECKPOINT_INVALID" }, skipped: [{}, {}] });
  expect(result.type === "failed" && result.error.details["name"]).toContain("0000000000000009");
  expect(existsSync(`${empty}.db`)).toBe(false);
});

test("the share's folder cannot be synced: failed, since what was listed may vanish", async () => {
  const error = new HotspareError("HS_VAULT_IO", { action: "sync", name: "x", reason: "EIO" });
  const failing = Object.create(vault, {
    list: { value: vault.list.bind(vault) },
    sync: { value: () => Promise.reject(error) },
  }) as Vault;
  expect(await restore({ vault: failing })).toMatchObject({ type: "failed", error: { code: "HS_VAULT_IO" } });
});

test("aborted: rejects with the reason, and leaves no file", async () => {
  const before = readdirSync(folder);
  const controller = new AbortController();
  const restoring = restore({ signal: controller.signal, progress: () => controller.abort(new Error("enough")) });
  await expect(restoring).rejects.toThrow("enough");
  expect(readdirSync(folder)).toEqual(before);
});
