/**
 * One pool on one host: the shell around `core/pool-core.ts`. Events go in one at a time, what comes out is performed
 * here; the results of everything that takes time come back as events.
 *
 * What it shares with other pools is the vault; with the application, this object; with proxies, its report.
 */
import { sleep, type Cancel, type Clock } from "../shared/clock.ts";
import { HotspareError } from "../shared/errors.ts";
import { randomId, type NodeId, type OriginId, type PoolId, type RecordId } from "../shared/ids.ts";
import type { Head } from "../shared/journal/head.ts";
import type { FenceRef, Operation, SealedRecord } from "../shared/journal/record.ts";
import type { Log } from "../shared/log.ts";
import { lsn, type Lsn, type Slot } from "../shared/position.ts";
import type { Random } from "../shared/random.ts";
import type { Vault } from "../shared/vault/vault.ts";
import type { Answer, Request } from "../shared/wire/messages.ts";
import type { PoolReport } from "../shared/wire/reports.ts";
import { Committer } from "./committer.ts";
import type { PoolEvent, PoolState, Seed, Settings, Tuning } from "./core/pool-state.ts";
import { initialPool, isServing, isSick, roleOf, stepPool } from "./core/pool-core.ts";
import { releaseRecord } from "./core/primary.ts";
import { NO_NOTES, noteStep, type ReceiptNotes } from "./core/receipt-notes.ts";
import { checkJournalFormat } from "./journal-format.ts";
import { JournalReader } from "./journal-reader.ts";
import { JournalWatch } from "./journal-watch.ts";
import { lastTenure } from "./last-tenure.ts";
import type { LocalCopy } from "./local-copy.ts";
import { keepOwnRelease } from "./own-release.ts";
import { PoolEffects } from "./pool-effects.ts";
import type { PoolHooks } from "./pool-hooks.ts";
import { PoolListeners, type PoolEvent as ListenedEvent } from "./pool-listeners.ts";
import { PoolLog } from "./pool-log.ts";
import { orderOf, PoolOrders } from "./pool-orders.ts";
import { reportOf } from "./pool-report.ts";
import type { Consistency, PoolAccess, Written } from "./pool-access.ts";
import { ReadProof } from "./read-proof.ts";
import type { Db, SchemaEntry, Write } from "./store/store.ts";
import { mayBeSettled, QUEUE_BOUNDS, WriteQueue } from "./write-queue.ts";

export interface PoolOptions {
  readonly id: PoolId;
  readonly settings: Settings;
  readonly vault: Vault;
  readonly copy: LocalCopy;
  /** What the application's state needs; in order. */
  readonly schema: readonly SchemaEntry[];
  readonly reads: "check" | "barrier";
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Ends the process at once, without answering anybody. */
  readonly die: (error: unknown) => void;
  /** Whether this host has written to the vault after that moment of the monotonic clock: it works again. */
  readonly wroteSince: (sinceMs: number) => boolean;
  readonly hooks: PoolHooks;
  /** A record of this host is durable; how long that took. */
  readonly onPublished?: (durationMs: number) => void;
}

const TICK_MS = 20;
const SESSION_WAIT_MS = 10_000;
/** How long the last batch may take before a release. */
const DRAIN_MS = 5000;
const STOPS = "the host stops";
const PURGE_INTERVAL_MS = 60_000;

function sicknessOf({ phase }: PoolState): HotspareError {
  const reason = phase.type === "fenced" ? phase.reason : "";
  return new HotspareError("HS_VAULT_UNDURABLE", { name: "its journal", reason });
}

export class HostedPool implements PoolAccess {
  readonly id: PoolId;
  readonly #options: PoolOptions;
  readonly #reader: JournalReader;
  readonly #watch: JournalWatch;
  readonly #queue: WriteQueue;
  readonly #committer: Committer;
  readonly #proof: ReadProof;
  readonly #poolLog: PoolLog;
  readonly #effects: PoolEffects;
  readonly #listeners: PoolListeners;
  readonly #orders = new PoolOrders();
  readonly #abort = new AbortController();
  #state: PoolState;
  #notes = NO_NOTES;
  #events: PoolEvent[] = [];
  #stepping = false;
  /** Steps back, and takes no order any more. */
  #stopping = false;
  #stopped = false;
  #tick: Cancel | null = null;
  #purgeAtMs = 0;
  #refusesWrites: HotspareError | null = null;
  /** The release of the last tenure that this host gave up. */
  #released: SealedRecord | null = null;
  #distrusted: { readonly error: unknown; readonly sinceMs: number } | null = null;

