/**
 * One connection to a store's file, with its guard and its compiled statements. A store has three:
 *
 * - the applier, foreign keys off: records of the journal and `sql` operations; what they cascade to is in them already;
 * - the writer, foreign keys on, only while the host is primary;
 * - the reader, which cannot write.
 *
 * Automatic WAL checkpoints are off: they would stall whichever commit happens to pass the limit (`wal.ts`).
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { MAX_RECORD_BYTES } from "../../shared/journal/record-codec.ts";
import { Guard } from "./guard.ts";
import { StatementCache } from "./statement-cache.ts";

/** How long a statement waits for a worker that holds a lock on the file. */
const LOCK_TIMEOUT_MS = 5000;

export class Connection {
  readonly database: DatabaseSync;
  readonly guard = new Guard();
  /** The application's statements. */
  readonly statements: StatementCache;
  readonly #own = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.database = database;
    this.statements = new StatementCache(database);
    database.setAuthorizer(this.guard.authorize);
  }

  /** One of Hotspare's own statements, from a fixed set of texts. To be run only while the guard is `internal`. */
  own(sql: string): StatementSync {
    const known = this.#own.get(sql);
    if (known) return known;
    const statement = this.database.prepare(sql);
    this.#own.set(sql, statement);
    return statement;
  }

  /**
   * Notices that another connection has changed the schema. SQLite does so by itself when a statement runs, but may
   * refuse to compile one before, judging by what it knew.
   */
  refreshSchema(): void {
    this.own("select 1 from sqlite_schema limit 1").get();
  }

  begin(): void {
    this.own("begin immediate").run();
  }

  commit(): void {
    this.own("commit").run();
  }

  /** Harmless if there is no transaction: SQLite ends one by itself on some errors. */
  rollback(): void {
    if (this.database.isTransaction) this.own("rollback").run();
  }

  close(): void {
    if (this.database.isOpen) this.database.close();
  }
}

/**
 * How hard a commit is made durable: `normal` where a journal has every commit, so that a power cut may take the last ones
 * along; `full` where there is none, so that a commit is durable when it returns.
 */
export type Durability = "normal" | "full";

export function openApplier(file: string, durability: Durability): Connection {
  const database = new DatabaseSync(file, { enableForeignKeyConstraints: false, timeout: LOCK_TIMEOUT_MS });
  return configured(database, durability);
}

export function openWriter(file: string, durability: Durability): Connection {
  const database = new DatabaseSync(file, {
    enableForeignKeyConstraints: true,
    timeout: LOCK_TIMEOUT_MS,
    // No value, row or text is larger than a record could carry.
    limits: { length: MAX_RECORD_BYTES },
  });
  return configured(database, durability);
}

export function openReader(file: string): Connection {
  const database = new DatabaseSync(file, { readOnly: true, timeout: LOCK_TIMEOUT_MS });
  return opened(database, "pragma query_only = on");
}

const configured = (database: DatabaseSync, durability: Durability): Connection =>
  opened(database, `pragma journal_mode = wal; pragma synchronous = ${durability}; pragma wal_autocheckpoint = 0`);

/** The settings are made before the authorizer is there, and a file that is no database is closed again. */
function opened(database: DatabaseSync, settings: string): Connection {
  try {
    database.exec(settings);
    return new Connection(database);
  } catch (error) {
    database.close();
    throw error;
  }
}
