/**
 * The simulated share itself: journal and checkpoints, and what befalls them as a whole. Every change is told to the
 * oracle in the moment in which it happens.
 */
import type { SealedRecord } from "../../../shared/journal/record.ts";
import type { Dice } from "../dice.ts";
import type { History } from "../history.ts";
import type { Snapshot } from "./model-store.ts";
import type { Scheduler } from "../scheduler.ts";
import { SimFolder } from "./sim-folder.ts";

export class SimVault {
  readonly journal: SimFolder<SealedRecord>;
  readonly checkpoints: SimFolder<Snapshot>;
  readonly #scheduler: Scheduler;
  readonly #dice: Dice;
  readonly #history: History;
  /** Counts power cuts: a sync that spans one fails. */
  powerCuts = 0;
  full = false;
  /** Something was damaged: only safety is promised. */
  damaged = false;

  constructor(scheduler: Scheduler, dice: Dice, history: History) {
    this.#scheduler = scheduler;
    this.#dice = dice;
    this.#history = history;
    this.journal = new SimFolder(scheduler);
    this.checkpoints = new SimFolder(scheduler);
  }

  link(sealed: SealedRecord): boolean {
    const created = this.journal.create(sealed.record.header.slot, sealed);
    if (!created) return false;
    this.#history.created(sealed);
    this.#writeBack();
    return true;
  }

  linkCheckpoint(slot: number, snapshot: Snapshot): boolean {
    return this.checkpoints.create(slot, snapshot);
  }

  sync(): void {
    for (const { content } of this.journal.sync()) this.#history.synced(content);
  }

  remove(slot: number): void {
    const entry = this.journal.get(slot);
    if (!entry) return;
    this.journal.remove(slot);
    this.#history.removed(slot, this.#newestCheckpoint(), entry.content);
  }

  crash(): void {
    this.powerCuts += 1;
    for (const { content } of this.journal.crash(this.#dice)) this.#history.lost(content);
    for (const { content } of this.journal.entries()) this.#history.synced(content);
    this.checkpoints.crash(this.#dice);
  }

  /** An older copy of the vault is brought back: nothing beyond that slot, and no machine remembers better. */
  rollBack(slot: number): void {
    for (const folder of [this.journal, this.checkpoints]) {
      for (const { number } of folder.entries()) if (number > slot) folder.forget(number);
    }
  }

  /** Damages a record that is not the only copy of something acknowledged: the seed says that only safety is asserted. */
  corrupt(): void {
    const entries = this.journal.entries();
    if (entries.length === 0) return;
    this.#dice.pick(entries).corrupt = true;
    this.damaged = true;
  }

  /** Names become durable by themselves after a while. */
  #writeBack(): void {
    const { powerCuts } = this;
    this.#scheduler.after(this.#dice.between(500, 5_000), () => {
      if (powerCuts === this.powerCuts) this.sync();
    });
  }

  #newestCheckpoint(): number {
    return Math.max(0, ...this.checkpoints.entries().flatMap(({ durable, number }) => (durable ? [number] : [])));
  }
}
