/**
 * Lends a connection to the application for the length of one function. What the function is given (`Db`, statements,
 * iterators) is worth nothing once it has returned: a kept one throws instead of writing outside of every transaction.
 *
 * While the function runs, the guard refuses what must not happen. A write that ends its transaction all the same
 * (`INSERT OR ROLLBACK`) finds every further call refused: it would be committed at once, and never journalled.
 */
import type { StatementSync } from "node:sqlite";
import { HotspareError } from "../../shared/errors.ts";
import type { Connection } from "./connection.ts";
import type { GuardMode } from "./guard.ts";
import { narrowRow } from "./narrow-row.ts";
import { isDamage, isLocalFailure, isNumberOverflow } from "./sqlite-failure.ts";
import { bareSql } from "./sql-tokens.ts";
import type { Db, Parameter, Row, Statement } from "./store.ts";

export type LoanUse = "read" | "write";

export class Loan {
  readonly #connection: Connection;
  readonly #use: LoanUse;
  #valid = true;
  /** Iterators in the middle of their rows. */
  readonly #iterating = new Set<() => void>();
  /** Bytes of all parameters that statements were given: what a write most likely adds. */
  parameterBytes = 0;
  /** A failure of the machine that the function met, also if it caught it: the batch must not go on. */
  failure: unknown = null;

  constructor(connection: Connection, use: LoanUse) {
    this.#connection = connection;
    this.#use = use;
  }

  /** @throws what `run` throws; HS_WRITE_ASYNC if it returns a promise. */
  lend<T>(run: (db: Db) => T): T {
    const { guard } = this.#connection;
    const before = guard.mode;
    guard.mode = MODES[this.#use];
    try {
      return refusePromise(run({ prepare: (sql) => this.#prepare(sql), exec: (sql) => this.#exec(sql) }));
    } finally {
      this.#revoke();
      guard.mode = before;
    }
  }

  #prepare(sql: string): Statement {
    this.#perform(() => {
      const statement = this.#connection.statements.borrow(sql);
      refuseSecondStatement(sql, statement.sourceSQL);
      this.#connection.statements.giveBack(sql, statement);
    });
    return {
      get: (...parameters) => this.#get(sql, parameters),
      all: (...parameters) => this.#all(sql, parameters),
      iterate: (...parameters) => this.#iterate(sql, parameters),
      run: (...parameters) => this.#run(sql, parameters),
    };
  }

  #exec(sql: string): void {
    this.#perform(() => this.#connection.database.exec(sql));
  }

  #get(sql: string, parameters: readonly Parameter[]): Row | undefined {
    return this.#rows(sql, parameters, (statement) => statement.get(...parameters) as Row | undefined, narrowRow);
  }

  #all(sql: string, parameters: readonly Parameter[]): Row[] {
    return this.#rows(
      sql,
      parameters,
      (statement) => statement.all(...parameters) as Row[],
      (rows) => {
        rows.forEach(narrowRow);
        return rows;
      },
    );
  }

  #run(sql: string, parameters: readonly Parameter[]): { readonly changes: number } {
    return this.#borrowed(sql, parameters, (statement) => ({ changes: Number(statement.run(...parameters).changes) }));
  }

  /**
   * Integers are read as numbers, which is fast; rows with one beyond 2^53 are read again, as bigints, and narrowed.
   * What changes rows must not run twice: it is read as bigints the first time.
   */
  #rows<T>(
    sql: string,
    parameters: readonly Parameter[],
    fetch: (statement: StatementSync) => T,
    narrow: (wide: T) => T,
  ): T {
    return this.#borrowed(sql, parameters, (statement) => {
      if (/\breturning\b/i.test(sql)) return narrow(wide(statement, fetch));
      try {
        return fetch(statement);
      } catch (error) {
        if (!isNumberOverflow(error)) throw error;
        return narrow(wide(statement, fetch));
      }
    });
  }

  #iterate(sql: string, parameters: readonly Parameter[]): IterableIterator<Row> {
    const { statements } = this.#connection;
    const statement = this.#perform(() => statements.borrow(sql));
    this.#count(parameters);
    statement.setReadBigInts(true);
    const rows = this.#perform(() => statement.iterate(...parameters));
    const finish = (): void => {
      if (!this.#iterating.delete(finish)) return;
      rows.return?.();
      statement.setReadBigInts(false);
      statements.giveBack(sql, statement);
    };
    this.#iterating.add(finish);
    const iterator: IterableIterator<Row> = {
      next: () => {
        const step = this.#perform(() => rows.next());
        if (!step.done) return { done: false, value: narrowRow(step.value as Row) };
        finish();
        return { done: true, value: undefined };
      },
      return: () => {
        finish();
        return { done: true, value: undefined };
      },
      [Symbol.iterator]: () => iterator,
    };
    return iterator;
  }

  #borrowed<T>(sql: string, parameters: readonly Parameter[], action: (statement: StatementSync) => T): T {
    this.#count(parameters);
    return this.#perform(() => {
      const statement = this.#connection.statements.borrow(sql);
      const result = action(statement);
      this.#connection.statements.giveBack(sql, statement);
      return result;
    });
  }

  #perform<T>(action: () => T): T {
    if (!this.#valid) throw new HotspareError("HS_WRITE_MISUSE", { reason: "its db was used after its end" });
    if (this.#use === "write" && !this.#connection.database.isTransaction) throw endedTransaction();
    this.#connection.guard.refusal = null;
    try {
      return action();
    } catch (error) {
      throw this.#explain(error);
    }
  }

  #explain(error: unknown): unknown {
    if (isLocalFailure(error) || isDamage(error)) this.failure = error;
    const reason = this.#connection.guard.refusal;
    return reason === null ? error : new HotspareError("HS_WRITE_DENIED", { reason }, { cause: error });
  }

  #count(parameters: readonly Parameter[]): void {
    for (const parameter of parameters) this.parameterBytes += sizeOf(parameter);
  }

  #revoke(): void {
    this.#valid = false;
    for (const finish of this.#iterating) finish();
  }
}

/** Why a write cannot go on that ended the transaction it was part of. */
export const endedTransaction = (): HotspareError =>
  new HotspareError("HS_WRITE_DENIED", {
    reason: "a conflict with OR ROLLBACK ended the transaction; use OR ABORT and throw",
  });

const MODES: Record<LoanUse, GuardMode> = { read: { type: "read" }, write: { type: "write" } };

function wide<T>(statement: StatementSync, fetch: (statement: StatementSync) => T): T {
  statement.setReadBigInts(true);
  try {
    return fetch(statement);
  } finally {
    statement.setReadBigInts(false);
  }
}

/** SQLite compiles the first statement of a text and leaves the rest alone: nobody means that. */
function refuseSecondStatement(sql: string, compiled: string): void {
  if (sql.length === compiled.length) return;
  const rest = bareSql(sql.slice(compiled.length)).replaceAll(";", "");
  if (rest !== "")
    throw new HotspareError("HS_WRITE_MISUSE", { reason: "prepare takes one statement; exec takes many" });
}

function refusePromise<T>(value: T): T {
  if (!isThenable(value)) return value;
  // Its own failure (its db is gone) is not news.
  void Promise.resolve(value).catch(() => undefined);
  throw new HotspareError("HS_WRITE_ASYNC");
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  ((typeof value === "object" && value !== null) || typeof value === "function") &&
  typeof (value as { then?: unknown }).then === "function";

function sizeOf(parameter: Parameter): number {
  if (typeof parameter === "string") return parameter.length;
  return parameter instanceof Uint8Array ? parameter.byteLength : 8;
}
