/**
 * What really happened, as nobody in the system can see it: the first record at each slot, and what each state must be.
 * Checks I1 (one record per slot, no holes), I4 (epochs), I6 (a key once), I8 (what was answered "not applied" never
 * appears), I9 (the newest checkpoint and the records after it give the state; fences stay).
 */
import type { RecordId, Sha256 } from "../../shared/ids.ts";
import { extend, type Head } from "../../shared/journal/head.ts";
import type { SealedRecord } from "../../shared/journal/record.ts";
import type { Replica, SettledWrite } from "./replica.ts";

export class Violation extends Error {
  readonly invariant: string;

  constructor(invariant: string, what: string) {
    super(`${invariant}: ${what}`);
    this.invariant = invariant;
  }
}

export function check(condition: boolean, invariant: string, what: () => string): asserts condition {
  if (!condition) throw new Violation(invariant, what());
}

interface Happened {
  readonly sealed: SealedRecord;
  readonly head: Head;
  readonly digest: number;
  readonly writes: readonly SettledWrite[];
  /** Its name was synced once: it can no longer be lost. */
  durable: boolean;
}

export class History {
  readonly #replica: Replica;
  readonly #slots: Happened[] = [];
  readonly #keys = new Map<string, SettledWrite & { readonly slot: number; readonly epoch: number }>();
  /** Values of each register, in order. */
  readonly #values = new Map<string, { readonly lsn: number; readonly value: number }[]>();
  readonly #denied = new Set<RecordId>();
  readonly #deniedKeys = new Set<string>();
  readonly #takenBack = new Set<Sha256>();

  /** Fences put where a record had been cleaned away. */
  voids = 0;

  constructor(replica: Replica) {
    this.#replica = replica;
  }

  get head(): Head | null {
    return this.#replica.head;
  }

  at(slot: number): Happened | undefined {
    return this.#slots[slot - 1];
  }

  settled(key: string): (SettledWrite & { readonly slot: number; readonly epoch: number }) | undefined {
    return this.#keys.get(key);
  }

  /** The value of a register after the commit `lsn`. */
  valueAt(register: string, lsn: number): number | null {
    return this.#values.get(register)?.findLast((entry) => entry.lsn <= lsn)?.value ?? null;
  }

  created(sealed: SealedRecord): void {
    const { header, kind } = sealed.record;
    const before = this.at(header.slot);
    check(!this.#denied.has(header.id), "I8", () => `slot ${header.slot} appears, whose writes were told not applied`);
    if (before) {
      if (before.sealed.record.header.id !== header.id) this.voids += 1;
      const again = before.sealed.record.header.id === header.id || kind === "fence";
      return check(again, "I1", () => `slot ${header.slot} was created twice, now as ${kind} of ${header.owner}`);
    }
    const extension = extend(this.head, sealed);
    check(extension.ok, "I1", () => `slot ${header.slot} does not follow: ${JSON.stringify(extension)}`);
    const writes = this.#replica.apply(sealed, extension.head);
    this.#noteWrites(sealed, writes);
    this.#slots.push({ sealed, head: extension.head, digest: this.#replica.digest, writes, durable: false });
  }

  synced(sealed: SealedRecord): void {
    const happened = this.at(sealed.record.header.slot);
    if (happened?.sealed.record.header.id === sealed.record.header.id) happened.durable = true;
  }

  /** A power cut took a name that nobody had synced: it did not happen. */
  lost(sealed: SealedRecord): void {
    const { header } = sealed.record;
    const happened = this.at(header.slot);
    if (happened?.sealed.record.header.id !== header.id || happened.durable) return;
    check(this.#slots.length === header.slot, "I1", () => `slot ${header.slot} is lost, and later ones exist`);
    this.#takeBack();
  }

  /** Everything beyond that slot did not happen: somebody brought back an older vault. */
  rollBack(slot: number): void {
    for (const { head } of this.#slots.slice(slot)) this.#takenBack.add(head.hash);
    while (this.#slots.length > slot) this.#takeBack();
  }

  /** It was history before an older vault was brought back: whoever holds it has still to find out. */
  wasTakenBack(hash: Sha256): boolean {
    return this.#takenBack.has(hash);
  }

  #takeBack(): void {
    const happened = this.#slots.pop();
    this.#replica.undo();
    for (const { key, register } of happened?.writes ?? []) {
      this.#keys.delete(key);
      this.#values.get(register)?.pop();
    }
  }

  /** Slot of the newest fence; 0 before the first. */
  get newestFence(): number {
    return this.head?.fence.slot ?? 0;
  }

  /** A host said of this record that it is certainly not in history. */
  deny(sealed: SealedRecord): void {
    const { id, slot } = sealed.record.header;
    this.#denied.add(id);
    check(this.at(slot)?.sealed.record.header.id !== id, "I8", () => `slot ${slot} is history, but was denied`);
  }

  /** A client was told that this write was not applied. */
  denyKey(key: string): void {
    this.#deniedKeys.add(key);
    check(!this.#keys.has(key), "I8", () => `${key} is history, but was told not applied`);
  }

  removed(slot: number, newestCheckpoint: number, sealed: SealedRecord): void {
    const isHistory = this.at(slot)?.sealed.record.header.id === sealed.record.header.id;
    check(!isHistory || slot < newestCheckpoint, "I9", () => `slot ${slot} is deleted above every checkpoint`);
    check(!isHistory || sealed.record.kind !== "fence", "I9", () => `the fence at slot ${slot} is deleted`);
  }

  #noteWrites({ record }: SealedRecord, writes: readonly SettledWrite[]): void {
    const { slot, epoch } = record.header;
    for (const write of writes) {
      check(!this.#deniedKeys.has(write.key), "I8", () => `${write.key} appears, which was told not applied`);
      check(!this.#keys.has(write.key), "I6", () => `${write.key} took effect twice, now at slot ${slot}`);
      this.#keys.set(write.key, { ...write, slot, epoch });
      const values = this.#values.get(write.register) ?? [];
      this.#values.set(write.register, values);
      values.push({ lsn: write.lsn, value: write.value });
    }
  }
}
