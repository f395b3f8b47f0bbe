/**
 * A pool's state as small as it can be: registers, a sum for each, and the settled keys. Does what the store does for the protocol:
 * applies records in order, runs writes on top of the state without showing them, survives a crash with or without its
 * last commits.
 */
import { heirOf, type Heir } from "../../../host/core/heir.ts";
import { assert } from "../../../shared/errors.ts";
import { slotAfter, type Head } from "../../../shared/journal/head.ts";
import type { Operation, SealedRecord, TakeoverReason } from "../../../shared/journal/record.ts";
import type { Replica, SettledWrite } from "../replica.ts";

export interface WriteRequest {
  readonly key: string;
  readonly register: string;
  readonly value: number;
}

interface Applied {
  readonly head: Head;
  readonly writes: readonly SettledWrite[];
  readonly schema: boolean;
  readonly fenceReason: TakeoverReason | null;
  readonly heir: Heir | null;
  readonly digest: number;
}

export interface Snapshot {
  readonly log: readonly Applied[];
}

export class ModelStore implements Replica {
  #log: Applied[] = [];
  #registers = new Map<string, SettledWrite>();
  #settled = new Map<string, SettledWrite>();

  get head(): Head | null {
    return this.#log.at(-1)?.head ?? null;
  }

  get heir(): Heir | null {
    return this.#log.at(-1)?.heir ?? null;
  }

  /** Tells two states apart. */
  get digest(): number {
    return this.#log.at(-1)?.digest ?? 0;
  }

  get hasSchema(): boolean {
    return this.#log.some(({ schema }) => schema);
  }

  read(register: string): number | null {
    return this.#registers.get(register)?.value ?? null;
  }

  settled(key: string): SettledWrite | undefined {
    return this.#settled.get(key);
  }

  /** Why the newest fence's owner took over. */
  get fenceReason(): TakeoverReason {
    return this.#log.findLast(({ fenceReason }) => fenceReason !== null)?.fenceReason ?? "start";
  }

  apply(sealed: SealedRecord, head: Head): readonly SettledWrite[] {
    const { record } = sealed;
    assert(record.header.slot === slotAfter(this.head), `slot ${record.header.slot} applied after ${this.head?.slot}`);
    const { writes, schema } = record.kind === "batch" ? decode(record.operations) : NOTHING;
    const fenceReason = record.kind === "fence" ? record.fence.reason : null;
    const heir = heirOf(record, head.fence);
    this.#push({ head, writes, schema, fenceReason, heir, digest: mix(this.digest, writes, head.slot) });
    return writes;
  }

  undo(): void {
    this.forget(1);
  }

  /** The outcome of each write if they made the next batch; nothing of it shows before the batch is applied. */
  execute(requests: readonly WriteRequest[], firstLsn: number): SettledWrite[] {
    const done: SettledWrite[] = [];
    for (const request of requests) {
      if (this.settled(request.key) || done.some(({ key }) => key === request.key)) continue;
      const before = done.findLast(({ register }) => register === request.register)?.value;
      const replaced = before ?? this.read(request.register);
      done.push({ ...request, replaced, lsn: firstLsn + done.length });
    }
    return done;
  }

  snapshot(): Snapshot {
    return { log: [...this.#log] };
  }

  install({ log }: Snapshot): void {
    this.#log = [];
    this.#registers = new Map();
    this.#settled = new Map();
    for (const applied of log) this.#push(applied);
  }

  /** Back to where it was some records ago: what a power cut does. */
  forget(records: number): void {
    this.install({ log: this.#log.slice(0, Math.max(0, this.#log.length - records)) });
  }

  /** All that was ever settled, in order. */
  *writes(): Iterable<SettledWrite> {
    for (const { writes } of this.#log) yield* writes;
  }

  #push(applied: Applied): void {
    this.#log.push(applied);
    for (const write of applied.writes) {
      this.#registers.set(write.register, write);
      this.#settled.set(write.key, write);
    }
  }
}

const NOTHING = { writes: [], schema: false } as const;
const SCHEMA = "schema";

export const schemaOperations: readonly Operation[] = [{ type: "sql", sql: SCHEMA, parameters: [] }];

export const operationsOf = (writes: readonly SettledWrite[]): Operation[] =>
  writes.map((write) => ({ type: "sql", sql: JSON.stringify(write), parameters: [] }));

function decode(operations: readonly Operation[]): { writes: readonly SettledWrite[]; schema: boolean } {
  const texts = operations.flatMap((operation) => (operation.type === "sql" ? [operation.sql] : []));
  const writes = texts.filter((text) => text !== SCHEMA).map((text) => JSON.parse(text) as SettledWrite);
  return { writes, schema: texts.includes(SCHEMA) };
}

function mix(before: number, writes: readonly SettledWrite[], slot: number): number {
  let digest = Math.imul(before ^ slot, 0x01000193);
  for (const { lsn, value, replaced } of writes) {
    for (const part of [lsn, value, replaced ?? -1]) digest = Math.imul(digest ^ part, 0x01000193);
  }
  return digest;
}
