/**
 * Judges a whole journal, record after record in the order of their slots: checksums, the chain of hashes, tenures, and
 * what is missing. Pure. Nodes judge the same records by `shared/journal/head.ts`; this adds what they never look at:
 * what lies below the checkpoints, where cleaning left fences alone and where void fences may be.
 *
 * A gap is in order if an intact checkpoint lies at its end or beyond: whoever needs those records restores that one.
 */
import { sameHead } from "../../../shared/checkpoint/same-head.ts";
import { assert, HotspareError } from "../../../shared/errors.ts";
import type { PoolId, Sha256 } from "../../../shared/ids.ts";
import { extend, type Head } from "../../../shared/journal/head.ts";
import { RECORD_FORMATS, rangeOf } from "../../../shared/journal/record-formats.ts";
import type { FencePayload, FenceRef, SealedRecord } from "../../../shared/journal/record.ts";
import { slot, type Slot } from "../../../shared/position.ts";
import { checkpointsFolder, recordName } from "../../../shared/vault/layout.ts";
import type { Found } from "../../../host/core/publication.ts";

export interface Gap {
  readonly from: Slot;
  readonly to: Slot;
  /** The checkpoint that covers it; `null`: none does. */
  readonly coveredBy: Slot | null;
}

export interface ChainReport {
  /** Records that are intact. */
  readonly records: number;
  readonly bytes: number;
  readonly first: Slot | null;
  /** Where the chain ends; `null` if it cannot be told, or there is none. */
  readonly head: Head | null;
  readonly gaps: readonly Gap[];
  readonly voidFences: readonly FenceRef[];
  /** In the order of their slots. */
  readonly problems: readonly HotspareError[];
}

type Fence = FenceRef & Pick<FencePayload, "previous">;

/** What is known at the last slot that was looked at. */
type Place =
  | { readonly type: "beginning" }
  /** All that the next record is judged by. */
  | { readonly type: "head"; readonly head: Head }
  /** Only the hash: it begins after a gap. */
  | { readonly type: "link"; readonly hash: Sha256 }
  /** Nothing: after a gap, or after what could not be read. */
  | { readonly type: "lost" };

/** A record that does not follow the one before it. In order if that one is a void fence. */
interface Break {
  readonly at: Slot;
  readonly reason: string;
  readonly after: Fence;
}

interface Problem {
  readonly at: number;
  readonly error: HotspareError;
}

export class ChainAudit {
  readonly #pool: PoolId;
  readonly #checkpoints: ReadonlyMap<Slot, Head>;
  readonly #fences = new Map<Slot, Fence>();
  readonly #gaps: Gap[] = [];
  readonly #breaks: Break[] = [];
  readonly #problems: Problem[] = [];
  #place: Place = { type: "beginning" };
  #last = slot(0);
  #first: Slot | null = null;
  #records = 0;
  #bytes = 0;

  /** @param checkpoints Heads of those that are intact. */
  constructor(pool: PoolId, checkpoints: readonly Head[]) {
    this.#pool = pool;
    this.#checkpoints = new Map(checkpoints.map((head) => [head.slot, head]));
  }

