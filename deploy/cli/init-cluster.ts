/**
 * Makes what a cluster lacks: the secret, the vault, the configuration with the vault's id, in this order; touches nothing
 * that is there. Everything is looked at before anything is made, and whatever a crash leaves, the next run completes:
 * the vault's identity is created at most once, and its id is written only after that. A configuration that has an id
 * never gets a new vault, since its own may only not be mounted.
 */
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Config, SecretSource } from "../../shared/config/config.ts";
import { createFile, createFolder } from "../../shared/config/durable-file.ts";
import { loadConfig, toConfig } from "../../shared/config/load-config.ts";
import { lockConfig, type ConfigLock } from "../../shared/config/lock-config.ts";
import { parseConfig } from "../../shared/config/parse-config.ts";
import { readSecret } from "../../shared/config/read-secret.ts";
import type { Env } from "../../shared/config/substitute.ts";
import { editConfig, editText, setKey } from "../../shared/config/write-config.ts";
import { HotspareError, reasonOf, type ErrorCode } from "../../shared/errors.ts";
import type { VaultId } from "../../shared/ids.ts";
import { inspectVault, makeVault, type VaultTools } from "./init-vault.ts";

export interface InitOptions extends VaultTools {
  /** Path of `hotspare.yaml`. */
  readonly file: string;
  /** Text of the configuration if there is none yet, without `vault.id`. */
  readonly template: string;
  readonly env: Env;
}

export interface Initialised {
  /** What holds now; `vault.id` is never `null`. */
  readonly config: Config;
  /** What was made, a line each; empty if nothing was missing. */
  readonly made: readonly string[];
}

const SECRET_BYTES = 32;
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;
const SHARED_FILE = 0o644;
const SHARED_FOLDER = 0o755;

/** What `initCluster` would make, a line each. Changes nothing. @throws {HotspareError} as `initCluster` does. */
export async function missingParts(options: InitOptions): Promise<readonly string[]> {
  const found = await inspect(options);
  return [
    ...(found.secretMissing === null ? [] : [describeSecret(found.secretMissing, found)]),
    ...(found.vaultId === null ? [`the vault ${found.config.vault.directory}`] : []),
    ...(found.isNew ? [`the configuration ${found.config.file}`] : []),
    ...(!found.isNew && found.config.vault.id === null ? [`the vault's id in ${found.config.file}`] : []),
  ];
}

/**
 * Holds the configuration's lock while it works.
 * @throws {HotspareError} HS_CONFIG_…, HS_SECRET_…, HS_VAULT_…; what was made before stays and is used by the next run.
 */
export async function initCluster(options: InitOptions): Promise<Initialised> {
  const file = resolve(options.file);
  attempt("HS_CONFIG_UNWRITABLE", { file }, () => createFolder(dirname(file), SHARED_FOLDER));
  const lock = await lockConfig(file);
  try {
    const made = await missingParts(options);
    if (made.length > 0) await make(options, await inspect(options), lock);
    return { config: loadConfig(file, options.env), made };
  } finally {
    await lock.release();
  }
}

interface Found {
  readonly config: Config;
  readonly isNew: boolean;
  /** The file to make; `null` if there is one, or a variable is used. */
  readonly secretMissing: string | null;
  /** `null` if there is no vault yet. */
  readonly vaultId: VaultId | null;
}

async function inspect(options: InitOptions): Promise<Found> {
  const file = resolve(options.file);
  const isNew = !existsSync(file);
  const config = isNew ? toConfig(parseConfig(options.template, file, options.env)) : loadConfig(file, options.env);
  const secretMissing = missingSecret(config.secret, options.env);
  return { config, isNew, secretMissing, vaultId: await inspectVault(config, options) };
}

async function make(options: InitOptions, found: Found, lock: ConfigLock): Promise<void> {
  if (found.secretMissing !== null) makeSecret(found.secretMissing, options);
  const id = found.vaultId ?? (await makeVault(found.config, options));
  if (found.isNew) makeConfig(found.config.file, options.template, id);
  else if (found.config.vault.id === null) {
    editConfig(found.config.file, options.env, lock, (document) => setKey(document, ["vault", "id"], id));
  }
}

/** A secret that is there must be usable: it is never replaced. */
function missingSecret(secret: SecretSource, env: Env): string | null {
  if ("file" in secret && !existsSync(secret.file)) return secret.file;
  readSecret(secret, env);
  return null;
}

/** A link to a file that is absent looks absent, and is not replaced either. */
function makeSecret(file: string, { random, env }: InitOptions): void {
  const text = `${random.bytes(SECRET_BYTES).toString("hex")}\n`;
  attempt("HS_SECRET_UNWRITABLE", { file }, () => {
    createFolder(dirname(file), PRIVATE_FOLDER);
    createFile(file, { text, mode: PRIVATE_FILE });
  });
  readSecret({ file }, env);
}

function makeConfig(file: string, template: string, id: VaultId): void {
  const text = editText(template, (document) => setKey(document, ["vault", "id"], id));
  attempt("HS_CONFIG_UNWRITABLE", { file }, () => createFile(file, { text, mode: SHARED_FILE }));
}

/** Where a vault is there already, so are other machines that have the secret. */
function describeSecret(file: string, { vaultId }: Found): string {
  const warning = vaultId === null ? "" : " (a new one: every machine of this cluster needs this same file)";
  return `the secret ${file}${warning}`;
}

function attempt(code: ErrorCode, details: Readonly<Record<string, string>>, run: () => void): void {
  try {
    run();
  } catch (error) {
    throw new HotspareError(code, { ...details, reason: reasonOf(error) }, { cause: error });
  }
}
