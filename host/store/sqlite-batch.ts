/**
 * A batch on the writer: one transaction, one session that records it, a savepoint for each write.
 *
 * Order: the key is looked up (found: its stored result is the answer, also for a duplicate in the same batch), the
 * write runs, its result and key are remembered in the same savepoint. At the end the change set is taken, the session
 * closed, and only then `hs_meta` written and the transaction committed, when the record is published.
 *
 * Fails where the machine fails (disk full, I/O error): then nothing of the batch may be answered.
 */
import { assert, HotspareError, unreachable } from "../../shared/errors.ts";
import type { Sha256 } from "../../shared/ids.ts";
import type { Head } from "../../shared/journal/head.ts";
import { lsn, type Lsn } from "../../shared/position.ts";
import { ChangeMeter, type Reading } from "./change-meter.ts";
import type { Connection } from "./connection.ts";
import { endedTransaction, Loan } from "./loan.ts";
import { recall, remember, type KeyLives } from "./settlement.ts";
import type { Batch, SealedBatch, Write, WriteOutcome } from "./store.ts";

export interface BatchBounds {
  /** The change set of one write; must fit into a record. */
  readonly writeBytes: number;
  /** The change sets of a batch of several. */
  readonly batchBytes: number;
  /** The JSON text of one result. */
  readonly resultBytes: number;
}

export interface BatchContext {
  readonly connection: Connection;
  readonly fingerprint: Sha256;
  readonly bounds: BatchBounds;
  readonly lives: KeyLives;
  readonly firstLsn: Lsn;
  readonly logTimeMs: number;
  /** Writes `hs_meta`, inside the transaction, after the session is closed. */
  readonly writeMeta: (head: Head) => void;
  /** The transaction has ended: with `head` as the new one, or with nothing (`null`). */
  readonly onEnd: (head: Head | null) => void;
}

/** What became of one attempt to run a write. */
type Attempt =
  | WriteOutcome
  | { readonly type: "full"; readonly ownBytes: number }
  /** The transaction is gone, and with it the writes before. */
  | { readonly type: "ended"; readonly error: unknown };

/** How the application's function ended. `error` may be anything, also `null`, where `result` is. */
interface Called {
  readonly result: string | null;
  readonly error: unknown;
}

interface Taken {
  readonly write: Write;
  outcome: WriteOutcome;
  /** It ends the transaction, and is never run again. */
  isCulprit: boolean;
}

export class SqliteBatch implements Batch {
  readonly #context: BatchContext;
  readonly #taken: Taken[] = [];
  #state: "open" | "running" | "sealed" | "ended" = "open";
  #meter: ChangeMeter;
  #resolutionBytes = RESOLUTION_BYTES;
  #commits = 0;

  /** Begins the transaction. */
  constructor(context: BatchContext) {
    this.#context = context;
    this.#meter = this.#begin();
  }

  get bytes(): number {
    return this.#meter.bytes;
  }

  get commits(): number {
    return this.#commits;
  }

