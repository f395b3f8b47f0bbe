/**
 * The configuration's vault, open for one command, after it was found to be the right one. Its calls are in a thread of
 * their own, so that progress goes on being shown while a share is slow.
 */
import type { Clock } from "../../../shared/clock.ts";
import type { Config } from "../../../shared/config/config.ts";
import { HotspareError } from "../../../shared/errors.ts";
import { ThreadedVault } from "../../../shared/vault/threaded-vault.ts";
import { checkVaultIdentity, type VaultIdentity } from "../../../shared/vault/vault-identity.ts";
import { hostNamed } from "../host-named.ts";

export interface OpenVault {
  readonly vault: ThreadedVault;
  readonly directory: string;
  readonly identity: VaultIdentity;
}

export interface VaultChoice {
  /** Look through this host's mount point. Default: `vault.directory`. */
  readonly host?: string | undefined;
}

/** @throws {HotspareError} HS_VAULT_… if it is not the vault that the configuration names; HS_USAGE; what `use` throws. */
export async function withVault<T>(
  config: Config,
  { host, clock }: VaultChoice & { readonly clock: Clock },
  use: (open: OpenVault) => Promise<T>,
): Promise<T> {
  const directory = vaultDirectory(config, host);
  if (config.vault.id === null) {
    const reason = `${config.file} has no vault.id; \`hotspare init\` writes it`;
    throw new HotspareError("HS_VAULT_UNSUITABLE", { directory, reason });
  }
  const vault = new ThreadedVault({ directory, clock });
  try {
    const identity = await checkVaultIdentity({ vault, directory }, config.vault.id);
    return await use({ vault, directory, identity });
  } finally {
    await vault.close();
  }
}

/** Where the vault is mounted here, or on `host`. @throws {HotspareError} HS_USAGE if there is no such host. */
export function vaultDirectory(config: Config, host: string | undefined): string {
  if (host === undefined) return config.vault.directory;
  return hostNamed(config, host).vault ?? config.vault.directory;
}
