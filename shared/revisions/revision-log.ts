/**
 * The revisions of a vault: read the newest, read some, put the next. A number is taken by whoever creates it first, as a
 * slot of the journal is; who comes second has decided on what holds no more.
 */
import { HotspareError } from "../errors.ts";
import { parseNumber, revisionName, revisionsFolder } from "../vault/layout.ts";
import type { Vault } from "../vault/vault.ts";
import { decodeRevision, encodeRevision, REVISION_BYTES, type Revision } from "./revision.ts";

export type Published = { readonly type: "published" } | { readonly type: "taken"; readonly by: Revision };

export class RevisionLog {
  readonly #vault: Pick<Vault, "put" | "get" | "list" | "sync">;
  /** The highest number that was listed before a sync. */
  #durable = 0;

  constructor(vault: Pick<Vault, "put" | "get" | "list" | "sync">) {
    this.#vault = vault;
  }

  /** The newest one; `null` if there is none. @throws {HotspareError} HS_VAULT_IO, HS_VAULT_FORMAT. */
  async newest(): Promise<Revision | null> {
    const last = (await this.#numbers()).at(-1);
    return last === undefined ? null : this.#listed(last);
  }

  /** At most `limit` of them, the oldest first, from `from` on; without `from` the last ones. */
  async some({ from, limit }: { readonly from: number | null; readonly limit: number }): Promise<readonly Revision[]> {
    const numbers = await this.#numbers();
    const wanted = from === null ? numbers.slice(-limit) : numbers.filter((number) => number >= from).slice(0, limit);
    return await Promise.all(wanted.map((number) => this.#listed(number)));
  }

  /**
   * Creates `revision` under its number. Whether a lost answer hid a success shows by its id.
   * @throws {HotspareError} what the put was refused with, or HS_VAULT_IO: then it may exist, and whoever repeats the
   * decision finds it.
   */
  async publish(revision: Revision): Promise<Published> {
    await this.#vault.sync(revisionsFolder);
    const { revision: number } = revision.decisions;
    const result = await this.#vault.put(revisionName(number), encodeRevision(revision));
    if (result.type === "created") return { type: "published" };
    if (result.type === "refused" || result.type === "undurable") throw result.error;
    const found = await this.#read(number);
    if (found === null) throw unknownOutcome(number);
    if (found.id !== revision.id) return { type: "taken", by: found };
    await this.#vault.sync(revisionsFolder);
    return { type: "published" };
  }

  async #numbers(): Promise<readonly number[]> {
    const names = await this.#vault.list(revisionsFolder);
    const numbers = names.flatMap((name) => parseNumber(name) ?? []).toSorted((a, b) => a - b);
    await this.#makeDurable(numbers.at(-1) ?? 0);
    return numbers;
  }

  /** Its writer may not know yet that it is there. Who goes by one that a crash of the share takes back waits for it for ever. */
  async #makeDurable(last: number): Promise<void> {
    if (last <= this.#durable) return;
    await this.#vault.sync(revisionsFolder);
    this.#durable = last;
  }

  /** No revision is ever deleted: a share that has the name and not the file says nothing of what was decided. */
  async #listed(number: number): Promise<Revision> {
    const revision = await this.#read(number);
    if (revision !== null) return revision;
    const reason = "it is listed, and was not found";
    throw new HotspareError("HS_VAULT_IO", { action: "read", name: revisionName(number), reason });
  }

  async #read(number: number): Promise<Revision | null> {
    const name = revisionName(number);
    const bytes = await this.#vault.get(name, { offset: 0, maxBytes: REVISION_BYTES });
    if (bytes === null) return null;
    const revision = decodeRevision(name, bytes);
    if (revision.decisions.revision === number) return revision;
    throw new HotspareError("HS_VAULT_FORMAT", { name, found: revision.decisions.revision, accepted: number });
  }
}

const unknownOutcome = (number: number): HotspareError =>
  new HotspareError("HS_VAULT_IO", { action: "write", name: revisionName(number), reason: "the outcome is not known" });
