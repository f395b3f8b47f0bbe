/**
 * The hash of what all nodes must agree on. Left out is what may differ from machine to machine: where the file, the
 * secret, the vault's mount point, the data folders, the application's module and the certificates lie, and which hooks there are. Whether there is
 * TLS, and for both sides, is not left out.
 */
import { createHash } from "node:crypto";
import { TLS_SECTIONS, type Config, type TlsFiles } from "./config.ts";

export function configHash(config: Omit<Config, "hash">): string {
  const agreed = {
    ...config,
    file: null,
    hash: undefined,
    secret: null,
    // Not `null`: the hash is that of versions without hooks.
    hooks: undefined,
    vault: config.vault.id,
    hosts: config.hosts.map((host) => ({ ...host, data: null, vault: null })),
    tls: TLS_SECTIONS.map((section) => tlsMode(config.tls[section])),
    pools: config.pools.map(({ writtenApp: app, ...pool }) => ({ ...pool, app, writtenPreferred: undefined })),
  };
  return createHash("sha256").update(canonical(agreed)).digest("hex");
}

function tlsMode(files: TlsFiles | null): "none" | "tls" | "mutual" {
  if (files === null) return "none";
  return files.ca === null ? "tls" : "mutual";
}

/** JSON with sorted keys: the same settings in another order are the same settings. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
