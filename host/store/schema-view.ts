/**
 * What a store knows of its schema between two changes of it: the fingerprint that every change set carries, and the
 * triggers that must not fire while one is applied. Read once, kept until `forget`.
 */
import { createHash } from "node:crypto";
import type { Sha256 } from "../../shared/ids.ts";
import type { Connection } from "./connection.ts";
import { quoteName } from "./sql-tokens.ts";

export interface Trigger {
  readonly drop: string;
  readonly create: string;
}

export class SchemaView {
  readonly #connection: Connection;
  #fingerprint: Sha256 | null = null;
  #triggers: readonly Trigger[] | null = null;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * SHA-256 over the text of everything that is defined but `hs_meta`, in the order of type and name. SQLite applies a
   * change set for a table that is not there, or has other columns, by doing nothing and reporting success.
   */
  get fingerprint(): Sha256 {
    this.#fingerprint ??= fingerprintOf(this.#connection);
    return this.#fingerprint;
  }

  /** Of tables, in the order of their creation, in which SQLite also fires them. Those of views cannot be met by a change set. */
  get triggers(): readonly Trigger[] {
    this.#triggers ??= triggersOf(this.#connection);
    return this.#triggers;
  }

  /** To be called after anything that may have changed the schema, also when that was rolled back. */
  forget(): void {
    this.#fingerprint = null;
    this.#triggers = null;
  }
}

function fingerprintOf(connection: Connection): Sha256 {
  const rows = connection.own(DEFINITIONS).all();
  const text = JSON.stringify(rows.map((row) => [row["type"], row["name"], row["tbl_name"], row["sql"]]));
  return createHash("sha256").update(text, "utf8").digest("hex") as Sha256;
}

const triggersOf = (connection: Connection): readonly Trigger[] =>
  connection
    .own(TABLE_TRIGGERS)
    .all()
    .map(({ name, sql }) => ({ drop: `drop trigger ${quoteName(String(name))}`, create: String(sql) }));

const DEFINITIONS = `select type, name, tbl_name, sql from sqlite_schema
  where sql is not null and tbl_name <> 'hs_meta' order by type, name`;

const TABLE_TRIGGERS = `select name, sql from sqlite_schema
  where type = 'trigger' and tbl_name collate nocase in (select name from sqlite_schema where type = 'table')
  order by rowid`;
