/**
 * What the vault holds of checkpoints: names only. A name promises nothing; `read-manifest.ts` and `read-image.ts` find
 * out what is behind it.
 */
import type { PoolId } from "../ids.ts";
import { checkpointsFolder, parseManifestName } from "../vault/layout.ts";
import type { Vault } from "../vault/vault.ts";
import type { CheckpointId } from "./manifest-codec.ts";

/** Checkpoints with a manifest, newest first. @throws {HotspareError} HS_VAULT_IO. */
export async function listCheckpoints(vault: Pick<Vault, "list">, pool: PoolId): Promise<readonly CheckpointId[]> {
  const names = await vault.list(checkpointsFolder(pool));
  const ids = names.map(parseManifestName).filter((id) => id !== null);
  return ids.toSorted((one, other) => other.slot - one.slot || (one.stateHash < other.stateHash ? -1 : 1));
}
