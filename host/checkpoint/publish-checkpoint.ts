/**
 * Publishes a packed image: image, then read back from the vault and verified, then the manifest, last. Whatever stops
 * it on the way leaves an image without a manifest, which does not count and is swept later.
 */
import { encodeManifest, MAX_MANIFEST_BYTES } from "../../shared/checkpoint/manifest-codec.ts";
import type { Manifest } from "../../shared/checkpoint/manifest.ts";
import { readImage } from "../../shared/checkpoint/read-image.ts";
import type { Zstd } from "../../shared/checkpoint/zstd.ts";
import { sleep, type Clock } from "../../shared/clock.ts";
import { HotspareError, isHotspareError } from "../../shared/errors.ts";
import type { PoolId, Sha256 } from "../../shared/ids.ts";
import { slot } from "../../shared/position.ts";
import {
  checkpointImageName,
  checkpointManifestName,
  checkpointsFolder,
  type VaultName,
} from "../../shared/vault/layout.ts";
import type { Content, Vault } from "../../shared/vault/vault.ts";

export interface PublishCheckpointOptions {
  readonly vault: Vault;
  readonly clock: Clock;
  readonly pool: PoolId;
  readonly manifest: Manifest;
  /** The packed image: a local file, or its bytes. */
  readonly image: Content;
  /** Called often; what it throws ends the publishing. */
  readonly beat: (phase: "upload" | "verify", bytes: number) => void;
  readonly zstd?: Zstd | undefined;
}

/**
 * `undurable`: syncing the folder failed: this process must never acknowledge on that folder again.
 * `failed`: there is no such checkpoint, or it is not known to be one; another may be tried later.
 */
export type Published =
  | { readonly type: "published" }
  | { readonly type: "undurable"; readonly error: HotspareError }
  | { readonly type: "failed"; readonly error: HotspareError };

const MAX_TRIES = 5;
const RETRY_MS = 1000;

/** @throws what `beat` throws; {HotspareError} HS_VAULT_IO. */
export async function publishCheckpoint(options: PublishCheckpointOptions): Promise<Published> {
  const { pool, manifest } = options;
  const at = [pool, slot(manifest.head.slot), manifest.stateHash as Sha256] as const;
  const imageName = checkpointImageName(...at);
  const image = await create(options, imageName, options.image, () => isIntact(options));
  if (image.type !== "published") return image;
  if (!(await isIntact(options))) return failed(imageName, "what was read back is not what was written");
  const bytes = encodeManifest(manifest);
  const name = checkpointManifestName(...at);
  const published = await create(options, name, bytes, () => isSame(options.vault, name, bytes));
  if (published.type !== "published") return published;
  // Somebody may have swept the image as an orphan, if this process slept before the manifest.
  const still = await options.vault.get(imageName, { offset: 0, maxBytes: 1 });
  return still ? published : failed(imageName, "it was removed while its manifest was published");
}

/** Creates `name`. Where it is not certain who did, `isOwn` reads it back and compares; never another name. */
async function create(
  { vault, clock, pool, beat }: PublishCheckpointOptions,
  name: VaultName,
  content: Content,
  isOwn: () => Promise<boolean>,
): Promise<Published> {
  let last: HotspareError | undefined;
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    if (tries > 0) await sleep(clock, RETRY_MS);
    beat("upload", 0);
    const result = await vault.put(name, content);
    switch (result.type) {
      case "created":
        return { type: "published" };
      case "refused":
        return { type: "failed", error: result.error };
      case "undurable":
        return result;
      case "exists":
        return (await isOwn()) ? settle(vault, pool) : failed(name, "there is another file of this name");
      case "unknown":
        if (await isOwn()) return settle(vault, pool);
        last = result.error;
    }
  }
  return { type: "failed", error: last ?? new HotspareError("HS_INTERNAL", { what: `${name} was never tried` }) };
}

/** What was found by reading counts only when its name is durable too. */
async function settle(vault: Vault, pool: PoolId): Promise<Published> {
  try {
    await vault.sync(checkpointsFolder(pool));
    return { type: "published" };
  } catch (error) {
    if (isHotspareError(error)) return { type: "undurable", error };
    throw error;
  }
}

async function isIntact({ vault, pool, manifest, beat, zstd }: PublishCheckpointOptions): Promise<boolean> {
  let bytes = 0;
  const write = (chunk: Buffer): void => beat("verify", (bytes += chunk.length));
  return (await readImage({ vault, pool, facts: manifest, write, zstd })).type === "intact";
}

async function isSame(vault: Vault, name: VaultName, bytes: Buffer): Promise<boolean> {
  return (await vault.get(name, { offset: 0, maxBytes: MAX_MANIFEST_BYTES + 1 }))?.equals(bytes) ?? false;
}

const failed = (name: VaultName, reason: string): Published => ({
  type: "failed",
  error: new HotspareError("HS_CHECKPOINT_INVALID", { name, reason }),
});
