/**
 * From a snapshot to a published checkpoint: copy, check, hash, pack, publish. Plain steps on local files of their own;
 * whatever ends them early leaves nothing that counts.
 */
import { rmSync, statSync, statfsSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { CHECKPOINT_FORMAT, type Manifest } from "../../shared/checkpoint/manifest.ts";
import { sameHead } from "../../shared/checkpoint/same-head.ts";
import type { Zstd } from "../../shared/checkpoint/zstd.ts";
import type { Clock } from "../../shared/clock.ts";
import { assert, HotspareError } from "../../shared/errors.ts";
import type { NodeId, PoolId } from "../../shared/ids.ts";
import type { Head } from "../../shared/journal/head.ts";
import type { Vault } from "../../shared/vault/vault.ts";
import { copySnapshot } from "./copy-snapshot.ts";
import { hashImage, inspectImage, settleImage } from "./inspect-image.ts";
import { packImage } from "./pack-image.ts";
import { publishCheckpoint, type Published } from "./publish-checkpoint.ts";

export type Phase = "copy" | "check" | "hash" | "pack" | "upload" | "verify";

export interface MakeCheckpointOptions {
  /** Connection in an open read transaction at `head`. */
  readonly source: DatabaseSync;
  readonly head: Head;
  /** Called once, when the snapshot is not needed any more: a held one keeps the write-ahead log from shrinking. */
  readonly copied: () => void;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly pool: PoolId;
  readonly by: NodeId;
  readonly reason: string;
  /** Empty local folder for what is in the making. */
  readonly temporary: string;
  /** Called often; what it throws ends everything. */
  readonly beat: (phase: Phase, bytes: number, totalBytes: number) => void;
  readonly zstd?: Zstd | undefined;
}

export type PublishImageOptions = Omit<MakeCheckpointOptions, "source" | "copied">;

export type MadeCheckpoint =
  | Exclude<Published, { type: "published" }>
  | { readonly type: "published"; readonly manifest: Manifest };

/** Left free for the store's own log. */
const RESERVE_BYTES = 64 * 1024 * 1024;

/** @throws what `beat` throws; {HotspareError} HS_CHECKPOINT_FAILED, HS_CHECKPOINT_INVALID, HS_VAULT_IO; system errors of the local disk. */
export async function makeCheckpoint(options: MakeCheckpointOptions): Promise<MadeCheckpoint> {
  const image = join(options.temporary, "image.db");
  try {
    await copy(options, image);
    return await publishImage(options, image);
  } finally {
    rmSync(image, { force: true });
  }
}

/** Everything after the copy. @throws as `makeCheckpoint`. */
export async function publishImage(options: PublishImageOptions, image: string): Promise<MadeCheckpoint> {
  const packed = join(options.temporary, "image.zst");
  try {
    const facts = await pack(options, image, packed);
    const published = await publishCheckpoint({
      ...options,
      manifest: facts,
      image: { file: packed },
      beat: (phase, bytes) => options.beat(phase, bytes, phase === "verify" ? facts.imageBytes : facts.fileBytes),
    });
    return published.type === "published" ? { type: "published", manifest: facts } : published;
  } finally {
    rmSync(packed, { force: true });
  }
}

async function copy({ source, copied, beat, pool, temporary }: MakeCheckpointOptions, image: string): Promise<void> {
  demandRoom(source, pool, temporary);
  await copySnapshot({ source, file: image, beat: ({ bytes, totalBytes }) => beat("copy", bytes, totalBytes) });
  copied();
  settleImage(image);
}

/** Image and packed image lie beside the store for a while; a disk that they fill would end the primary. */
function demandRoom(source: DatabaseSync, pool: PoolId, folder: string): void {
  const { bytes } =
    source.prepare("select page_count * page_size as bytes from pragma_page_count, pragma_page_size").get() ?? {};
  const { bsize, bavail } = statfsSync(folder);
  const wantedBytes = 2 * Number(bytes) + RESERVE_BYTES;
  if (bsize * bavail >= wantedBytes) return;
  const reason = `${folder} has ${bsize * bavail} bytes free, ${wantedBytes} are needed`;
  throw new HotspareError("HS_CHECKPOINT_FAILED", { pool, reason });
}

async function pack(options: PublishImageOptions, image: string, packed: string): Promise<Manifest> {
  const { head, beat, zstd } = options;
  const bytes = statSync(image).size;
  beat("check", 0, bytes);
  const { head: found, schema } = inspectImage(image, "full");
  assert(sameHead(found, head), `an image of slot ${found.slot}, not of the snapshot's ${head.slot}`);
  const hash = hashImage(image, () => beat("hash", 0, bytes));
  const facts = await packImage(image, packed, (done) => beat("pack", done, bytes), zstd);
  return {
    format: CHECKPOINT_FORMAT,
    head,
    stateHash: hash,
    ...facts,
    schema: [...schema],
    reason: options.reason,
    by: options.by,
    wallMs: options.clock.wallMs(),
  };
}
