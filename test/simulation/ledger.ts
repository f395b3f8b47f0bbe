/**
 * What clients were told, against what happened. Checks I2 (states are prefixes of history), I3 (acknowledged: in history
 * and durable), I4 (only an epoch's owner acknowledges in it), I5 (nothing new from a lower epoch once a higher one has
 * answered), I6 (one result per key), I7 (linearizable), I8 (what was read was published).
 *
 * Linearizable is judged by the order that history gives: each write at its LSN, each read after the last commit that it
 * saw. Sound, because that order explains every answer; so only real time is left to check.
 */
import type { BootId } from "../../shared/ids.ts";
import type { FenceRef } from "../../shared/journal/record.ts";
import { check, type History } from "./history.ts";
import type { Standing } from "./replica.ts";

/** One operation of a client, over all its attempts. */
export interface Operation {
  readonly key: string;
  readonly kind: "write" | "read";
  readonly register: string;
  readonly value: number;
  readonly invokedMs: number;
  /** The highest LSN that any finished operation had shown when this one began. */
  readonly floorLsn: number;
}

/** What a host knows of an operation. */
export type Judged = Pick<Operation, "key" | "kind" | "register">;

export interface Answered {
  readonly lsn: number;
  /** A read's value; for a write the value that it replaced. */
  readonly value: number | null;
  readonly epoch: number;
  readonly replayed: boolean;
}

export class Ledger {
  readonly #history: History;
  /** When the first answer of each epoch left its host. */
  readonly #firstAnswerMs = new Map<number, number>();
  readonly #served = new Set<number>();
  /** In which tenures each request of a proxy was executed. */
  readonly #executions = new Map<string, Set<string>>();
  #shownLsn = 0;
  #rolledBackMs = -Infinity;
  acknowledged = 0;
  reads = 0;

  constructor(history: History) {
    this.#history = history;
  }

  get shownLsn(): number {
    return this.#shownLsn;
  }

  /** Somebody brought back an older vault: what was shown before is forgotten with it. */
  rolledBack(nowMs: number): void {
    this.#rolledBackMs = nowMs;
    this.#shownLsn = 0;
  }

  /** I11: no request is carried through more than two tenures, so that one that kills its hosts ends. */
  executes(request: string, tenure: string, attempt: number): void {
    const tenures = (this.#executions.get(request) ?? new Set()).add(tenure);
    this.#executions.set(request, tenures);
    // Two executions, and two false alarms between them, each of which the host settles once.
    check(attempt <= 4, "I11", () => `request ${request} comes for the ${attempt}th time`);
    check(tenures.size <= 2, "I11", () => `request ${request} is executed in a third tenure`);
  }

  /** It was given back to its proxy without an effect by a host that it did not kill. */
  survives(request: string, tenure: string): void {
    this.#executions.get(request)?.delete(tenure);
  }

  /** A host's store moved. */
  moved(host: string, { head, digest }: Standing): void {
    if (!head || this.#history.wasTakenBack(head.hash)) return;
    const happened = this.#history.at(head.slot);
    check(
      happened?.head.hash === head.hash,
      "I2",
      () => `${host} is at slot ${head.slot} with a state that is not history`,
    );
    check(happened.digest === digest, "I2", () => `${host} has another state at slot ${head.slot} than history`);
    check(happened.durable, "I2", () => `${host} applied slot ${head.slot}, whose name was never synced`);
  }

  /** Some host passed its takeover and served in it. */
  wasServed(epoch: number): boolean {
    return this.#served.has(epoch);
  }

  serves(host: string, fence: FenceRef, { head }: Pick<Standing, "head">): void {
    const mine = this.#history.at(fence.slot)?.sealed.record.header.id === fence.id;
    this.#served.add(fence.epoch);
    check(mine, "I4", () => `${host} serves in epoch ${fence.epoch} by a fence that is not history`);
    check((head?.slot ?? 0) >= fence.slot, "I3", () => `${host} serves without all that was before its fence`);
  }

  /** An answer leaves a host. `sentMs`: when that attempt left its client. */
  answers(host: string, bootId: BootId, operation: Judged, answer: Answered, times: Times): void {
    const { epoch } = answer;
    if (!answer.replayed) this.#checkEpoch(host, epoch, times);
    if (!this.#firstAnswerMs.has(epoch)) this.#firstAnswerMs.set(epoch, times.nowMs);
    if (operation.kind === "write") this.#checkWrite(host, bootId, operation, answer);
    else this.#checkRead(host, operation, answer);
  }

  /** A read that asked for no more than what its session had seen, of whichever host: a prefix of history all the same. */
  showed(host: string, register: string, { lsn, value }: Pick<Answered, "lsn" | "value">): void {
    this.#checkRead(host, { key: "", kind: "read", register }, { lsn, value, epoch: 0, replayed: false });
  }

  /** The client has it. */
  finished({ kind, floorLsn, key, invokedMs }: Operation, { lsn }: Answered): void {
    if (kind === "write") this.acknowledged += 1;
    else this.reads += 1;
    const inOrder = kind === "write" ? lsn > floorLsn : lsn >= floorLsn;
    if (invokedMs <= this.#rolledBackMs) return;
    check(inOrder, "I7", () => `${kind} ${key} came back at LSN ${lsn}, but ${floorLsn} was shown before it began`);
    this.#shownLsn = Math.max(this.#shownLsn, lsn);
  }

  #checkEpoch(host: string, epoch: number, { sentMs }: Times): void {
    for (const [other, firstMs] of this.#firstAnswerMs) {
      const late = other > epoch && sentMs > firstMs;
      check(!late, "I5", () => `${host} answers in epoch ${epoch} a call that began after epoch ${other} had answered`);
    }
  }

  #checkWrite(host: string, bootId: BootId, { key }: Judged, { lsn, value, replayed }: Answered): void {
    const settled = this.#history.settled(key);
    check(settled !== undefined, "I3", () => `${host} acknowledges ${key}, which is not in history`);
    const happened = this.#history.at(settled.slot);
    check(happened?.durable ?? false, "I3", () => `${host} acknowledges ${key} before slot ${settled.slot} is durable`);
    const same = settled.lsn === lsn && settled.replaced === value;
    check(
      same,
      "I6",
      () => `${host} answers ${key} with ${value} at ${lsn}, not ${settled.replaced} at ${settled.lsn}`,
    );
    const own = happened?.sealed.record.header.bootId === bootId;
    check(own || replayed, "I4", () => `${host} acknowledges ${key} in an epoch that is not its own`);
  }

  #checkRead(host: string, { register }: Judged, { lsn, value }: Answered): void {
    const published = lsn <= (this.#history.head?.lsn ?? 0);
    check(published, "I8", () => `${host} shows LSN ${lsn}, which is not published`);
    const expected = this.#history.valueAt(register, lsn);
    check(expected === value, "I8", () => `${host} reads ${value} from ${register} at ${lsn}, where it is ${expected}`);
  }
}

interface Times {
  readonly sentMs: number;
  readonly nowMs: number;
}
