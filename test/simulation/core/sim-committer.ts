/**
 * A simulated primary's writes, in the order that the production committer keeps: execute, publish, commit, answer; one
 * batch in flight. What rests on no published record is answered after a proof.
 */
import type { RecordId } from "../../../shared/ids.ts";
import type { Head } from "../../../shared/journal/head.ts";
import { encodeRecord } from "../../../shared/journal/record-codec.ts";
import type { Operation, SealedRecord } from "../../../shared/journal/record.ts";
import type { Discarded } from "../../../host/core/pool-state.ts";
import { headerAfter } from "../../../host/core/primary.ts";
import type { Operation as Asked } from "../ledger.ts";
import { operationsOf, type ModelStore } from "./model-store.ts";
import type { World } from "./world.ts";

/** What a host answers; `cut`: the connection breaks without an answer. */
export type HostAnswer =
  | {
      readonly type: "done";
      readonly lsn: number;
      readonly value: number | null;
      readonly epoch: number;
      readonly replayed: boolean;
    }
  | { readonly type: "not-primary" | "not-applied" | "refused" | "cut" };

export interface Waiting {
  readonly asked: Asked;
  readonly sentMs: number;
  readonly answer: (answer: HostAnswer) => void;
}

export interface CommitterShell {
  readonly publish: (sealed: SealedRecord) => void;
  readonly committed: () => void;
  readonly prove: () => Promise<void>;
  readonly store: () => ModelStore;
  readonly moved: () => void;
}

interface Job {
  readonly operations: readonly Operation[];
  readonly commits: number;
  readonly done: (head: Head | null) => void;
}

interface InFlight {
  readonly sealed: SealedRecord;
  readonly group: readonly Waiting[];
  readonly job: Job | null;
}

const GROUP = 8;

export class SimCommitter {
  readonly #world: World;
  readonly #shell: CommitterShell;
  #head: Head | null = null;
  #queue: Waiting[] = [];
  #jobs: Job[] = [];
  #inFlight: InFlight | null = null;
  #open = false;

  constructor(world: World, shell: CommitterShell) {
    this.#world = world;
    this.#shell = shell;
  }

  get head(): Head | null {
    return this.#head;
  }

  get idle(): boolean {
    return this.#inFlight === null && this.#jobs.length === 0;
  }

  begin(head: Head): void {
    this.#head = head;
  }

  open(): void {
    this.#open = true;
    this.pump();
  }

  close(): void {
    this.#open = false;
  }

  end(): void {
    this.#open = false;
    this.#head = null;
    for (const { done } of this.#jobs.splice(0)) done(null);
    for (const { answer } of this.#queue.splice(0)) answer({ type: "not-primary" });
  }

  write(waiting: Waiting): void {
    this.#queue.push(waiting);
    this.pump();
  }

  run(operations: readonly Operation[], commits: number, done: (head: Head | null) => void): void {
    if (!this.#head) return done(null);
    this.#jobs.push({ operations, commits, done });
    this.pump();
  }

  pump(): void {
    const head = this.#head;
    if (!head || this.#inFlight) return;
    const job = this.#jobs.shift();
    if (job) return this.#publish(head, job.operations, job.commits, { group: [], job });
    if (!this.#open || this.#queue.length === 0) return;
    const group = this.#queue.splice(0, GROUP);
    const settled = this.#shell.store().execute(
      group.map(({ asked }) => asked),
      head.lsn + 1,
    );
    if (settled.length === 0) return this.#settleUnpublished(head, group);
    this.#publish(head, operationsOf(settled), settled.length, { group, job: null });
  }

  commit(head: Head): void {
    const { sealed, group, job } = this.#take();
    this.#shell.store().apply(sealed, head);
    this.#shell.moved();
    if (this.#head) this.#head = head;
    this.#shell.committed();
    job?.done(head);
    for (const waiting of group) this.#settle(waiting, head, sealed.record.header.firstLsn);
    this.pump();
  }

  discard(outcome: Discarded): void {
    if (!this.#inFlight) return;
    const { sealed, group, job } = this.#take();
    if (outcome.type !== "unknown") this.#world.history.deny(sealed);
    job?.done(null);
    const types = { deposed: "not-applied", refused: "refused", unknown: "cut" } as const;
    for (const { answer } of group) answer({ type: types[outcome.type] });
    if (outcome.type === "refused") this.pump();
  }

  #publish(head: Head, operations: readonly Operation[], commits: number, work: Omit<InFlight, "sealed">): void {
    const header = headerAfter(head, this.#world.newId<RecordId>(), commits, head.logTimeMs + 1);
    const sealed = encodeRecord({ kind: "batch", header, operations });
    this.#inFlight = { sealed, ...work };
    this.#shell.publish(sealed);
  }

  /** All were settled before: their stored answers need a proof, as a read does. */
  #settleUnpublished(head: Head, group: readonly Waiting[]): void {
    this.#shell
      .prove()
      .then(
        () => group.forEach((waiting) => this.#settle(waiting, head, head.lsn + 1)),
        () => group.forEach(({ answer }) => answer({ type: "not-primary" })),
      )
      .catch(this.#world.failed);
    this.pump();
  }

  /** What was settled below `firstNewLsn` is an answer given before. */
  #settle({ asked, answer }: Waiting, { fence }: Head, firstNewLsn: number): void {
    const settled = this.#shell.store().settled(asked.key);
    if (!settled) return answer({ type: "cut" });
    const { lsn, replaced: value } = settled;
    answer({ type: "done", lsn, value, epoch: fence.epoch, replayed: lsn < firstNewLsn });
  }

  #take(): InFlight {
    const inFlight = this.#inFlight;
    if (!inFlight) throw new Error("an outcome without a batch in flight");
    this.#inFlight = null;
    return inFlight;
  }
}
