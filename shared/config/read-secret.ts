/**
 * Reads the cluster's secret. Errors name where it was looked for, never what was found there. A file that others may
 * read is refused: whoever reads it can order takeovers.
 */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { HotspareError, reasonOf } from "../errors.ts";
import type { SecretSource } from "./config.ts";
import type { Env } from "./substitute.ts";

const MIN_BYTES = 32;
const MAX_TEXT_BYTES = 4096;
const HEX = /^(?:[0-9a-f]{2})+$/i;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

/**
 * The secret's bytes, at least 32.
 * @throws {HotspareError} HS_SECRET_UNREADABLE.
 */
export function readSecret(source: SecretSource, env: Env): Buffer {
  const name = "file" in source ? source.file : `the environment variable ${source.env}`;
  try {
    return decode("file" in source ? readOwn(source.file) : (env[source.env] ?? fail("it is not set")));
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === "ENOENT";
    const reason = absent ? "there is no such file; `hotspare init` makes one" : reasonOf(error);
    throw new HotspareError("HS_SECRET_UNREADABLE", { source: name, reason }, { cause: error });
  }
}

/** Checked and read through one descriptor, so that it cannot be exchanged in between; a pipe does not hang it. */
function readOwn(file: string): string {
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    refuseShared(fstatSync(descriptor));
    const bytes = Buffer.alloc(MAX_TEXT_BYTES + 1);
    const length = readSync(descriptor, bytes, 0, bytes.length, 0);
    return length > MAX_TEXT_BYTES
      ? fail(`it has more than ${MAX_TEXT_BYTES} bytes`)
      : bytes.toString("utf8", 0, length);
  } finally {
    closeSync(descriptor);
  }
}

function refuseShared(stats: Stats): void {
  if (!stats.isFile()) fail("it is not a file");
  if (process.platform === "win32") return;
  const mode = (stats.mode & 0o777).toString(8).padStart(4, "0");
  if ((stats.mode & 0o077) !== 0) fail(`its mode is ${mode}; accepted is 0600 (chmod 600 it)`);
  const user = process.geteuid?.() ?? 0;
  if (stats.uid !== user && stats.uid !== 0 && user !== 0) fail(`it belongs to user ${stats.uid}, not to ${user}`);
}

function decode(written: string): Buffer {
  const text = written.trim();
  if (!HEX.test(text) && !BASE64.test(text)) fail("it is neither hex nor base64");
  const bytes = Buffer.from(text, HEX.test(text) ? "hex" : "base64");
  return bytes.length < MIN_BYTES ? fail(`it has ${bytes.length} bytes; accepted are ${MIN_BYTES} or more`) : bytes;
}

function fail(reason: string): never {
  throw new Error(reason);
}
