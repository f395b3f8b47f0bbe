/**
 * Makes this machine a node: asks for configuration and secret, looks whether everything fits, writes both files, registers the
 * node. Nothing is written before all was looked at; what is there is kept if it is the same, and refused if it is not. So
 * whatever was interrupted is completed by doing it again, with another token.
 */
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { Config } from "../../../shared/config/config.ts";
import { createFile, createFolder } from "../../../shared/config/durable-file.ts";
import { loadConfig, toConfig } from "../../../shared/config/load-config.ts";
import { lockConfig, type ConfigLock } from "../../../shared/config/lock-config.ts";
import { parseConfig } from "../../../shared/config/parse-config.ts";
import { readSecretEntries } from "../../../shared/config/read-secret.ts";
import { parseSecretText, type SecretEntries } from "../../../shared/config/secret-text.ts";
import { editConfig, editText } from "../../../shared/config/write-config.ts";
import { editMembership } from "../../../shared/config/write-membership.ts";
import { HotspareError, isHotspareError, reasonOf, type ErrorCode } from "../../../shared/errors.ts";
import type { Decisions } from "../../../shared/revisions/decisions.ts";
import { checkVaultIdentity } from "../../../shared/vault/vault-identity.ts";
import { ThreadedVault } from "../../../shared/vault/threaded-vault.ts";
import { probeVault } from "../../../shared/vault/probe-vault.ts";
import type { Welcome } from "../../../shared/wire/join-messages.ts";
import { ClusterLink, nobodyAnswers, type ClusterWord } from "../cluster-link.ts";
import type { CommandContext } from "../command.ts";
import { withVault } from "../vault/open-vault.ts";
import { askWelcome, type Asking } from "./ask-welcome.ts";
import type { Newcomer } from "./newcomer.ts";

export interface JoinOptions extends Omit<Asking, "newcomer"> {
  readonly newcomer: Newcomer;
  /** Path of the configuration to be, absolute. */
  readonly file: string;
  /** Told of each step as it begins. */
  readonly say: (step: string) => void;
}

export interface Joined {
  readonly config: Config;
  /** What was made, a line each. */
  readonly made: readonly string[];
  /** Of the decision by which the node is part of the cluster. */
  readonly revision: number;
}

const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;
const SHARED_FILE = 0o644;
const SHARED_FOLDER = 0o755;
/** Of several machines that join at once one is registered after the other. */
const DECISIONS = 10;

/** What can be found wrong before the token is used. @throws {HotspareError} HS_CONFIG_…, HS_VAULT_…. */
export async function lookAround(options: Omit<JoinOptions, "say">, { env, clock }: CommandContext): Promise<void> {
  const { file, newcomer, token } = options;
  const cluster = existsSync(file) ? loadConfig(file, env).cluster : token.cluster;
  if (cluster !== token.cluster) throw occupied(file, `it is that of the cluster ${cluster}`);
  const directory = newcomer.host?.vault ?? null;
  if (directory === null) return;
  const vault = new ThreadedVault({ directory, clock });
  try {
    const found = await checkVaultIdentity({ vault, directory }, null);
    if (found.cluster === token.cluster) return;
    const reason = `it belongs to the cluster ${found.cluster}, the token is of ${token.cluster}`;
    throw new HotspareError("HS_VAULT_UNSUITABLE", { directory, reason });
  } finally {
    await vault.close();
  }
}

/** @throws {HotspareError} of each of its steps. */
export async function join(options: JoinOptions, context: CommandContext): Promise<Joined> {
  const { file, newcomer, say } = options;
  await lookAround(options, context);
  say(`asking ${options.token.host} to be let in`);
  const welcome = await askWelcome({ ...options, newcomer: newcomer.id }, context);
  const config = configIn(welcome.configuration, file, context);
  const secret = secretIn(welcome, config, context);
  const keys = secret.map(({ bytes }) => bytes);
  const link = await ClusterLink.open(config, context, keys);
  try {
    say("asking the hosts what was decided");
    const word = await answered(link);
    const text = withNewcomer(welcome.configuration, config, options, word.decisions, context);
    say("trying the vault out");
    await tryVault(newcomer.draft(config, word.decisions), newcomer, context);
    const made = await writeFiles({ ...options, config, secret, welcome, text, word }, context);
    say(`registering ${newcomer.id}`);
    const { revision } = await register(link, newcomer, word);
    return { config: loadConfig(file, context.env), made, revision };
  } finally {
    link.close();
  }
}

const configIn = (text: string, file: string, { env }: CommandContext): Config =>
  toConfig(parseConfig(text, file, env));

