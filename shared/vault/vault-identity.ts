/**
 * `cluster.json`: which cluster's vault a folder is. Written once, by `hotspare init`. A share that is not mounted is an
 * empty folder and must never become a second vault, so a host that finds no identity, or another one, makes nothing.
 */
import { Type, type Static } from "typebox";
import { Check } from "typebox/value";
import { HotspareError } from "../errors.ts";
import type { VaultId } from "../ids.ts";
import { clusterName } from "./layout.ts";
import type { Vault } from "./vault.ts";

export interface VaultIdentity {
  /** The cluster's name, for people. */
  readonly cluster: string;
  readonly vaultId: VaultId;
}

/** A vault and the directory that messages name. */
export interface VaultPlace {
  readonly vault: Vault;
  readonly directory: string;
}

export const CLUSTER_FORMAT = 1;
/** Far more than the file ever has; a larger one is not ours. */
const MOST_BYTES = 64 * 1024;

const Versioned = Type.Object({ format: Type.Unknown() });
const ClusterFile = Type.Object({
  cluster: Type.String({ minLength: 1 }),
  vaultId: Type.String({ pattern: "^[0-9a-f]{32}$" }),
  format: Type.Literal(CLUSTER_FORMAT),
});

/**
 * Makes the folder a vault with `identity`; for `init` only. One that is a vault already stays as it is. Returns what holds.
 * @throws {HotspareError} HS_VAULT_FORMAT if what is there cannot be read, and whatever the put was refused with.
 */
export async function createVaultIdentity(place: VaultPlace, identity: VaultIdentity): Promise<VaultIdentity> {
  const before = await readVaultIdentity(place);
  if (before) return before;
  const text = `${JSON.stringify({ ...identity, format: CLUSTER_FORMAT } satisfies Static<typeof ClusterFile>, null, 2)}\n`;
  const result = await place.vault.put(clusterName, Buffer.from(text));
  if (result.type === "refused" || result.type === "undurable") throw result.error;
  const found = await readVaultIdentity(place);
  if (found) return found;
  throw result.type === "unknown" ? result.error : missing(place);
}

/**
 * The identity of the vault, after checking that it is the one that the configuration expects (`null`: any).
 * @throws {HotspareError} HS_VAULT_MISSING, HS_VAULT_FOREIGN, HS_VAULT_FORMAT, HS_VAULT_IO.
 */
export async function checkVaultIdentity(place: VaultPlace, expected: VaultId | null): Promise<VaultIdentity> {
  const found = await readVaultIdentity(place);
  if (!found) throw missing(place);
  if (expected !== null && found.vaultId !== expected) {
    throw new HotspareError("HS_VAULT_FOREIGN", {
      directory: place.directory,
      found: found.vaultId,
      accepted: expected,
    });
  }
  return found;
}

/** `null` if the folder is no vault. @throws {HotspareError} HS_VAULT_FORMAT, HS_VAULT_IO. */
export async function readVaultIdentity({ vault, directory }: VaultPlace): Promise<VaultIdentity | null> {
  const bytes = await vault.get(clusterName, { offset: 0, maxBytes: MOST_BYTES });
  if (bytes === null) return null;
  const file = parse(bytes.toString("utf8"));
  if (Check(ClusterFile, file)) return { cluster: file.cluster, vaultId: file.vaultId as VaultId };
  const found =
    Check(Versioned, file) && file.format !== CLUSTER_FORMAT ? JSON.stringify(file.format) : "something unreadable";
  throw new HotspareError("HS_VAULT_FORMAT", { name: `${directory}/${clusterName}`, found, accepted: CLUSTER_FORMAT });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const missing = ({ directory }: VaultPlace): HotspareError => new HotspareError("HS_VAULT_MISSING", { directory });