  constructor(options: PoolOptions) {
    this.id = options.id;
    this.#options = options;
    this.#state = initialPool(options.settings);
    this.#listeners = new PoolListeners(options.clock);
    this.#reader = new JournalReader(options.vault, options.id);
    this.#watch = new JournalWatch(options.vault, this.#reader, () => this.hint());
    this.#queue = new WriteQueue(QUEUE_BOUNDS, () => this.#committer.pump());
    this.#proof = new ReadProof(options.id, options.reads, {
      standing: () => this.#standing(),
      find: (at) => this.#reader.find(at),
      barrier: async () => void (await this.#committer.run([], { commits: 0 })),
    });
    this.#committer = new Committer({
      pool: options.id,
      queue: this.#queue,
      clock: options.clock,
      random: options.random,
      shell: {
        publish: (sealed) => this.#dispatch({ type: "publish", sealed }),
        committed: (sealed) => {
          this.#dispatch({ type: "committed" });
          if (sealed.record.header.commits > 0) options.hooks.committed(sealed.bytes.byteLength);
          this.#listeners.emit("change");
        },
        prove: () => this.#proof.prove(),
        die: options.die,
      },
    });
    this.#poolLog = new PoolLog(options.log);
    this.#effects = new PoolEffects({
      ...options,
      reader: this.#reader,
      committer: this.#committer,
      signal: this.#abort.signal,
      state: () => this.#state,
      dispatch: (event) => this.#dispatch(event),
      answer: (ticket, answer) => this.#orders.answer(ticket, answer),
      changed: () => this.#listeners.emit("change"),
      seed: () => this.#seed(),
      distrust: (error) => this.distrust(error),
    });
  }

  /** @throws {HotspareError} HS_VAULT_FORMAT if the pool is written in a version that this program does not read. */
  async checkFormat(): Promise<void> {
    await checkJournalFormat(this.id, this.#reader, this.#options.copy.store.head);
  }

  /** Begins to follow; the host then takes over by itself if it should. */
  async start(): Promise<void> {
    const { copy, settings } = this.#options;
    const tenure = await lastTenure(copy.store, this.#reader, settings.self);
    this.#dispatch({ type: "fitness", unfit: this.#effects.judgeFitness() });
    const { head: applied, heir } = copy.store;
    this.#dispatch({ type: "started", applied, heir, lastTenure: tenure, seed: this.#seed() });
    this.#scheduleTick();
  }

  /** Takes no order any more: it is about to stop. With the newest state, it would be the first to get its own pool back. */
  retire(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#orders.end(this.fence);
  }

  /** Steps back by a `release` if it serves, so that another follows at once; then stops. */
  async stop(): Promise<void> {
    this.retire();
    await this.#resign(STOPS, null);
    this.#stopped = true;
    this.#tick?.();
    this.#tick = null;
    this.#watch.stop();
    this.#abort.abort(new HotspareError("HS_NOT_PRIMARY", { pool: this.id }));
    this.#committer.end(new HotspareError("HS_NOT_PRIMARY", { pool: this.id }));
    await this.#keepRelease();
    await this.#options.copy.close();
  }

  async #keepRelease(): Promise<void> {
    const { copy, clock } = this.#options;
    if (this.#released === null || this.#state.phase.type === "primary") return;
    copy.store.closeForWriting();
    await keepOwnRelease(this.#released, { copy, reader: this.#reader, clock });
  }

  // --- What the application asks ------------------------------------------------------------------------------------

  get fence(): FenceRef | null {
    return this.#state.newestFence;
  }

  get lsn(): Lsn {
    return this.#options.copy.store.head?.lsn ?? lsn(0);
  }

  get serving(): boolean {
    return !this.#stopped && isServing(this.#state);
  }

  async write(write: Write): Promise<Written> {
    if (!this.serving) throw this.#notPrimary();
    if (this.#refusesWrites) return this.#refuse(write, this.#refusesWrites);
    return this.#queue.add(write);
  }

  /** What may have been sent before may have happened: then the answer is the one that its key has, and no refusal. */
  #refuse(write: Write, error: HotspareError): Promise<Written> {
    if (!mayBeSettled(write)) throw error;
    const run = (): never => {
      throw error;
    };
    return this.#queue.add({ ...write, run });
  }

  async read<T>(consistency: Consistency, run: (db: Db) => T): Promise<T> {
    if (consistency.type === "linearizable") await this.#proof.prove();
    if (consistency.type === "session") await this.#reached(consistency.lsn);
    // Its requests are still being answered when the pool has stopped already.
    if (this.#stopped) throw this.#notPrimary();
    return this.#options.copy.store.read(run);
  }

  checkpoint(reason: string): void {
    this.#options.hooks.request(reason);
  }

  on(event: ListenedEvent, listener: () => void): () => void {
    return this.#listeners.on(event, listener);
  }

  // --- What the host asks -------------------------------------------------------------------------------------------

  report(now: number): PoolReport {
    const report = reportOf(this.#state, this.#committer.logTimeMs, now);
    if (!this.#stopping) return report;
    return { ...report, unfit: STOPS, serving: report.serving && !this.#stopped };
  }

  /** Where the tenure stands, if this host serves; `null` if it does not. */
  get servedHead(): Head | null {
    const { phase } = this.#state;
    return this.serving && phase.type === "primary" ? phase.primary.head : null;
  }

  get state(): PoolState {
    return this.#state;
  }

  /** For the receipt of the tenure that began last. */
  get receiptNotes(): ReceiptNotes {
    return this.#notes;
  }

  /** Goes by this from now on; a takeover that is under way goes on. */
  configure(tuning: Tuning): void {
    this.#dispatch({ type: "configured", tuning });
  }

  /** There may be something new in the journal. */
  hint(): void {
    this.#dispatch({ type: "hint" });
  }

  /** The primary says so; the answer is where this host stands. */
  hinted(): Answer<"appended"> {
    this.hint();
    return { slot: this.#state.applied?.slot ?? 0 };
  }

  /** Steps back by a release that names the successor. `false`: it still serves, since the vault does not take the release. */
  async handOver(successor: NodeId | null, cause: string): Promise<boolean> {
    await this.#resign(cause, successor);
    return !this.serving;
  }

  /** What an operator decided: why this host is out, or `null`. It then leaves as soon as it does not serve. */
  decided(offline: string | null): void {
    if (this.#state.offline !== offline) this.#dispatch({ type: "decided", offline });
  }

  /** A host that was deposed, and waits for that, becomes a standby again. */
  enrol(): void {
    this.#dispatch({ type: "enrol" });
  }

  /** The own state was found wrong at that slot: hands over if it serves, and restores. */
  async diverged(at: Slot, reason: string): Promise<void> {
    await this.#resign(reason, null);
    this.#dispatch({ type: "diverged", slot: at, reason });
  }

  /** Writes are refused with `error` until it is `null` again: the vault is nearly full. */
  refuseWrites(error: HotspareError | null): void {
    this.#refusesWrites = error;
  }

  /**
   * A folder of the vault could not be synced, so this process concludes nothing from it any more: it ends as soon as a
   * fresh one could do better, and stays for local reads while the vault is away for everybody.
   */
  distrust(error: unknown): void {
    this.#distrusted ??= { error, sinceMs: this.#options.clock.monotonicMs() };
  }

  /** Journals a record that ends with a mark; `hooks.marked` runs before the next batch. */
  async mark(): Promise<void> {
    await this.#committer.run([{ type: "mark" }], { commits: 0, after: () => this.#effects.marked() });
  }

  /** Journals that from here on records are written in that version, which every host must read. */
  async raiseFormat(version: number): Promise<Head> {
    return await this.#committer.run([], { commits: 0, format: { writeVersion: version } });
  }

  /** Journals what no request asked for, as so many commits; resolves when it is in the store. For an import. */
  async journal(operations: readonly Operation[], commits = 1): Promise<void> {
    await this.#committer.run(operations, { commits });
  }

  /** The order to take over; resolves when it is decided. */
  promote(request: Request<"promote">, orderedBy: NodeId): Promise<Answer<"promote">> {
    const { ticket, answered } = this.#orders.take();
    if (!this.#stopping) this.#dispatch({ type: "ordered", ticket, order: orderOf(request, orderedBy, this.#seed()) });
    return answered;
  }

  // --- Events -------------------------------------------------------------------------------------------------------

  /** What still comes after the stop, of calls that hung in the share, comes to nobody. */
  #dispatch(event: PoolEvent): void {
    if (this.#stopped) return;
    this.#events.push(event);
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      for (let next = this.#events.shift(); next; next = this.#events.shift()) this.#step(next);
    } catch (error) {
      this.#options.die(error);
      throw error;
    } finally {
      this.#stepping = false;
    }
  }

  #step(event: PoolEvent): void {
    const before = this.#state;
    const step = stepPool(before, event, this.#options.clock.monotonicMs());
    const { state, effects } = step;
    this.#state = state;
    this.#notes = noteStep(this.#notes, before, step);
    this.#poolLog.note(before, state);
    this.#onTransition(before, state);
    for (const effect of effects) this.#effects.perform(effect);
    if (isSick(state) && !isSick(before)) this.distrust(sicknessOf(state));
  }

  #onTransition(before: PoolState, after: PoolState): void {
    if (after.lastTenure?.stable && !before.lastTenure?.stable)
      this.#options.copy.store.markStable(after.lastTenure.fence);
    // Whoever waits for the end of a tenure: it stopped serving earlier, when its release was put.
    if (before.phase.type === "primary" && after.phase.type !== "primary") this.#listeners.emit("change");
    if (roleOf(before) !== roleOf(after)) this.#listeners.emit("role");
    const was = isServing(before);
    if (was === isServing(after)) return;
    if (!was) this.#committer.open();
    this.#listeners.emit(was ? "standby" : "primary");
    this.#options.hooks.serving(was ? "ended" : "began");
  }

  #endDistrusted(): void {
    if (!this.#distrusted || !this.#options.wroteSince(this.#distrusted.sinceMs)) return;
    const { error } = this.#distrusted;
    this.#distrusted = null;
    this.#options.die(error);
  }

  #scheduleTick(): void {
    this.#tick = this.#options.clock.after(TICK_MS, () => {
      this.#dispatch({ type: "tick", seed: this.#seed() });
      this.#watch.follow(this.#options.copy.store.head);
      this.#purge();
      this.#effects.leaveTenure();
      this.#endDistrusted();
      this.#scheduleTick();
    });
  }

  // --- Tenure -------------------------------------------------------------------------------------------------------

  /** Does without the release where the share hangs: whoever waits for this host cannot wait for that. */
  async #resign(reason: string, successor: NodeId | null): Promise<void> {
    if (!this.serving) return;
    await this.#drained();
    const { head } = this.#committer;
    if (!this.serving || head === null) return;
    if (!this.#committer.resting) return this.#committer.open();
    const sealed = releaseRecord(head, randomId<RecordId>(this.#options.random), { successor, cause: reason });
    this.#released = sealed;
    this.#dispatch({ type: "resign", sealed, reason });
    await this.#listeners.until(() => this.#state.phase.type !== "primary", this.#state.settings.takeoverTimeoutMs);
  }

  async #drained(): Promise<void> {
    const abort = new AbortController();
    const late = sleep(this.#options.clock, DRAIN_MS, abort.signal).catch(() => undefined);
    await Promise.race([this.#committer.drain(), late]);
    abort.abort();
  }

  #purge(): void {
    const now = this.#options.clock.monotonicMs();
    if (!this.serving || !this.#committer.idle || now < this.#purgeAtMs) return;
    this.#purgeAtMs = now + PURGE_INTERVAL_MS;
    const operations = this.#options.copy.store.pendingPurge(this.#committer.logTimeMs);
    if (operations.length > 0) this.#committer.run(operations, { commits: 0 }).catch(() => undefined);
  }

  #standing(): ReturnType<ConstructorParameters<typeof ReadProof>[2]["standing"]> {
    const { phase } = this.#state;
    if (!this.serving || phase.type !== "primary") return null;
    const { fence, head, publication } = phase.primary;
    return { fence, head: head.slot, inFlight: publication?.sealed ?? null };
  }

  // --- Small things -------------------------------------------------------------------------------------------------

  async #reached(wanted: Lsn): Promise<void> {
    if (this.lsn >= wanted) return;
    const there = await this.#listeners.until(() => this.lsn >= wanted, SESSION_WAIT_MS);
    if (!there) throw this.#notPrimary();
  }

  #notPrimary(): HotspareError {
    return new HotspareError("HS_NOT_PRIMARY", { pool: this.id });
  }

  #seed(): Seed {
    const { random, clock } = this.#options;
    return { id: randomId<RecordId>(random), origin: randomId<OriginId>(random), wallMs: clock.wallMs() };
  }
}
