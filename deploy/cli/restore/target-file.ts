/**
 * The file that a restore writes. All work is done in a folder beside it, and the file gets its name in one step at the
 * end: an interrupted run leaves at most that folder, which the next one removes.
 */
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { syncFolder } from "../../../shared/config/durable-file.ts";
import { HotspareError, reasonOf } from "../../../shared/errors.ts";
import { isBelow, nearestReal } from "../../../shared/vault/mount.ts";
import { lockDataFolder } from "../../../host/data-lock.ts";

export interface TargetOptions {
  readonly file: string;
  /** An existing file is replaced. */
  readonly force: boolean;
  readonly vaultDirectory: string;
}

/** Beside a database they belong to it: those of an older file would be played into the new one. */
const COMPANIONS = ["-wal", "-journal"];

/**
 * `fill` is given an empty folder for its work, and the file to make in it.
 * @throws {HotspareError} HS_TARGET_UNWRITABLE; HS_DATA_LOCKED if another restore writes this file; what `fill` throws.
 */
export async function withTarget<T>(
  options: TargetOptions,
  fill: (folder: string, file: string) => Promise<T>,
): Promise<T> {
  const target = resolve(options.file);
  demandFree(target, options);
  const folder = `${target}.restoring`;
  const work = join(folder, "work");
  const unlock = lockDataFolder(folder);
  try {
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work);
    const file = join(work, "plain.db");
    const result = await fill(work, file);
    demandFree(target, options);
    publish(file, target);
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
    unlock();
  }
}

function demandFree(target: string, { force, vaultDirectory }: TargetOptions): void {
  const parent = statSync(dirname(target), { throwIfNoEntry: false });
  if (!parent?.isDirectory()) throw unwritable(target, "its folder is not there");
  if (isBelow(nearestReal(target), nearestReal(vaultDirectory))) throw unwritable(target, "it lies inside the vault");
  const found = statSync(target, { throwIfNoEntry: false });
  if (found && !found.isFile()) throw unwritable(target, "there is something that is no file");
  if (found && !force) throw unwritable(target, "it is there already; --force replaces it");
  const companion = COMPANIONS.find((ending) => existsSync(`${target}${ending}`));
  if (companion === undefined) return;
  throw unwritable(
    target,
    `${target}${companion} lies beside it and would be played into it: a program has that database open, or died with it`,
  );
}

function publish(file: string, target: string): void {
  try {
    renameSync(file, target);
    syncFolder(dirname(target));
  } catch (error) {
    throw unwritable(target, reasonOf(error), error);
  }
}

const unwritable = (file: string, reason: string, cause?: unknown): HotspareError =>
  new HotspareError("HS_TARGET_UNWRITABLE", { file, reason }, { cause });
