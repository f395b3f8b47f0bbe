/** Records for tests: a chain that is written as a primary would write it. */
import { encodeRecord } from "../../../shared/journal/record-codec.ts";
import { extend, originHash, slotAfter, type Head } from "../../../shared/journal/head.ts";
import { FIRST_WRITE_VERSION } from "../../../shared/journal/record-formats.ts";
import type { FencePayload, Operation, RecordHeader, SealedRecord } from "../../../shared/journal/record.ts";
import { parseNodeId, type BootId, type NodeId, type OriginId, type RecordId } from "../../../shared/ids.ts";
import { epoch, lsn } from "../../../shared/position.ts";

const hex = (n: number): string => n.toString(16).padStart(32, "0");

/** Writes a history record by record; `head` is where it stands. */
export class Chain {
  head: Head | null = null;
  readonly records: SealedRecord[] = [];
  readonly origin: OriginId;
  #ids = 0;

  constructor(origin = hex(0xabc) as OriginId) {
    this.origin = origin;
  }

  fence(owner = "host-a", changes: Partial<FencePayload> = {}): SealedRecord {
    const { head } = this;
    const fence: FencePayload = {
      previous: head && { slot: head.fence.slot, id: head.fence.id, hash: head.fence.hash },
      schema: [],
      reason: "order",
      orderedBy: null,
      cause: "test",
      votes: [],
      wallMs: 0,
      ...changes,
    };
    const header = this.header({
      epoch: epoch((head?.fence.epoch ?? 0) + 1),
      owner: parseNodeId(owner),
      bootId: hex(1000 + this.records.length) as BootId,
    });
    return this.add(encodeRecord({ kind: "fence", header, fence }));
  }

  batch(operations: readonly Operation[] = [], commits = 1): SealedRecord {
    return this.add(encodeRecord({ kind: "batch", header: this.header({ commits }), operations }));
  }

  release(successor: NodeId | null = null): SealedRecord {
    return this.add(encodeRecord({ kind: "release", header: this.header({}), release: { successor, cause: "test" } }));
  }

  format(writeVersion: number): SealedRecord {
    return this.add(encodeRecord({ kind: "format", header: this.header({}), format: { writeVersion } }));
  }

  /** A header that follows; `changes` makes it wrong. */
  header(changes: Partial<RecordHeader>): RecordHeader {
    const { head } = this;
    return {
      version: head?.writeVersion ?? FIRST_WRITE_VERSION,
      origin: this.origin,
      slot: slotAfter(head),
      epoch: head?.fence.epoch ?? epoch(1),
      owner: head?.fence.owner ?? parseNodeId("host-a"),
      bootId: head?.fence.bootId ?? (hex(1) as BootId),
      id: hex(++this.#ids + 0x5000) as RecordId,
      previousHash: head?.hash ?? originHash(this.origin),
      firstLsn: lsn((head?.lsn ?? 0) + 1),
      commits: 0,
      logTimeMs: (head?.logTimeMs ?? 0) + 1,
      ...changes,
    };
  }

  /** Adds a record that somebody else made. */
  follow(sealed: SealedRecord): SealedRecord {
    return this.add(sealed);
  }

  private add(sealed: SealedRecord): SealedRecord {
    const next = extend(this.head, sealed);
    if (!next.ok) throw new Error(next.violation.reason);
    this.head = next.head;
    this.records.push(sealed);
    return sealed;
  }
}
