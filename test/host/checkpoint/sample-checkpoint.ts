/** Checkpoints in a vault for tests, made as a primary makes them. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CHECKPOINT_FORMAT, type Manifest } from "../../../shared/checkpoint/manifest.ts";
import { parsePoolId, type NodeId } from "../../../shared/ids.ts";
import type { Head } from "../../../shared/journal/head.ts";
import { hashImage, settleImage } from "../../../host/checkpoint/inspect-image.ts";
import { packImage } from "../../../host/checkpoint/pack-image.ts";
import { publishCheckpoint, type Published } from "../../../host/checkpoint/publish-checkpoint.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import type { Vault } from "../../../shared/vault/vault.ts";
import { SampleStore, sampleHead } from "./sample-store.ts";

export const POOL = parsePoolId("main");

export interface SampleCheckpoint {
  readonly manifest: Manifest;
  /** The compressed image. */
  readonly packed: Buffer;
}

/** An image of `rows` rows at `head`, not yet in any vault. */
export async function sampleCheckpoint(head: Head = sampleHead(5), rows = 200): Promise<SampleCheckpoint> {
  const folder = mkdtempSync(join(tmpdir(), "hotspare-sample-"));
  try {
    const store = new SampleStore(join(folder, "image.db"));
    store.commit(head, rows, `slot ${head.slot} `);
    store.close();
    settleImage(store.file);
    const packed = join(folder, "image.zst");
    const facts = await packImage(store.file, packed, () => undefined);
    const manifest = {
      format: CHECKPOINT_FORMAT,
      head,
      stateHash: hashImage(store.file),
      ...facts,
      schema: ["items"],
      reason: "test",
      by: "host-a" as NodeId,
      wallMs: 0,
    };
    return { manifest, packed: readFileSync(packed) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const publish = (vault: Vault, { manifest, packed }: SampleCheckpoint): Promise<Published> =>
  publishCheckpoint({
    vault,
    clock: { ...systemClock, after: (_, run) => systemClock.after(0, run) },
    pool: POOL,
    manifest,
    image: packed,
    beat: () => undefined,
  });
