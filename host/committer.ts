/**
 * A primary's writes: one batch at a time is executed, published, committed, answered, in this order. Writes that arrive
 * while one is being published make the next.
 *
 * The core decides on publishing; this executes before it and commits or forgets after it. Between `publish` and its
 * outcome the store's transaction stays open, so nothing is visible that is not published.
 */
import type { Clock } from "../shared/clock.ts";
import { assert, HotspareError } from "../shared/errors.ts";
import { randomId, type RecordId } from "../shared/ids.ts";
import type { Head } from "../shared/journal/head.ts";
import type { FormatPayload, Operation, SealedRecord } from "../shared/journal/record.ts";
import { encodeRecord } from "../shared/journal/record-codec.ts";
import { lsn } from "../shared/position.ts";
import type { Random } from "../shared/random.ts";
import type { Discarded } from "./core/pool-state.ts";
import { headerAfter } from "./core/primary.ts";
import { discardedError } from "./discarded-error.ts";
import { Gathering } from "./gathering.ts";
import { fillGroup, GROUP_BOUNDS, refuseGroup, rejectGroup, rejectUnproven, settleGroup, type Group } from "./group.ts";
import type { Batch, SealedBatch, Store, WriteOutcome } from "./store/store.ts";
import type { WriteQueue } from "./write-queue.ts";

export interface CommitterShell {
  /** Hands the record to the core; its outcome comes back as `commit` or `discard`. */
  publish(sealed: SealedRecord): void;
  /** The batch is in the store. */
  committed(sealed: SealedRecord): void;
  /** Resolves when this host is proven to be primary at a moment after the call; rejects if it is not. */
  prove(): Promise<void>;
  /** The local store failed: nothing may be answered. Ends the process. */
  die(error: unknown): void;
}

interface Options {
  readonly pool: string;
  readonly queue: WriteQueue;
  readonly clock: Clock;
  readonly random: Random;
  readonly shell: CommitterShell;
}

/** What Hotspare itself wants in the journal, apart from any write: operations, or a format record without any. */
interface Job {
  readonly operations: readonly Operation[];
  readonly format: FormatPayload | null;
  /** How many LSNs it takes. */
  readonly commits: number;
  /** Runs after the commit, before the next batch begins. */
  readonly after: () => Promise<void>;
  readonly resolve: (head: Head) => void;
  readonly reject: (error: unknown) => void;
}

interface InFlight {
  readonly batch: Pick<Batch, "commit" | "rollback">;
  readonly sealed: SealedRecord;
  readonly startedMs: number;
  readonly work: Work;
}

type Work =
  | { readonly type: "group"; readonly group: Group; readonly outcomes: readonly WriteOutcome[] }
  | (Job & { readonly type: "job" });

interface Tenure {
  readonly store: Store;
  readonly beganMs: number;
  readonly logTimeMs: number;
  head: Head;
}

const nothing = (): Promise<void> => Promise.resolve();

export class Committer {
  readonly #options: Options;
  #tenure: Tenure | null = null;
  #jobs: Job[] = [];
  #inFlight: InFlight | null = null;
  /** Between a job's commit and the end of its `after`. */
  #holding = false;
  readonly #gathering: Gathering;
  /** Writes are taken up only while serving; jobs from the beginning of the tenure. */
  #open = false;
  /** Drained for the tenure's last record: nothing follows that. */
  #isOver = false;

  constructor(options: Options) {
    this.#options = options;
    this.#gathering = new Gathering(options.queue, options.clock, () => this.pump());
  }