/** Where that host has it in a variable, this machine must have it there too. */
function secretIn({ secret }: Welcome, config: Config, { env }: CommandContext): SecretEntries {
  return secret === null || "env" in config.secret ? readSecretEntries(config.secret, env) : parseSecretText(secret);
}

async function answered(link: ClusterLink): Promise<ClusterWord> {
  const word = await link.ask();
  if (word.hosts.every(({ report }) => report === null)) throw nobodyAnswers(word.hosts);
  return word;
}

/** @throws {HotspareError} HS_CONFIG_INVALID, HS_DECISION_REFUSED if the node does not fit beside the others. */
function withNewcomer(
  text: string,
  config: Config,
  { newcomer, file }: JoinOptions,
  decisions: Decisions,
  context: CommandContext,
): string {
  const draft = newcomer.draft(config, decisions);
  const after = editText(text, (document) => editMembership(document, config, draft));
  configIn(after, file, context);
  return after;
}

async function tryVault(draft: Config, { host }: Newcomer, { clock, random }: CommandContext): Promise<void> {
  if (host === null) return;
  await withVault(draft, { host: host.id, clock }, (open) => probeVault(open, random));
}

interface Writing extends JoinOptions {
  readonly config: Config;
  readonly secret: SecretEntries;
  readonly welcome: Welcome;
  readonly text: string;
  readonly word: ClusterWord;
}

/** The secret first: a configuration shows that all before it is there. */
async function writeFiles(writing: Writing, context: CommandContext): Promise<readonly string[]> {
  const { file } = writing;
  attempt("HS_CONFIG_UNWRITABLE", { file }, () => createFolder(dirname(file), SHARED_FOLDER));
  const lock = await lockConfig(file);
  try {
    refuseOther(writing, context);
    return [...writeSecret(writing, context), ...writeConfig(writing, context, lock)];
  } finally {
    await lock.release();
  }
}

function refuseOther({ file, config }: Writing, { env }: CommandContext): void {
  if (!existsSync(file)) return;
  const { cluster, vault } = loadConfig(file, env);
  if (cluster !== config.cluster || vault.id !== config.vault.id)
    throw occupied(file, `it is that of the cluster ${cluster}, with the vault ${vault.id}`);
}

function writeSecret({ config, welcome, secret }: Writing, { env }: CommandContext): readonly string[] {
  if ("env" in config.secret || welcome.secret === null) return [];
  const { file } = config.secret;
  const { secret: text } = welcome;
  const made = attempt("HS_SECRET_UNWRITABLE", { file }, () => {
    createFolder(dirname(file), PRIVATE_FOLDER);
    return createFile(file, { text, mode: PRIVATE_FILE });
  });
  if (made) return [`the secret ${file}`];
  const [signing] = secret;
  if (readSecretEntries({ file }, env).some(({ bytes }) => bytes.equals(signing.bytes))) return [];
  throw new HotspareError("HS_SECRET_UNWRITABLE", { file, reason: "it is there already, with another key" });
}

function writeConfig({ file, text, newcomer, word }: Writing, context: CommandContext, lock: ConfigLock) {
  const { env } = context;
  const made = attempt("HS_CONFIG_UNWRITABLE", { file }, () => createFile(file, { text, mode: SHARED_FILE }));
  if (made) return [`the configuration ${file}`];
  const own = loadConfig(file, env);
  const draft = newcomer.draft(own, word.decisions);
  if (own.hosts.length + own.proxies.length === draft.hosts.length + draft.proxies.length) return [];
  editConfig(file, env, lock, (document) => editMembership(document, own, draft));
  return [`the entry of ${newcomer.id} in ${file}`];
}

async function register(link: ClusterLink, newcomer: Newcomer, first: ClusterWord): Promise<Decisions> {
  let word = first;
  for (let tries = 1; ; tries += 1) {
    try {
      const change = { type: "add", node: newcomer.registration } as const;
      return (await link.decide(change, "hotspare join", word)).decisions;
    } catch (error) {
      if (!isHotspareError(error) || error.code !== "HS_DECISION_CONFLICT" || tries >= DECISIONS) throw error;
      word = await answered(link);
    }
  }
}

const occupied = (file: string, reason: string): HotspareError =>
  new HotspareError("HS_CONFIG_UNWRITABLE", { file, reason: `${reason}; nothing was overwritten` });

function attempt<T>(code: ErrorCode, details: Readonly<Record<string, string>>, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new HotspareError(code, { ...details, reason: reasonOf(error) }, { cause: error });
  }
}
