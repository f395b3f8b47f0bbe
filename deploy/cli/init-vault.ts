/**
 * The vault's part of `hotspare init`: tells what a folder is, and makes an empty one a vault. A folder is refused rather
 * than made a vault if it may be something else: not empty, another cluster's, or the place of a share that is not mounted.
 */
import { readdirSync, statSync } from "node:fs";
import type { Clock } from "../../shared/clock.ts";
import type { Config } from "../../shared/config/config.ts";
import { createFolder } from "../../shared/config/durable-file.ts";
import { HotspareError, reasonOf } from "../../shared/errors.ts";
import { randomId, type VaultId } from "../../shared/ids.ts";
import type { Random } from "../../shared/random.ts";
import { DirectoryVault } from "../../shared/vault/directory-vault.ts";
import { probeVault } from "../../shared/vault/probe-vault.ts";
import type { Vault } from "../../shared/vault/vault.ts";
import {
  checkVaultIdentity,
  createVaultIdentity,
  readVaultIdentity,
  type VaultIdentity,
  type VaultPlace,
} from "../../shared/vault/vault-identity.ts";

export interface VaultTools {
  readonly random: Random;
  readonly clock: Clock;
  /** In a thread of its own, where somebody is shown that it takes long; in this one if absent. */
  readonly open?: (directory: string) => OpenedVault;
}

export type OpenedVault = Vault & { close(): void | Promise<void> };

const FOLDER_MODE = 0o770;

/**
 * The id of the vault that the configuration names; `null` if its folder is free to become one.
 * @throws {HotspareError} HS_VAULT_… if it is, or may be, something else. Changes nothing.
 */
export async function inspectVault(config: Config, tools: VaultTools): Promise<VaultId | null> {
  const { directory, id } = config.vault;
  if (!isFolder(directory)) return id === null ? null : refuseMissing(directory);
  return withVault(directory, tools, async (place) => {
    if (id !== null) await checkVaultIdentity(place, id);
    const found = await readVaultIdentity(place);
    if (found) return ownId(found, config);
    refuseOccupied(directory);
    return null;
  });
}

/**
 * Makes the folder and its identity. Another `init` may do the same at the same time: both then get the one that holds.
 * @throws {HotspareError} HS_VAULT_… if the file system is not fit for it, not writable or failing.
 */
export async function makeVault(config: Config, tools: VaultTools): Promise<VaultId> {
  const { directory } = config.vault;
  makeFolder(directory);
  return withVault(directory, tools, async (place) => {
    await probeVault(place, tools.random);
    const vaultId = randomId<VaultId>(tools.random);
    return ownId(await createVaultIdentity(place, { cluster: config.cluster, vaultId }), config);
  });
}

async function withVault<T>(directory: string, tools: VaultTools, use: (place: VaultPlace) => Promise<T>): Promise<T> {
  const vault = tools.open?.(directory) ?? new DirectoryVault({ directory, ...tools });
  try {
    return await use({ vault, directory });
  } finally {
    await vault.close();
  }
}

function ownId({ cluster, vaultId }: VaultIdentity, config: Config): VaultId {
  if (cluster === config.cluster) return vaultId;
  const reason = `it belongs to the cluster ${cluster}, the configuration is that of ${config.cluster}`;
  throw new HotspareError("HS_VAULT_UNSUITABLE", { directory: config.vault.directory, reason });
}

/** What an interrupted `init` leaves, and what file systems have by themselves, does not count. */
function refuseOccupied(directory: string): void {
  const foreign = readdirSync(directory).find(
    (name) => !name.startsWith(".") && name !== "tmp" && name !== "lost+found",
  );
  if (foreign === undefined) return;
  const reason = `it is not empty (${foreign}) and has no cluster.json; choose an empty folder`;
  throw new HotspareError("HS_VAULT_UNSUITABLE", { directory, reason });
}

function refuseMissing(directory: string): never {
  throw new HotspareError("HS_VAULT_MISSING", { directory });
}

function isFolder(directory: string): boolean {
  const stats = statSync(directory, { throwIfNoEntry: false });
  if (stats && !stats.isDirectory()) {
    throw new HotspareError("HS_VAULT_UNSUITABLE", { directory, reason: "it is not a folder" });
  }
  return stats !== undefined;
}

function makeFolder(directory: string): void {
  try {
    createFolder(directory, FOLDER_MODE);
  } catch (error) {
    throw new HotspareError("HS_VAULT_UNWRITABLE", { directory, reason: reasonOf(error) }, { cause: error });
  }
}
