/**
 * Brings a local copy to a place in a pool's history. What is history is decided by the very core that decides it for a
 * standby (`host/core/`); this shell performs only what reads the vault, so that nothing here can ever take over.
 */
import type { CheckpointId } from "../../../shared/checkpoint/manifest-codec.ts";
import { sleep, type Clock } from "../../../shared/clock.ts";
import { assert, HotspareError } from "../../../shared/errors.ts";
import type { BootId, NodeId, OriginId, PoolId, RecordId } from "../../../shared/ids.ts";
import type { Head } from "../../../shared/journal/head.ts";
import { slot, type Lsn, type Slot } from "../../../shared/position.ts";
import type { Vault } from "../../../shared/vault/vault.ts";
import type { Skipped } from "../../../host/checkpoint/restore-checkpoint.ts";
import { initialPool, stepPool } from "../../../host/core/pool-core.ts";
import type { Alarm, Effect, PoolEvent, PoolState, Seed, Settings } from "../../../host/core/pool-state.ts";
import type { Step, Survey } from "../../../host/core/survey.ts";
import { JournalReader } from "../../../host/journal-reader.ts";
import { openStore } from "../../../host/store/sqlite-store.ts";
import type { Store } from "../../../host/store/store.ts";
import { fetchCheckpoint } from "./fetch-checkpoint.ts";

export interface FollowOptions {
  readonly vault: Vault;
  readonly pool: PoolId;
  /** An empty local folder, of this call alone. */
  readonly folder: string;
  /** Exactly this commit; `null`: the head as it is when the call begins, or later. */
  readonly goal: Lsn | null;
  readonly clock: Clock;
  readonly progress: (text: string, done: number, total: number) => void;
}

export interface Followed {
  /** The store's database, closed. */
  readonly file: string;
  readonly head: Head;
  /** The checkpoint that it began with; `null`: the journal was there from its beginning. */
  readonly checkpoint: CheckpointId | null;
  /** Records that were applied after that. */
  readonly records: number;
  /** Checkpoints that were damaged, newest first. */
  readonly skipped: readonly Skipped[];
}

const TICK_MS = 20;
const NOBODY = "0".repeat(32);
/** What begins a takeover; nothing is ever begun here. */
const SEED: Seed = { id: NOBODY as RecordId, origin: NOBODY as OriginId, wallMs: 0 };

/** @throws {HotspareError} HS_RESTORE_FAILED, HS_USAGE (the LSN cannot be had), HS_VAULT_IO, HS_CHECKPOINT_INVALID, what a pool is stuck with. */
export function followHistory(options: FollowOptions): Promise<Followed> {
  return new Following(options).run();
}

class Following {
  readonly #options: FollowOptions;
  readonly #reader: JournalReader;
  #state: PoolState;
  #store: Store;
  /** Where the head was at the beginning. */
  #target: Slot | null = null;
  #files = 0;
  #began: CheckpointId | null = null;
  #records = 0;
  #skipped: readonly Skipped[] = [];

  constructor(options: FollowOptions) {
    this.#options = options;
    this.#reader = new JournalReader(options.vault, options.pool);
    this.#state = initialPool(readerSettings(options.pool));
    this.#store = this.#open(this.#nextFile());
  }

