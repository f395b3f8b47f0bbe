/** A support bundle on disk: a folder of text files for its owner alone, packed by the system's `tar` where that is asked for. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { HotspareError, reasonOf } from "../../../shared/errors.ts";
import type { Redactor } from "./redactor.ts";
import type { SupportFile } from "./support-files.ts";

export interface Bundle {
  /** The archive, or the folder where there is no `tar`. */
  readonly path: string;
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
  /** Why it is a folder though an archive was asked for; `null`: it is what was asked for. */
  readonly unpacked: string | null;
}

const ARCHIVE = /\.(?:tar\.gz|tgz)$/;

/** @throws {HotspareError} HS_USAGE if something is there already, HS_OUTPUT_UNWRITABLE. */
export async function writeBundle(to: string, files: readonly SupportFile[], redactor: Redactor): Promise<Bundle> {
  const target = resolve(to);
  const folder = target.replace(ARCHIVE, "");
  for (const path of new Set([target, folder])) {
    if (existsSync(path)) throw new HotspareError("HS_USAGE", { reason: `${path} is there already; name another one` });
  }
  const written = await writable(folder, () => writeFolder(folder, files, redactor));
  if (target === folder) return { path: folder, files: written, unpacked: null };
  const unpacked = await writable(target, () => pack(folder, target));
  return { path: unpacked === null ? target : folder, files: written, unpacked };
}

async function writeFolder(
  folder: string,
  files: readonly SupportFile[],
  redactor: Redactor,
): Promise<Bundle["files"]> {
  mkdirSync(folder, { mode: 0o700 });
  const written: { readonly name: string; readonly bytes: number }[] = [];
  for (const { name, collect } of files) {
    const found = await collect().catch((error: unknown) => `not collected: ${reasonOf(error)}\n`);
    const bytes = Buffer.from(redactor.redact(found));
    mkdirSync(dirname(join(folder, name)), { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, name), bytes, { mode: 0o600, flag: "wx" });
    written.push({ name, bytes: bytes.length });
  }
  return written;
}

/** Why it could not be packed; the folder stays then. */
function pack(folder: string, target: string): string | null {
  const partial = `${folder}.partial`;
  // `tar` keeps the mode of what is there.
  writeFileSync(partial, "", { mode: 0o600, flag: "wx" });
  const packed = spawnSync("tar", ["-czf", partial, "-C", dirname(folder), basename(folder)], { encoding: "utf8" });
  if (packed.error ?? packed.status !== 0) {
    rmSync(partial, { force: true });
    return packed.error ? reasonOf(packed.error) : packed.stderr.trim();
  }
  renameSync(partial, target);
  rmSync(folder, { recursive: true });
  return null;
}

async function writable<T>(file: string, write: () => T | Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    throw new HotspareError("HS_OUTPUT_UNWRITABLE", { file, reason: reasonOf(error) }, { cause: error });
  }
}
