/**
 * One host's calls to the share. A call leaves the process, is performed by the share, and its reply comes back; each part
 * takes its time, and each may fail by itself. A process may be killed or paused anywhere between.
 */
import { HotspareError } from "../../../shared/errors.ts";
import type { SealedRecord } from "../../../shared/journal/record.ts";
import { slot, type Slot } from "../../../shared/position.ts";
import type { PutResult } from "../../../shared/vault/vault.ts";
import type { Found } from "../../../host/core/publication.ts";
import type { Run, Survey } from "../../../host/core/survey.ts";
import type { Snapshot } from "./model-store.ts";
import type { SimProcess } from "../sim-process.ts";
import type { World } from "./world.ts";

type Reply<T> = { readonly ok: true; readonly value: T } | { readonly ok: false };

const READS_AT_ONCE = 8;
const TIMEOUT_MS = 1_000;
const failure = (action: string): HotspareError =>
  new HotspareError("HS_VAULT_IO", { action, name: "a record", reason: "simulated" });

export class VaultCalls {
  readonly #world: World;
  readonly #process: SimProcess;
  /** Up to which moment this machine's caches have seen the share. */
  #seenMs = 0;
  /** A sync of the folder failed in this life. */
  #undurable = false;
  /** The share cannot be reached before. */
  cutUntilMs = 0;

  constructor(world: World, process: SimProcess) {
    this.#world = world;
    this.#process = process;
  }

  begin(): void {
    this.#undurable = false;
  }

  put(sealed: SealedRecord, done: (result: PutResult) => void): void {
    if (this.#undurable) {
      return this.#process.later(0, () => done({ type: "undurable", error: failure("sync") }));
    }
    if (sealed.record.kind === "fence" && this.#fails("pauseAtFence")) {
      this.#sleep();
      return this.#process.later(0, () => this.#putAwake(sealed, done));
    }
    this.#putAwake(sealed, done);
  }

  #putAwake(sealed: SealedRecord, done: (result: PutResult) => void): void {
    const { vault } = this.#world;
    if (vault.full) return this.#refuse(done);
    if (this.#fails("lostPut")) return this.#losePut(sealed, done);
    this.#call(
      () => ({ created: vault.link(sealed), powerCuts: vault.powerCuts }),
      (reply) => {
        if (!reply.ok) return done({ type: "unknown", error: failure("put") });
        if (!reply.value.created || this.#fails("repeatedPut")) return done({ type: "exists" });
        this.#syncPut(reply.value.powerCuts, done);
      },
    );
  }

