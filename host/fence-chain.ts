/**
 * The fences of a pool's history, found by walking back from the newest one along the references that each carries to the
 * one before it: never by listing, which also shows void ones and may hide others. What was walked once is remembered.
 */
import { HotspareError } from "../shared/errors.ts";
import type { PoolId } from "../shared/ids.ts";
import { decodeRecord, MAX_RECORD_BYTES } from "../shared/journal/record-codec.ts";
import type { FencePayload, FenceRef } from "../shared/journal/record.ts";
import type { Slot } from "../shared/position.ts";
import { recordName } from "../shared/vault/layout.ts";
import type { Vault } from "../shared/vault/vault.ts";

type Link = NonNullable<FencePayload["previous"]>;

/** `broken`: a fence is missing, damaged or another than the one that is referred to. That is never normal. */
export type Walk = { readonly type: "whole" } | { readonly type: "broken"; readonly error: HotspareError };

export class FenceChain {
  readonly #vault: Vault;
  readonly #pool: PoolId;
  /** Of chains that were walked to their beginning. */
  #known = new Map<Slot, Link>();

  constructor(vault: Vault, pool: PoolId) {
    this.#vault = vault;
    this.#pool = pool;
  }

  /** Slots of all fences that the last walk reached. */
  get slots(): ReadonlySet<Slot> {
    return new Set(this.#known.keys());
  }

  /** Whether this very fence is on the chain. */
  has({ slot, id, hash }: Link): boolean {
    const known = this.#known.get(slot);
    return known?.id === id && known.hash === hash;
  }

  /** Walks back from `newest` to the first fence. @throws {HotspareError} HS_VAULT_IO; the signal's reason. */
  async walk(newest: FenceRef, signal?: AbortSignal): Promise<Walk> {
    const walked: Link[] = [];
    let link: Link | null = newest;
    while (link && !this.has(link)) {
      signal?.throwIfAborted();
      const read = await this.#read(link);
      if (read.type === "broken") return read;
      walked.push({ slot: link.slot, id: link.id, hash: link.hash });
      if (read.previous && read.previous.slot >= link.slot)
        return broken(this.#pool, link.slot, "it does not lead back");
      link = read.previous;
    }
    // Where the walks meet, both go on alike; what was known beyond it is not on this chain.
    const joint = link?.slot ?? 0;
    const shared = [...this.#known.values()].filter(({ slot }) => slot <= joint);
    this.#known = new Map([...shared, ...walked].map((known) => [known.slot, known]));
    return { type: "whole" };
  }

  async #read(link: Link): Promise<{ type: "fence"; previous: Link | null } | (Walk & { type: "broken" })> {
    const bytes = await this.#vault.get(recordName(this.#pool, link.slot), {
      offset: 0,
      maxBytes: MAX_RECORD_BYTES + 1,
    });
    if (!bytes) return broken(this.#pool, link.slot, "a later fence refers to it, and it is missing");
    const decoded = decodeRecord(bytes);
    if (decoded.type !== "record") {
      return broken(this.#pool, link.slot, decoded.type === "newer" ? `format ${decoded.version}` : decoded.reason);
    }
    const { record, hash } = decoded.sealed;
    if (record.kind !== "fence" || record.header.slot !== link.slot) {
      return broken(this.#pool, link.slot, "it is not the fence that should be there");
    }
    if (hash !== link.hash || record.header.id !== link.id) {
      return broken(this.#pool, link.slot, "it is another fence than a later one refers to");
    }
    return { type: "fence", previous: record.fence.previous };
  }
}

const broken = (pool: PoolId, slot: Slot, reason: string): { type: "broken"; error: HotspareError } => ({
  type: "broken",
  error: new HotspareError("HS_RECORD_INVALID", { name: recordName(pool, slot), reason }),
});
