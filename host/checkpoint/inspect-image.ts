/**
 * What a database image holds, found out from the image itself: whether it is sound, where on the chain it is, and its
 * state hash. Never run on the live store.
 */
import { DatabaseSync } from "node:sqlite";
import { HotspareError, reasonOf } from "../../shared/errors.ts";
import type { Sha256 } from "../../shared/ids.ts";
import type { Head } from "../../shared/journal/head.ts";
import { stateHash } from "../store/state-hash.ts";
import { readHead, readLayout } from "../store/meta.ts";
import { LAYOUT } from "../store/system-tables.ts";

/** `quick`: every page and row; `full`: also that indexes agree with their tables. */
export type Soundness = "quick" | "full";

export interface Inspection {
  readonly head: Head;
  readonly schema: readonly string[];
}

/** @throws {HotspareError} HS_CHECKPOINT_INVALID if it is not a sound image of a pool's state. */
export function inspectImage(file: string, soundness: Soundness): Inspection {
  return withImage(file, (db) => {
    demandSound(db, file, soundness);
    demandLayout(db, file);
    const head = readHead(db);
    if (!head) throw invalid(file, "it is of no slot");
    return { head, schema: schemaIds(db) };
  });
}

/** @throws {HotspareError} HS_CHECKPOINT_INVALID if it cannot be read; whatever `beat` throws. */
export function hashImage(file: string, beat: () => void = () => undefined): Sha256 {
  return withImage(file, (db) => stateHash(db, { beat }));
}

/**
 * Makes one plain file of a fresh copy: a database that says it has a write-ahead log would want to make one wherever it
 * is opened.
 */
export function settleImage(file: string): void {
  const db = new DatabaseSync(file);
  try {
    db.exec("pragma journal_mode = delete");
  } finally {
    db.close();
  }
}

function withImage<T>(file: string, run: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    return run(db);
  } catch (error) {
    throw isSqliteError(error) ? invalid(file, reasonOf(error), error) : error;
  } finally {
    db.close();
  }
}

function demandSound(db: DatabaseSync, file: string, soundness: Soundness): void {
  const row = db.prepare(soundness === "full" ? "pragma integrity_check(1)" : "pragma quick_check(1)").get();
  const verdict = String(Object.values(row ?? {})[0]);
  if (verdict !== "ok") throw invalid(file, verdict);
}

/** A store would set an image of other system tables aside and restore it again, for ever. */
function demandLayout(db: DatabaseSync, file: string): void {
  const found = readLayout(db);
  if (found !== LAYOUT) throw invalid(file, `its system tables have layout ${found}, this program has ${LAYOUT}`);
}

function schemaIds(db: DatabaseSync): readonly string[] {
  return db
    .prepare("select id from hs_schema order by position")
    .all()
    .map(({ id }) => String(id));
}

const invalid = (name: string, reason: string, cause?: unknown): HotspareError =>
  new HotspareError("HS_CHECKPOINT_INVALID", { name, reason }, { cause });
const isSqliteError = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ERR_SQLITE_ERROR";
