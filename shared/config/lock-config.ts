/**
 * The lock that programs hold while they change `hotspare.yaml` or the secret. A courtesy between programs on one machine: an
 * owner that slept may lose it without knowing, so whoever edits looks again before it replaces the file.
 */
import { accessSync, constants } from "node:fs";
import { dirname, resolve } from "node:path";
import { lock } from "proper-lockfile";
import { HotspareError, reasonOf } from "../errors.ts";

/** How long a lock may go without a sign of life of its owner before others take it. */
const STALE_MS = 10_000;
/** Waits a little longer than a dead owner's lock lives. */
const RETRIES = { retries: 150, factor: 1, minTimeout: 100, maxTimeout: 100 } as const;

/** How errors name what is locked. */
interface LockCodes {
  readonly locked: "HS_CONFIG_LOCKED" | "HS_SECRET_LOCKED";
  readonly unwritable: "HS_CONFIG_UNWRITABLE" | "HS_SECRET_UNWRITABLE";
}

const CONFIG: LockCodes = { locked: "HS_CONFIG_LOCKED", unwritable: "HS_CONFIG_UNWRITABLE" };
const SECRET: LockCodes = { locked: "HS_SECRET_LOCKED", unwritable: "HS_SECRET_UNWRITABLE" };

export interface ConfigLock {
  /** @throws {HotspareError} HS_CONFIG_LOCKED, HS_SECRET_LOCKED if it is known that another program took the lock. */
  assertHeld(): void;
  release(): Promise<void>;
}

/**
 * Takes the lock of `file`, which need not exist yet; waits for another owner at most about 15 s.
 * @throws {HotspareError} HS_CONFIG_LOCKED, HS_CONFIG_UNWRITABLE.
 */
export const lockConfig = (file: string): Promise<ConfigLock> => lockFile(file, CONFIG);

/** The same for the file of the secret. @throws {HotspareError} HS_SECRET_LOCKED, HS_SECRET_UNWRITABLE. */
export const lockSecret = (file: string): Promise<ConfigLock> => lockFile(file, SECRET);

async function lockFile(file: string, codes: LockCodes): Promise<ConfigLock> {
  const path = resolve(file);
  refuseUnwritable(path, codes);
  let lost: string | null = null;
  const onCompromised = (error: Error): void => void (lost = reasonOf(error));
  const release = await lock(path, { realpath: false, stale: STALE_MS, retries: RETRIES, onCompromised }).catch(
    (error: unknown) => refuse(codes, path, reasonOf(error), error),
  );
  const assertHeld = (): void => void (lost !== null && refuse(codes, path, lost));
  return { assertHeld, release: async () => (lost === null ? release() : undefined) };
}

/** Otherwise every kind of failure would be waited for as if it were another owner. */
function refuseUnwritable(file: string, { unwritable }: LockCodes): void {
  try {
    accessSync(dirname(file), constants.W_OK);
  } catch (error) {
    throw new HotspareError(unwritable, { file, reason: reasonOf(error) }, { cause: error });
  }
}

function refuse({ locked }: LockCodes, file: string, reason: string, cause?: unknown): never {
  throw new HotspareError(locked, { file, reason }, { cause });
}