  async run(): Promise<Followed> {
    try {
      const events: PoolEvent[] = [{ type: "started", applied: null, lastTenure: null, heir: null, seed: SEED }];
      while (!this.#arrived()) await this.#step(events, events.shift() ?? (await this.#tick()));
      return this.#result();
    } finally {
      this.#store.close();
    }
  }

  async #step(events: PoolEvent[], event: PoolEvent): Promise<void> {
    const { state, effects } = stepPool(this.#state, event, this.#options.clock.monotonicMs());
    this.#state = state;
    for (const effect of effects) events.push(await this.#perform(effect));
    if (state.alarm !== null) throw alarmError(this.#options.pool, state.alarm);
  }

  #arrived(): boolean {
    const { goal } = this.#options;
    const head = this.#state.applied;
    if (goal !== null && head?.lsn === goal) return true;
    return this.#state.atHeadMs !== null || (this.#target !== null && (head?.slot ?? 0) >= this.#target);
  }

  #result(): Followed {
    const { pool, goal } = this.#options;
    const { head, file } = this.#store;
    if (head === null) throw failed(pool, "the vault has no checkpoint and no journal of it");
    if (goal !== null && head.lsn < goal) throw unreachableLsn(goal, `the newest is ${head.lsn}`);
    return { file, head, checkpoint: this.#began, records: this.#records, skipped: this.#skipped };
  }

  async #tick(): Promise<PoolEvent> {
    await sleep(this.#options.clock, TICK_MS);
    return { type: "tick", seed: SEED };
  }

  // --- What reads the vault -----------------------------------------------------------------------------------------

  async #perform(effect: Effect): Promise<PoolEvent> {
    switch (effect.type) {
      case "survey": {
        const survey = await this.#reader.survey(effect.from);
        this.#target ??= endOf(survey);
        return { type: "surveyed", call: effect.call, survey, reason: "" };
      }
      case "read":
        return { type: "read", call: effect.call, run: await this.#reader.read(effect.from, effect.to) };
      case "apply":
        return this.#apply(effect.call, effect.steps);
      case "restore":
        return this.#restore(effect);
      case "put":
      case "sync":
      case "open":
      case "commit":
      case "discard":
      case "answer-order":
        return assertNever(effect.type);
    }
  }

  #apply(call: number, steps: readonly Step[]): PoolEvent {
    let failure: string | null = null;
    for (const { sealed, head } of steps) {
      if (this.#isBeyondGoal(head)) break;
      try {
        this.#store.apply(sealed, head);
      } catch (error) {
        if (!(error instanceof HotspareError) || error.code !== "HS_STORE_DIVERGED") throw error;
        failure = error.message;
        break;
      }
      this.#records += 1;
      this.#options.progress("applying records", head.slot, this.#target ?? head.slot);
    }
    this.#store.trimWal();
    return { type: "applied", call, head: this.#store.head, failure };
  }

  /** @throws {HotspareError} HS_USAGE if the goal lies within the record that leads to `head`: its commits are one. */
  #isBeyondGoal({ lsn }: Head): boolean {
    const { goal } = this.#options;
    const before = this.#store.head?.lsn ?? 0;
    if (goal === null || lsn <= goal) return false;
    if (before < goal)
      throw unreachableLsn(goal, `it is in the middle of one record; the nearest are ${before} and ${lsn}`);
    return true;
  }

  async #restore({ call, atLeast }: Effect & { type: "restore" }): Promise<PoolEvent> {
    const { vault, pool, goal, progress } = this.#options;
    this.#store.close();
    const file = this.#nextFile();
    const fetched = await fetchCheckpoint({ vault, pool, file, atLeast, atMostLsn: goal, progress });
    this.#store = this.#open(file);
    this.#skipped = [...this.#skipped, ...fetched.skipped];
    this.#records = 0;
    if (fetched.type === "none") {
      return { type: "restored", call, result: { type: "none", head: null, reason: "there is no checkpoint" } };
    }
    this.#began = fetched.id;
    return { type: "restored", call, result: { type: "restored", head: fetched.head } };
  }

  #nextFile(): string {
    this.#files += 1;
    return `${this.#options.folder}/${this.#files}.db`;
  }

  #open(file: string): Store {
    return openStore({ file, pool: this.#options.pool });
  }
}

/** Somebody who is no host, so that no fence is ever its own. */
const readerSettings = (pool: PoolId): Settings => ({
  pool,
  self: "(reader)" as NodeId,
  bootId: NOBODY as BootId,
  firstPreferred: false,
  orderable: false,
  takeoverTimeoutMs: 0,
  surveyIntervalMs: 0,
  rejoin: "manual",
  schema: [],
});

const endOf = ({ slots, checkpoints }: Survey): Slot => slot(Math.max(0, ...slots.slice(-1), ...checkpoints.slice(-1)));

function assertNever(type: string): never {
  assert(false, `who only follows was asked to ${type}`);
}

function alarmError(pool: PoolId, { code, slot: at, reason }: Alarm): HotspareError {
  return code === "HS_RECORD_MISSING" || code === "HS_POOL_STUCK"
    ? new HotspareError(code, { pool, slot: at, reason })
    : failed(pool, reason);
}

const failed = (pool: PoolId, reason: string): HotspareError =>
  new HotspareError("HS_RESTORE_FAILED", { pool, reason });

const unreachableLsn = (goal: Lsn, why: string): HotspareError =>
  new HotspareError("HS_USAGE", { reason: `LSN ${goal} cannot be restored: ${why}` });