  /** Begins a tenure at `head`; only jobs run until `open`. */
  begin(store: Store, head: Head): void {
    assert(this.#tenure === null, "a tenure begins within another");
    this.#isOver = false;
    this.#tenure = { store, head, beganMs: this.#options.clock.monotonicMs(), logTimeMs: head.logTimeMs };
  }

  open(): void {
    this.#open = true;
    this.#isOver = false;
    this.pump();
  }

  /**
   * Takes no more writes up; resolves when nothing is in flight and nothing follows it: writes and jobs that still come
   * wait for `end`, or for another `open`. The tenure goes on for its release.
   */
  async drain(): Promise<void> {
    this.#open = false;
    const after = async (): Promise<void> => {
      this.#isOver = !this.#open;
    };
    if (this.#tenure && !this.idle) await this.run([], { commits: 0, after }).catch(() => undefined);
    else await after();
  }

  /** Nothing is in flight, whatever waits. */
  get resting(): boolean {
    return this.#inFlight === null && !this.#holding;
  }

  /** Ends the tenure: what still waits was not applied here; of what is still in flight nobody knows. */
  end(error: HotspareError): void {
    this.#gathering.stop();
    this.#open = false;
    this.#tenure = null;
    if (this.#inFlight) forget(this.#take(), discardedError({ type: "unknown" }));
    for (const job of this.#jobs.splice(0)) job.reject(error);
    const { queue } = this.#options;
    rejectGroup(queue.take(queue.length), error);
  }

  get idle(): boolean {
    return this.#inFlight === null && !this.#holding && this.#jobs.length === 0;
  }

  /** The head that the next record follows. */
  get head(): Head | null {
    return this.#tenure?.head ?? null;
  }

  /** Milliseconds of serving primaries, never going back. */
  get logTimeMs(): number {
    const tenure = this.#tenure;
    if (!tenure) return 0;
    return tenure.logTimeMs + Math.floor(this.#options.clock.monotonicMs() - tenure.beganMs);
  }

  /** Journals a record of its own, with `operations` or a `format`; resolves when it is committed and `after` has ended. */
  run(
    operations: readonly Operation[],
    { commits, format = null, after = nothing }: Pick<Job, "commits"> & Partial<Pick<Job, "format" | "after">>,
  ): Promise<Head> {
    return new Promise((resolve, reject) => {
      if (!this.#tenure) return reject(new HotspareError("HS_NOT_PRIMARY", { pool: this.#options.pool }));
      this.#jobs.push({ operations, format, commits, after, resolve, reject });
      this.pump();
    });
  }

  /** Begins the next batch if there is something to do and nothing in flight. */
  pump(): void {
    const tenure = this.#tenure;
    if (!tenure || this.#inFlight || this.#holding || this.#isOver) return;
    const job = this.#jobs.shift();
    if (job) return this.#runJob(tenure, job);
    if (this.#open && this.#options.queue.length > 0 && this.#gathering.enough()) this.#runGroup(tenure);
  }

  /** The record in flight is published. */
  commit(head: Head): void {
    const inFlight = this.#take();
    this.#commitLocally(inFlight, head);
    this.#gathering.published(this.#options.clock.monotonicMs() - inFlight.startedMs);
    this.#options.shell.committed(inFlight.sealed);
    if (inFlight.work.type === "job") return void this.#finishJob(inFlight.work, head);
    settleGroup(inFlight.work.group, inFlight.work.outcomes);
    this.#tenure?.store.trimWal();
    this.pump();
  }

  /** The record in flight is void, or nobody knows. */
  discard(outcome: Discarded): void {
    if (!this.#inFlight) return;
    if (outcome.type !== "refused") return forget(this.#take(), discardedError(outcome));
    this.#refuse(this.#take(), discardedError(outcome));
    this.pump();
  }

  // --- Executing ----------------------------------------------------------------------------------------------------

  #runJob(tenure: Tenure, job: Job): void {
    let batch: Pick<Batch, "commit" | "rollback">;
    try {
      batch = tenure.store.beginOperations(job.operations);
    } catch (error) {
      job.reject(error);
      return this.pump();
    }
    this.#publish(tenure, batch, job.operations, job.commits, { type: "job", ...job });
  }

  #runGroup(tenure: Tenure): void {
    const executed = this.#execute(tenure);
    if (!executed) return;
    const { batch, group, operations, outcomes } = executed;
    this.#gathering.began(group.length);
    if (batch.commits > 0)
      return this.#publish(tenure, batch, operations, batch.commits, { type: "group", group, outcomes });
    batch.rollback();
    this.#settleUnpublished(group, outcomes);
    this.pump();
  }

  /** `null` if the local store failed: nobody is answered. */
  #execute({ store, head }: Tenure): ({ readonly batch: Batch; readonly group: Group } & SealedBatch) | null {
    const { queue, clock, shell } = this.#options;
    try {
      const batch = store.begin(lsn(head.lsn + 1), this.logTimeMs);
      const group = fillGroup(batch, queue, GROUP_BOUNDS, clock);
      return { batch, group, ...batch.seal() };
    } catch (error) {
      shell.die(error);
      return null;
    }
  }

  /** An answer that rests on no published record, such as a refusal, needs the same proof as a read. */
  #settleUnpublished(group: Group, outcomes: readonly WriteOutcome[]): void {
    this.#options.shell.prove().then(
      () => settleGroup(group, outcomes),
      (error: unknown) => rejectUnproven(group, outcomes, error),
    );
  }

  #publish(
    tenure: Tenure,
    batch: InFlight["batch"],
    operations: readonly Operation[],
    commits: number,
    work: Work,
  ): void {
    const id = randomId<RecordId>(this.#options.random);
    const header = headerAfter(tenure.head, id, commits, this.logTimeMs);
    const format = work.type === "job" ? work.format : null;
    const sealed = encodeRecord(format ? { kind: "format", header, format } : { kind: "batch", header, operations });
    this.#inFlight = { batch, sealed, startedMs: this.#options.clock.monotonicMs(), work };
    this.#options.shell.publish(sealed);
  }

  // --- Afterwards ---------------------------------------------------------------------------------------------------

  #take(): InFlight {
    const inFlight = this.#inFlight;
    assert(inFlight !== null, "an outcome without a batch in flight");
    this.#inFlight = null;
    return inFlight;
  }

  /** Nothing was written; but what was settled before has its answer all the same, and whether it was has to be proven. */
  #refuse(inFlight: InFlight, error: HotspareError): void {
    const { work, sealed } = inFlight;
    if (work.type === "job") return forget(inFlight, error);
    const { firstLsn } = sealed.record.header;
    inFlight.batch.rollback();
    const { doubtful, outcomes } = refuseGroup(work.group, work.outcomes, { firstLsn, error });
    if (doubtful.length > 0) this.#settleUnpublished(doubtful, outcomes);
  }

  #commitLocally({ batch }: InFlight, head: Head): void {
    try {
      batch.commit(head);
    } catch (error) {
      this.#options.shell.die(error);
      throw error;
    }
    if (this.#tenure) this.#tenure.head = head;
  }

  async #finishJob(job: Job, head: Head): Promise<void> {
    this.#holding = true;
    try {
      await job.after();
      job.resolve(head);
    } catch (error) {
      job.reject(error);
    } finally {
      this.#holding = false;
      this.pump();
    }
  }
}

function forget({ batch, work }: InFlight, error: HotspareError): void {
  batch.rollback();
  if (work.type === "job") work.reject(error);
  else rejectGroup(work.group, error);
}
