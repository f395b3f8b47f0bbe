/** Reads one manifest from the vault, bounded. */
import { HotspareError } from "../errors.ts";
import type { PoolId } from "../ids.ts";
import type { Head } from "../journal/head.ts";
import { checkpointManifestName } from "../vault/layout.ts";
import type { Vault } from "../vault/vault.ts";
import { CHECKPOINT_FORMAT, type Manifest } from "./manifest.ts";
import { decodeManifest, MAX_MANIFEST_BYTES, type CheckpointId } from "./manifest-codec.ts";

/** `absent`: deleted since it was listed. `damaged` carries HS_CHECKPOINT_INVALID, or HS_VAULT_FORMAT for a newer format. */
export type ReadManifest =
  | { readonly type: "manifest"; readonly manifest: Manifest; readonly head: Head }
  | { readonly type: "absent" }
  | { readonly type: "damaged"; readonly error: HotspareError };

/** @throws {HotspareError} HS_VAULT_IO. */
export async function readManifest(vault: Pick<Vault, "get">, pool: PoolId, id: CheckpointId): Promise<ReadManifest> {
  const name = checkpointManifestName(pool, id.slot, id.stateHash);
  const bytes = await vault.get(name, { offset: 0, maxBytes: MAX_MANIFEST_BYTES + 1 });
  if (!bytes) return { type: "absent" };
  const decoded = decodeManifest(bytes, id);
  switch (decoded.type) {
    case "manifest":
      return decoded;
    case "newer":
      return damaged(
        new HotspareError("HS_VAULT_FORMAT", { name, found: decoded.version, accepted: CHECKPOINT_FORMAT }),
      );
    case "invalid":
      return damaged(new HotspareError("HS_CHECKPOINT_INVALID", { name, reason: decoded.reason }));
  }
}

const damaged = (error: HotspareError): ReadManifest => ({ type: "damaged", error });