  /** What lies at `at`, a higher slot with each call. What is absent may as well be left out. */
  add(at: Slot, found: Found): void {
    assert(at > this.#last, `slot ${at} after ${this.#last}`);
    if (found.type === "absent") return;
    const before = at === this.#last + 1 ? this.#fences.get(this.#last) : undefined;
    if (at > this.#last + 1) this.#skipTo(at);
    this.#last = at;
    this.#first ??= at;
    if (found.type === "record") this.#addRecord(at, found.sealed, before);
    else this.#addDamage(at, found);
  }

  finish(): ChainReport {
    const newest = Math.max(0, ...this.#checkpoints.keys());
    if (newest > this.#last) this.#skipTo(slot(newest + 1));
    const head = this.#place.type === "head" ? this.#place.head : null;
    const chain = head === null ? null : this.#walk(head.fence);
    const voidFences = chain === null ? [] : [...this.#fences.values()].filter((fence) => !chain.has(fence.slot));
    for (const gap of this.#gaps) if (gap.coveredBy === null) this.#missing(gap.from);
    this.#judgeBreaks(new Set(voidFences.map((fence) => fence.slot)));
    const problems = this.#problems.toSorted((one, other) => one.at - other.at).map(({ error }) => error);
    const [records, bytes, first, gaps] = [this.#records, this.#bytes, this.#first, this.#gaps];
    return { records, bytes, first, head, gaps, voidFences: voidFences.map(refOf), problems };
  }

  #addRecord(at: Slot, sealed: SealedRecord, before: Fence | undefined): void {
    this.#records += 1;
    this.#bytes += sealed.bytes.byteLength;
    const reason = this.#follow(sealed);
    if (sealed.record.kind === "fence") this.#fences.set(at, fenceOf(sealed));
    if (reason !== null) {
      if (before) this.#breaks.push({ at, reason, after: before });
      else this.#invalid(at, reason);
      this.#place = { type: "link", hash: sealed.hash };
    }
    this.#anchor(at, sealed);
  }

  /** Why it does not follow; `null` if it does, and then it is where we are. */
  #follow(sealed: SealedRecord): string | null {
    const place = this.#place;
    if (place.type === "beginning" || place.type === "head") {
      const extension = extend(place.type === "head" ? place.head : null, sealed);
      if (!extension.ok) return extension.violation.reason;
      this.#place = { type: "head", head: extension.head };
      return null;
    }
    const { previousHash } = sealed.record.header;
    if (place.type === "link" && previousHash !== place.hash) return `it follows ${previousHash}, not ${place.hash}`;
    this.#place = { type: "link", hash: sealed.hash };
    return null;
  }

  /** A checkpoint knows all of the place where it was taken. */
  #anchor(at: Slot, { hash }: SealedRecord): void {
    const anchor = this.#checkpoints.get(at);
    if (!anchor) return;
    const place = this.#place;
    const same = anchor.hash === hash && (place.type !== "head" || sameHead(place.head, anchor));
    if (same) this.#place = { type: "head", head: anchor };
    else this.#checkpointOff(at);
  }

  #addDamage(at: Slot, found: Exclude<Found, { type: "record" | "absent" }>): void {
    const name = recordName(this.#pool, at);
    const anchor = this.#checkpoints.get(at);
    this.#place = anchor ? { type: "head", head: anchor } : { type: "lost" };
    switch (found.type) {
      case "invalid":
        return this.#invalid(at, found.reason);
      case "unreadable":
        return this.#note(at, new HotspareError("HS_VAULT_IO", { action: "read", name, reason: found.reason }));
      case "newer": {
        const details = { name, found: found.version, accepted: rangeOf(RECORD_FORMATS) };
        return this.#note(at, new HotspareError("HS_VAULT_FORMAT", details));
      }
    }
  }

  /** The next record to be judged is the one at `next`. */
  #skipTo(next: Slot): void {
    const to = slot(next - 1);
    const from = slot(this.#last + 1);
    if (from <= to) this.#gaps.push({ from, to, coveredBy: this.#coverOf(to) });
    const anchor = this.#checkpoints.get(to);
    this.#place = anchor ? { type: "head", head: anchor } : { type: "lost" };
  }

  /** The first checkpoint from which one can go on after `to`. */
  #coverOf(to: Slot): Slot | null {
    const covers = [...this.#checkpoints.keys()].filter((at) => at >= to).toSorted((one, other) => one - other);
    return covers[0] ?? null;
  }

  /** Slots of the fences on the chain that ends with `newest`. */
  #walk(newest: FenceRef): ReadonlySet<Slot> {
    const chain = new Set<Slot>();
    for (let link: Fence["previous"] = newest; link;) {
      const found = this.#fences.get(link.slot);
      if (!found || found.hash !== link.hash || found.id !== link.id) {
        this.#invalid(link.slot, "the fence that a later one refers to is not there");
        return chain;
      }
      chain.add(link.slot);
      link = found.previous !== null && found.previous.slot < link.slot ? found.previous : null;
    }
    return chain;
  }

  #judgeBreaks(voids: ReadonlySet<Slot>): void {
    for (const { at, reason, after } of this.#breaks) {
      if (!voids.has(after.slot)) this.#invalid(at, reason);
      else if (this.#coverOf(after.slot) === null) this.#missing(at);
    }
  }

  #missing(at: Slot): void {
    this.#note(at, new HotspareError("HS_RECORD_MISSING", { pool: this.#pool, slot: at }));
  }

  #checkpointOff(at: Slot): void {
    const name = `${checkpointsFolder(this.#pool)} at slot ${at}`;
    const reason = "it is of another history than the record there";
    this.#note(at, new HotspareError("HS_CHECKPOINT_INVALID", { name, reason }));
  }

  #invalid(at: Slot, reason: string): void {
    this.#note(at, new HotspareError("HS_RECORD_INVALID", { name: recordName(this.#pool, at), reason }));
  }

  #note(at: Slot, error: HotspareError): void {
    this.#problems.push({ at, error });
  }
}

function fenceOf({ record, hash }: SealedRecord): Fence {
  assert(record.kind === "fence", "only a fence begins a tenure");
  const { slot: at, id, epoch, owner, bootId } = record.header;
  return { slot: at, id, hash, epoch, owner, bootId, previous: record.fence.previous };
}

const refOf = ({ slot: at, id, hash, epoch, owner, bootId }: Fence): FenceRef => ({
  slot: at,
  id,
  hash,
  epoch,
  owner,
  bootId,
});