  execute(write: Write): "taken" | "full" {
    assert(this.#state === "open", `a batch that is ${this.#state} takes no writes`);
    this.#state = "running";
    const attempt = this.#attempt(write);
    this.#state = "open";
    switch (attempt.type) {
      case "full":
        return "full";
      case "ended":
        this.#taken.push({ write, outcome: refused(attempt.error), isCulprit: true });
        this.#rebuild();
        return "taken";
      case "settled":
      case "refused":
        this.#taken.push({ write, outcome: attempt, isCulprit: false });
        return "taken";
      default:
        return unreachable(attempt);
    }
  }

  seal(): SealedBatch {
    assert(this.#state === "open", `a batch that is ${this.#state} cannot be sealed`);
    const changeset = this.#finalChangeset();
    this.#meter.close();
    this.#state = "sealed";
    const schema = this.#context.fingerprint;
    return {
      operations: changeset.byteLength === 0 ? [] : [{ type: "changes", schema, changeset }],
      outcomes: this.#taken.map(({ outcome }) => outcome),
    };
  }

  commit(head: Head): void {
    assert(this.#state === "sealed", `a batch that is ${this.#state} cannot be committed`);
    this.#context.writeMeta(head);
    this.#context.connection.commit();
    this.#state = "ended";
    this.#context.onEnd(head);
  }

  rollback(): void {
    if (this.#state === "ended") return;
    if (this.#state !== "sealed") this.#meter.close();
    this.#state = "ended";
    this.#context.connection.rollback();
    this.#context.onEnd(null);
  }

  #begin(): ChangeMeter {
    const { connection } = this.#context;
    connection.begin();
    this.#commits = 0;
    return new ChangeMeter(connection.database, this.#resolutionBytes);
  }

  #attempt(write: Write): Attempt {
    const { connection, lives, logTimeMs } = this.#context;
    if (write.key) {
      const recalled = recall(connection, write.key, lives, logTimeMs);
      if (recalled) return recalled;
    }
    const before = this.#meter.read();
    const rowsBefore = this.#changedRows();
    connection.own(SAVEPOINT).run();
    const loan = new Loan(connection, "write");
    const called = this.#call(write, loan);
    // Also where the function caught it: what SQLite does after such a failure is not to be built on.
    if (loan.failure !== null) throw loan.failure;
    // Also where the function caught what ended it.
    if (!connection.database.isTransaction) return { type: "ended", error: called.error ?? endedTransaction() };
    if (called.result === null) {
      this.#undo(before);
      return refused(called.error);
    }
    const { result } = called;
    if (write.key) remember(connection, { key: write.key, lsn: this.#nextLsn, logTimeMs, result }, lives);
    return this.#settle(
      before,
      loan.parameterBytes + result.length + ROW_BYTES * (1 + this.#changedRows() - rowsBefore),
      result,
    );
  }

  /** The application's part. What it throws is its own affair, even if it looks like a failure of our file. */
  #call(write: Write, loan: Loan): Called {
    const { logTimeMs, bounds } = this.#context;
    try {
      const value = loan.lend((db) => write.run(db, { lsn: this.#nextLsn, logTimeMs }));
      return { result: serialise(value, bounds.resultBytes), error: null };
    } catch (error) {
      return { result: null, error };
    }
  }

  /** Keeps what the write did if there is room for it. */
  #settle(before: Reading, estimateBytes: number, result: string): Attempt {
    const { connection, bounds } = this.#context;
    const bytesBefore = this.#meter.bytes;
    this.#meter.add(estimateBytes);
    // Nobody is turned away by an estimate.
    if (this.#meter.bytes > bounds.batchBytes) this.#meter.changeset();
    const { bytes } = this.#meter;
    if (this.#commits > 0 && bytes > bounds.batchBytes) {
      this.#undo(before);
      return { type: "full", ownBytes: bytes - bytesBefore };
    }
    if (bytes > bounds.writeBytes) {
      this.#undo(before);
      return refused(tooLarge(bytes, bounds.writeBytes));
    }
    connection.own(RELEASE).run();
    const settled: WriteOutcome = { type: "settled", value: result, lsn: this.#nextLsn, replayed: false };
    this.#commits += 1;
    return settled;
  }

  #undo(before: Reading): void {
    const { connection } = this.#context;
    connection.own(UNDO).run();
    connection.own(RELEASE).run();
    this.#meter.restore(before);
  }

  /** Begins again without the culprits, until no write ends the transaction. */
  #rebuild(): void {
    do {
      this.#meter.close();
      this.#context.connection.rollback();
      this.#meter = this.#begin();
    } while (!this.#repeat());
  }

  /**
   * Runs all but the culprits once more, also those that were refused: what refused them may have been a write that is
   * not there any more. `false`: one of them has ended the transaction.
   */
  #repeat(): boolean {
    for (const taken of this.#taken) {
      if (taken.isCulprit) continue;
      const attempt = this.#attempt(taken.write);
      switch (attempt.type) {
        case "ended":
          taken.outcome = refused(attempt.error);
          taken.isCulprit = true;
          return false;
        case "full":
          // It was let in by an estimate, or does more than the first time.
          taken.outcome = refused(this.#tooMuch(attempt.ownBytes));
          break;
        case "settled":
        case "refused":
          taken.outcome = attempt;
          break;
        default:
          unreachable(attempt);
      }
    }
    return true;
  }

  #tooMuch(ownBytes: number): HotspareError {
    const { writeBytes } = this.#context.bounds;
    if (ownBytes > writeBytes) return tooLarge(ownBytes, writeBytes);
    return new HotspareError("HS_WRITE_OVERLOAD", { accepted: this.#commits });
  }

  /** What escaped the estimates is too large for a record: once more, measuring each write, and refusing the culprits. */
  #finalChangeset(): Uint8Array {
    const changeset = this.#meter.changeset();
    if (changeset.byteLength <= this.#context.bounds.writeBytes) return changeset;
    this.#resolutionBytes = 0;
    this.#rebuild();
    return this.#meter.changeset();
  }

  get #nextLsn(): Lsn {
    return lsn(this.#context.firstLsn + this.#commits);
  }

  /** Rows that the connection has changed in its life, by triggers and cascades too. */
  #changedRows(): number {
    return Number(this.#context.connection.own("select total_changes() as n").get()?.["n"]);
  }
}

/** Below it the change set is not measured after each write. */
const RESOLUTION_BYTES = 64 * 1024;
/** What a changed row takes in a change set beside its values, roughly. */
const ROW_BYTES = 64;

const SAVEPOINT = "savepoint hs_write";
const RELEASE = "release hs_write";
const UNDO = "rollback to hs_write";

/** JSON text; what JSON has no word for is `null`. @throws what `toJSON` throws, and HS_WRITE_TOO_LARGE. */
function serialise(value: unknown, boundBytes: number): string {
  const text = (JSON.stringify(value) as string | undefined) ?? "null";
  const bytes = Buffer.byteLength(text, "utf8");
  if (bytes > boundBytes) throw tooLarge(bytes, boundBytes);
  return text;
}

const tooLarge = (found: number, accepted: number): HotspareError =>
  new HotspareError("HS_WRITE_TOO_LARGE", { found, accepted });

const refused = (error: unknown): WriteOutcome & { readonly type: "refused" } => ({ type: "refused", error });
