/**
 * Refuses writes while the vault is nearly full, so that fences, releases, cleaning and a checkpoint still fit: a vault
 * that is filled to the brim could not even be failed over.
 */
import type { Cancel, Clock } from "../shared/clock.ts";
import { HotspareError } from "../shared/errors.ts";
import type { Log } from "../shared/log.ts";
import type { Space, Vault } from "../shared/vault/vault.ts";
import type { HostedPool } from "./pool.ts";

export interface SpaceWatchOptions {
  readonly vault: Pick<Vault, "space">;
  readonly pools: readonly Pick<HostedPool, "refuseWrites">[];
  readonly clock: Clock;
  readonly log: Log;
}

/** Below these writes are refused. */
export const LOW_WATER: Space = { freeBytes: 64 * 1024 * 1024, freeInodes: 1000 };
const INTERVAL_MS = 2000;

export class SpaceWatch {
  readonly #options: SpaceWatchOptions;
  #timer: Cancel | null = null;
  #stopped = false;
  #low = false;
  #space: Space | null = null;

  constructor(options: SpaceWatchOptions) {
    this.#options = options;
    void this.#look();
  }

  /** As it was found last; `null`: it could not be asked. */
  get space(): Space | null {
    return this.#space;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.();
  }

  async #look(): Promise<void> {
    // What cannot be asked now is no reason to refuse: the put itself says what it cannot store.
    const space = await this.#options.vault.space().catch(() => null);
    if (this.#stopped) return;
    this.#space = space;
    if (space) this.#judge(space);
    this.#timer = this.#options.clock.after(INTERVAL_MS, () => void this.#look());
  }

  #judge({ freeBytes, freeInodes }: Space): void {
    const low = freeBytes < LOW_WATER.freeBytes || freeInodes < LOW_WATER.freeInodes;
    if (low === this.#low) return;
    this.#low = low;
    const reason = `${freeBytes} bytes and ${freeInodes} files are free, ${LOW_WATER.freeBytes} and ${LOW_WATER.freeInodes} are kept`;
    for (const pool of this.#options.pools)
      pool.refuseWrites(low ? new HotspareError("HS_VAULT_FULL", { reason }) : null);
    if (low) this.#options.log.error({ freeBytes, freeInodes }, "the vault is nearly full: writes are refused");
    else this.#options.log.info({ freeBytes, freeInodes }, "the vault has room again");
  }
}