  putCheckpoint(at: number, snapshot: Snapshot, done: (created: boolean) => void): void {
    const { vault } = this.#world;
    this.#call(
      () => vault.linkCheckpoint(at, snapshot),
      (created) =>
        this.#call(
          () => vault.checkpoints.sync(),
          (synced) => done(created.ok && created.value && synced.ok),
        ),
    );
  }

  sync(done: (error: HotspareError | null) => void): void {
    this.#call(
      () => this.#world.vault.sync(),
      (reply) => done(reply.ok ? null : failure("sync")),
    );
  }

  syncCheckpoints(done: (synced: boolean) => void): void {
    this.#call(
      () => this.#world.vault.checkpoints.sync(),
      ({ ok }) => done(ok),
    );
  }

  find(at: Slot, done: (found: Found) => void): void {
    this.#call(
      () => this.#look(at),
      (reply) => done(reply.ok ? reply.value : { type: "unreadable", reason: "simulated" }),
    );
  }

  read(from: Slot, to: Slot, done: (run: Run) => void): void {
    this.#readOn([], from, to, done);
  }

  /** Records, then checkpoints, then the sync, as the production reader does it. */
  survey(from: Slot, done: (survey: Survey | null) => void): void {
    const { vault } = this.#world;
    const wait = (list: () => void): void => {
      if (this.#fails("pauseAtList")) this.#sleep();
      this.#process.later(0, list);
    };
    const listJournal = (): number[] => vault.journal.listAsOf(this.#asOf());
    const listCheckpoints = (): number[] => vault.checkpoints.listAsOf(this.#asOf());
    const end = (journal: Reply<number[]>, checkpoints: Reply<number[]>): void => {
      if (!journal.ok || !checkpoints.ok) return done(null);
      const slots = journal.value.filter((at) => at >= from).map(slot);
      const survey = { slots, checkpoints: checkpoints.value.map(slot) };
      this.sync((error) => done(error ? null : survey));
    };
    this.#call(listJournal, (journal) =>
      wait(() => this.#call(listCheckpoints, (checkpoints) => end(journal, checkpoints))),
    );
  }

  checkpoint(at: number, done: (snapshot: Snapshot | null) => void): void {
    this.#call(
      () => this.#world.vault.checkpoints.getAsOf(at, this.#asOf())?.content ?? null,
      (reply) => done(reply.ok ? reply.value : null),
    );
  }

  remove(at: number): void {
    this.#call(
      () => this.#world.vault.remove(at),
      () => undefined,
    );
  }

  removeCheckpoint(at: number): void {
    this.#call(
      () => this.#world.vault.checkpoints.remove(at),
      () => undefined,
    );
  }

  // --- Putting --------------------------------------------------------------------------------------------------------

  #refuse(done: (result: PutResult) => void): void {
    const error = new HotspareError("HS_VAULT_FULL", { reason: "simulated" });
    this.#process.later(1, () => done({ type: "refused", error }));
  }

  /** The reply does not come; the put is performed now, much later, or never. */
  #losePut(sealed: SealedRecord, done: (result: PutResult) => void): void {
    const { dice, scheduler, vault } = this.#world;
    const delayMs = dice.pick([1, dice.spread(10, 10_000), null]);
    if (delayMs !== null) scheduler.after(delayMs, () => void vault.link(sealed));
    this.#process.later(dice.between(1, TIMEOUT_MS), () => done({ type: "unknown", error: failure("put") }));
  }

  /** A sync that spans a power cut of the share fails: what it should have covered may be gone. */
  #syncPut(powerCuts: number, done: (result: PutResult) => void): void {
    const { vault } = this.#world;
    this.#call(
      () => {
        if (vault.powerCuts !== powerCuts || this.#fails("failedSync")) return false;
        vault.sync();
        return true;
      },
      (reply) => {
        if (!reply.ok) return done({ type: "unknown", error: failure("sync") });
        if (reply.value) {
          // A machine mostly sees what it made itself.
          if (this.#world.dice.chance(0.5)) this.#seenMs = this.#world.scheduler.nowMs;
          return done({ type: "created" });
        }
        this.#undurable = true;
        done({ type: "undurable", error: failure("sync") });
      },
    );
  }

  // --- Looking --------------------------------------------------------------------------------------------------------

  #readOn(records: readonly SealedRecord[], from: Slot, to: Slot, done: (run: Run) => void): void {
    const last = Math.min(to, from + READS_AT_ONCE - 1);
    this.#call(
      () => Array.from({ length: last - from + 1 }, (_, index) => this.#look(slot(from + index))),
      (reply) => {
        if (!reply.ok) return done({ records, stop: { type: "unreadable", reason: "simulated" } });
        const all = [...records];
        for (const found of reply.value) {
          if (found.type !== "record") return done({ records: all, stop: found });
          all.push(found.sealed);
        }
        if (last === to) return done({ records: all, stop: null });
        this.#readOn(all, slot(last + 1), to, done);
      },
    );
  }

  #look(at: Slot): Found {
    const { vault, dice } = this.#world;
    const entry = dice.chance(0.5) ? vault.journal.get(at) : vault.journal.getAsOf(at, this.#asOf());
    if (!entry) return { type: "absent" };
    return entry.corrupt ? { type: "invalid", reason: "damaged" } : { type: "record", sealed: entry.content };
  }

  /** What this machine sees stands still while its cache holds, and never goes back. */
  #asOf(): number {
    const { scheduler, dice, swarm } = this.#world;
    const { nowMs } = scheduler;
    const isCached = nowMs - this.#seenMs < swarm.staleMs && dice.chance(0.8);
    if (!isCached) this.#seenMs = Math.max(this.#seenMs, nowMs - (dice.chance(0.5) ? 0 : dice.next() * swarm.staleMs));
    return this.#seenMs;
  }

  // --- Calls ----------------------------------------------------------------------------------------------------------

  /** Half of the calls have left the process when it is paused or dies: those are performed by the share all the same. */
  #call<T>(perform: () => T, done: (reply: Reply<T>) => void): void {
    const { dice, swarm, scheduler } = this.#world;
    const { later, ended } = this.#process.lifeline();
    const fails = this.#fails("failedCall");
    if (this.#fails("pauseAtCall")) this.#sleep();
    const act = (): void => {
      const cut = scheduler.nowMs < this.cutUntilMs;
      if (fails || cut) return later(cut ? TIMEOUT_MS : dice.between(1, 50), () => done({ ok: false }));
      const value = perform();
      later(this.#delayMs(), () => done({ ok: true, value }));
    };
    if (dice.chance(0.5)) return later(this.#delayMs(), act);
    scheduler.after(this.#delayMs(), () => {
      if (!ended() || dice.chance(swarm.faults.lateAfterDeath)) act();
    });
  }

  #fails(
    fault:
      | "lostPut"
      | "repeatedPut"
      | "failedSync"
      | "failedCall"
      | "slowCall"
      | "pauseAtCall"
      | "pauseAtFence"
      | "pauseAtList",
  ): boolean {
    const { dice, swarm, healed } = this.#world;
    return !healed() && dice.chance(swarm.faults[fault]);
  }

  /** For about as long as cleaning waits. */
  #sleep(): void {
    const { dice, swarm } = this.#world;
    this.#process.pause(dice.between(0.5, 4) * swarm.cleanDelayMs);
  }

  #delayMs(): number {
    const { dice } = this.#world;
    return this.#fails("slowCall") ? dice.spread(5, 3_000) : dice.between(0.1, 2);
  }
}
