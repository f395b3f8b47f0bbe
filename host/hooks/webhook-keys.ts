/**
 * The keys of a webhook, read anew for each call, so that they can be exchanged at any time. Written as Standard Webhooks
 * has them: `whsec_` and base64, separated by white space. What is wrong is an error that shows none of the text.
 */
import { readOwnAgain } from "../../shared/config/read-secret.ts";
import type { SecretSource } from "../../shared/config/config.ts";
import { reasonOf } from "../../shared/errors.ts";
import type { Env } from "../../shared/config/substitute.ts";

/** An old one, and the one that takes its place. */
const MOST_KEYS = 4;
const LEAST_BYTES = 24;
const MOST_BYTES = 64;
const KEY = /^(?:whsec_)?([A-Za-z0-9+/]+={0,2})$/;

/** @throws {Error} that says why. */
export async function readWebhookKeys(source: SecretSource, env: Env): Promise<readonly Buffer[]> {
  const name = "file" in source ? source.file : `the environment variable ${source.env}`;
  try {
    return parseWebhookKeys("file" in source ? await readOwnAgain(source.file) : (env[source.env] ?? ""));
  } catch (error) {
    throw new Error(`cannot read its key from ${name}: ${reasonOf(error)}`, { cause: error });
  }
}

function parseWebhookKeys(text: string): readonly Buffer[] {
  const written = text.split(/\s+/).filter((part) => part !== "");
  if (written.length === 0 || written.length > MOST_KEYS)
    throw new Error(`it has ${written.length} keys; accepted are 1 to ${MOST_KEYS}`);
  return written.map((part) => {
    const bytes = Buffer.from(KEY.exec(part)?.[1] ?? "", "base64");
    if (bytes.length >= LEAST_BYTES && bytes.length <= MOST_BYTES) return bytes;
    throw new Error(`accepted is whsec_ and ${LEAST_BYTES} to ${MOST_BYTES} bytes in base64`);
  });
}
