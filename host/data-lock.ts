/**
 * The lock of a host's data folder against a second process on this machine. A courtesy: no safety rests on it.
 *
 * It is a lock of the operating system on a small file (through SQLite, which has it on every platform), so it ends with
 * its process however that dies, and a restart after a kill never waits for it.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { HotspareError, reasonOf } from "../shared/errors.ts";

const FILE = "lock.db";
const SQLITE_BUSY = 5;

export type Unlock = () => void;

/** Makes the folder if it is absent, and locks it. @throws {HotspareError} HS_DATA_LOCKED, HS_DATA_UNSUITABLE */
export function lockDataFolder(directory: string): Unlock {
  try {
    mkdirSync(directory, { recursive: true });
    const database = new DatabaseSync(join(directory, FILE), { timeout: 0 });
    holdOrClose(database);
    return () => database.isOpen && database.close();
  } catch (error) {
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) {
      throw new HotspareError("HS_DATA_LOCKED", { directory }, { cause: error });
    }
    throw new HotspareError("HS_DATA_UNSUITABLE", { directory, reason: reasonOf(error) }, { cause: error });
  }
}

/** The open transaction is the lock. */
function holdOrClose(database: DatabaseSync): void {
  try {
    database.exec("begin exclusive");
  } catch (error) {
    database.close();
    throw error;
  }
}
