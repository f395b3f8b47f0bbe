/**
 * Writes the receipt of each tenure that begins on this host, and how it ended if others ended it, beside the hot path: a
 * little later, so that the requests that waited for the takeover go first. A put whose outcome is not known is settled as
 * everywhere: the same name is read back, and tried again with the same bytes, never another name. After a few tries it is
 * given up: the fence has what matters, and nobody waits for the rest.
 */
import { sleep, type Clock } from "../shared/clock.ts";
import { HotspareError, isHotspareError, isUndurable, reasonOf } from "../shared/errors.ts";
import type { Log } from "../shared/log.ts";
import { epoch } from "../shared/position.ts";
import { encodeReceipt } from "../shared/receipt/receipt-codec.ts";
import { MAX_RECEIPT_BYTES } from "../shared/receipt/receipt.ts";
import { receiptName, receiptsFolder, tenureEndName, type VaultName } from "../shared/vault/layout.ts";
import type { Vault } from "../shared/vault/vault.ts";
import { receiptOf, tenureEndOf } from "./core/receipt-notes.ts";
import type { HostedPool } from "./pool.ts";

export interface ReceiptWriterOptions {
  readonly pool: Pick<HostedPool, "id" | "on" | "state" | "receiptNotes">;
  readonly vault: Pick<Vault, "put" | "get" | "sync">;
  readonly clock: Clock;
  readonly log: Log;
  /** Of the program. */
  readonly version: string;
}

/** `again`: nobody knows whether it is there, or it certainly is not. `hopeless`: no try of this process can help. */
type Attempt =
  | { readonly type: "written" }
  | { readonly type: "again"; readonly reason: string }
  | { readonly type: "hopeless"; readonly reason: string };

/** Before each try. */
const WAITS_MS = [250, 1000, 4000, 16_000, 60_000];

export class ReceiptWriter {
  readonly #options: ReceiptWriterOptions;
  readonly #abort = new AbortController();
  readonly #unlisten: readonly (() => void)[];

  /** A pool that serves already gets its receipt too. */
  constructor(options: ReceiptWriterOptions) {
    this.#options = options;
    this.#unlisten = [
      options.pool.on("primary", () => this.#onBegun()),
      options.pool.on("standby", () => this.#onEnded()),
    ];
    this.#onBegun();
  }

  /** What is not written yet is left: history then shows the fence alone. */
  stop(): void {
    for (const unlisten of this.#unlisten) unlisten();
    this.#abort.abort(new HotspareError("HS_USAGE", { reason: "it was stopped" }));
  }

  #onBegun(): void {
    const { pool, clock, version } = this.#options;
    const receipt = receiptOf(pool.state, pool.receiptNotes, { servedAtMs: clock.wallMs(), version });
    if (receipt) void this.#write(receiptName(pool.id, epoch(receipt.fence.epoch)), encodeReceipt(receipt));
  }

  #onEnded(): void {
    const { pool, clock, version } = this.#options;
    const end = tenureEndOf(pool.state, pool.receiptNotes, { endedAtMs: clock.wallMs(), version });
    if (end) void this.#write(tenureEndName(pool.id, epoch(end.fence.epoch)), encodeReceipt(end));
  }

  async #write(name: VaultName, bytes: Buffer): Promise<void> {
    let reason = "";
    for (const waitMs of WAITS_MS) {
      if (!(await this.#waited(waitMs))) return;
      const attempt = await this.#attempt(name, bytes);
      if (attempt.type === "written") return;
      ({ reason } = attempt);
      if (attempt.type === "hopeless") break;
    }
    this.#options.log.warn({ name, reason }, "the receipt of a takeover could not be written");
  }

  /** `false`: it was stopped meanwhile. */
  #waited(waitMs: number): Promise<boolean> {
    return sleep(this.#options.clock, waitMs, this.#abort.signal).then(
      () => true,
      () => false,
    );
  }

  async #attempt(name: VaultName, bytes: Buffer): Promise<Attempt> {
    try {
      const result = await this.#options.vault.put(name, bytes);
      switch (result.type) {
        case "created":
          return { type: "written" };
        case "refused":
          return { type: "again", reason: result.error.message };
        case "undurable":
          return { type: "hopeless", reason: result.error.message };
        case "exists":
          return await this.#readBack(name, bytes, "something else has its name");
        case "unknown":
          return await this.#readBack(name, bytes, result.error.message);
      }
    } catch (error) {
      if (isUndurable(error)) return { type: "hopeless", reason: reasonOf(error) };
      if (isHotspareError(error)) return { type: "again", reason: error.message };
      throw error;
    }
  }

  /** Own only if it is the same to the byte; what was found by reading counts only when its name is durable too. */
  async #readBack(name: VaultName, bytes: Buffer, otherwise: string): Promise<Attempt> {
    const { vault, pool } = this.#options;
    const found = await vault.get(name, { offset: 0, maxBytes: MAX_RECEIPT_BYTES + 1 });
    if (!found?.equals(bytes)) return { type: "again", reason: otherwise };
    await vault.sync(receiptsFolder(pool.id));
    return { type: "written" };
  }
}
