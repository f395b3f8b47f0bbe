/** What a machine that joins is given: the texts of the configuration and of the secret, as this host's files have them now. */
import { readFile } from "node:fs/promises";
import type { SecretSource } from "../shared/config/config.ts";
import { readSecretEntriesAgain } from "../shared/config/read-secret.ts";
import { formatSecretText } from "../shared/config/secret-text.ts";
import { HotspareError, reasonOf } from "../shared/errors.ts";
import type { Welcome } from "../shared/wire/join-messages.ts";

export interface WelcomeFiles {
  /** Path of `hotspare.yaml`. */
  readonly configuration: string;
  readonly secret: SecretSource;
}

/** With the secret and its seal it must fit into an answer. */
const MAX_BYTES = 512 * 1024;

/** @throws {HotspareError} HS_CONFIG_UNREADABLE, HS_SECRET_UNREADABLE. */
export async function readWelcome({ configuration, secret }: WelcomeFiles): Promise<Welcome> {
  const text = await readText(configuration);
  if ("env" in secret) return { configuration: text, secret: null };
  return { configuration: text, secret: formatSecretText(await readSecretEntriesAgain(secret.file)) };
}

async function readText(file: string): Promise<string> {
  try {
    const bytes = await readFile(file);
    if (bytes.length > MAX_BYTES) throw new Error(`it has more than ${MAX_BYTES} bytes: copy it by hand`);
    return bytes.toString("utf8");
  } catch (error) {
    throw new HotspareError("HS_CONFIG_UNREADABLE", { file, reason: reasonOf(error) }, { cause: error });
  }
}
