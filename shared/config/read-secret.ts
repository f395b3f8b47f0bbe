/**
 * Reads the cluster's secret. Errors name where it was looked for, never what was found there. A file that others may
 * read is refused: whoever reads it can order takeovers.
 */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { open } from "node:fs/promises";
import { HotspareError, reasonOf } from "../errors.ts";
import type { SecretSource } from "./config.ts";
import { parseSecretText, type SecretEntries } from "./secret-text.ts";
import type { Env } from "./substitute.ts";

const MAX_TEXT_BYTES = 4096;
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/**
 * The keys, each of at least 32 bytes: the first signs, all verify.
 * @throws {HotspareError} HS_SECRET_UNREADABLE.
 */
export function readSecret(source: SecretSource, env: Env): readonly Buffer[] {
  return readSecretEntries(source, env).map(({ bytes }) => bytes);
}

/** The same as it is written, with the remarks of a rotation. @throws {HotspareError} HS_SECRET_UNREADABLE. */
export function readSecretEntries(source: SecretSource, env: Env): SecretEntries {
  const name = "file" in source ? source.file : `the environment variable ${source.env}`;
  try {
    return parseSecretText("file" in source ? readOwn(source.file) : (env[source.env] ?? fail("it is not set")));
  } catch (error) {
    throw unreadable(name, error);
  }
}

/** For a node that runs: it does not stand still where the file's disk does. @throws {HotspareError} HS_SECRET_UNREADABLE. */
export async function readSecretAgain(file: string): Promise<readonly Buffer[]> {
  return (await readSecretEntriesAgain(file)).map(({ bytes }) => bytes);
}

/** The same as it is written. @throws {HotspareError} HS_SECRET_UNREADABLE. */
export async function readSecretEntriesAgain(file: string): Promise<SecretEntries> {
  try {
    return parseSecretText(await readOwnAgain(file));
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** Checked and read through one descriptor, so that it cannot be exchanged in between; a pipe does not hang it. */
function readOwn(file: string): string {
  const descriptor = openSync(file, FLAGS);
  try {
    refuseShared(fstatSync(descriptor));
    const bytes = Buffer.alloc(MAX_TEXT_BYTES + 1);
    return textOf(bytes, readSync(descriptor, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(descriptor);
  }
}

/** The text of a file that only its owner may read. */
export async function readOwnAgain(file: string): Promise<string> {
  const handle = await open(file, FLAGS);
  try {
    refuseShared(await handle.stat());
    const bytes = Buffer.alloc(MAX_TEXT_BYTES + 1);
    return textOf(bytes, (await handle.read(bytes, 0, bytes.length, 0)).bytesRead);
  } finally {
    await handle.close();
  }
}

const textOf = (bytes: Buffer, length: number): string =>
  length > MAX_TEXT_BYTES ? fail(`it has more than ${MAX_TEXT_BYTES} bytes`) : bytes.toString("utf8", 0, length);

function unreadable(source: string, error: unknown): HotspareError {
  const absent = (error as NodeJS.ErrnoException).code === "ENOENT";
  const reason = absent ? "there is no such file; `hotspare init` makes one" : reasonOf(error);
  return new HotspareError("HS_SECRET_UNREADABLE", { source, reason }, { cause: error });
}

function refuseShared(stats: Stats): void {
  if (!stats.isFile()) fail("it is not a file");
  if (process.platform === "win32") return;
  const mode = (stats.mode & 0o777).toString(8).padStart(4, "0");
  if ((stats.mode & 0o077) !== 0) fail(`its mode is ${mode}; accepted is 0600 (chmod 600 it)`);
  const user = process.geteuid?.() ?? 0;
  if (stats.uid !== user && stats.uid !== 0 && user !== 0) fail(`it belongs to user ${stats.uid}, not to ${user}`);
}

function fail(reason: string): never {
  throw new Error(reason);
}
