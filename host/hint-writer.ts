/**
 * Writes `hosts/<host>.json` now and then: what this host says of itself to whoever sees the vault. Written on the main
 * thread's tick, so that a hint that stands still means a main thread that does.
 */
import { HINT_INTERVAL_MS, writeHostHint, type HostHint } from "../shared/checkpoint/host-hint.ts";
import type { Cancel, Clock } from "../shared/clock.ts";
import type { BootId, NodeId } from "../shared/ids.ts";
import type { Vault } from "../shared/vault/vault.ts";
import type { PoolCheckpoints } from "./pool-checkpoints.ts";
import type { HostedPool } from "./pool.ts";

export interface HintWriterOptions {
  readonly vault: Vault;
  readonly host: NodeId;
  readonly bootId: BootId;
  readonly version: string;
  readonly pools: readonly { readonly hosted: HostedPool; readonly checkpoints: PoolCheckpoints }[];
  readonly clock: Clock;
}

export class HintWriter {
  readonly #options: HintWriterOptions;
  #timer: Cancel | null = null;
  #stopped = false;
  #tick = 0;

  constructor(options: HintWriterOptions) {
    this.#options = options;
    void this.#write();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.();
  }

  async #write(): Promise<void> {
    // A hint that cannot be written is missed by nobody's safety; the write probe tells that the vault is away.
    await writeHostHint(this.#options.vault, this.#hint()).catch(() => undefined);
    if (!this.#stopped) this.#timer = this.#options.clock.after(HINT_INTERVAL_MS, () => void this.#write());
  }

  #hint(): HostHint {
    const { host, bootId, version, pools, clock } = this.#options;
    this.#tick += 1;
    return {
      host,
      bootId,
      version,
      tick: this.#tick,
      wallMs: clock.wallMs(),
      pools: pools.map(({ hosted, checkpoints }) => {
        const { pool, role, slot, lsn } = hosted.report(clock.monotonicMs());
        const { alarm } = hosted.state;
        const stuck = alarm?.code === "HS_POOL_STUCK" || alarm?.code === "HS_STORE_DIVERGED";
        const stuckAt = stuck ? alarm.slot : null;
        return {
          pool,
          role,
          slot,
          lsn,
          stuckAt,
          stateHashes: [...checkpoints.hashes],
          restored: [...checkpoints.restored],
        };
      }),
    };
  }
}
