/**
 * Helps nodes that cannot pass a record: the primary, which is beyond it, makes a checkpoint at once, and they restore from
 * that. They say so in their hints.
 */
import { readHostHint } from "../shared/checkpoint/host-hint.ts";
import { listCheckpoints } from "../shared/checkpoint/list-checkpoints.ts";
import type { Clock } from "../shared/clock.ts";
import { isHotspareError } from "../shared/errors.ts";
import type { NodeId } from "../shared/ids.ts";
import type { Log } from "../shared/log.ts";
import type { Vault } from "../shared/vault/vault.ts";
import type { PoolCheckpoints } from "./pool-checkpoints.ts";
import type { HostedPool } from "./pool.ts";
import { Repeated } from "./repeated.ts";

export interface StuckWatchOptions {
  readonly pool: HostedPool;
  readonly checkpoints: Pick<PoolCheckpoints, "take">;
  readonly vault: Vault;
  /** The other hosts. */
  readonly hosts: () => readonly NodeId[];
  readonly clock: Clock;
  readonly log: Log;
}

const GAP_MS = 2000;

export class StuckWatch {
  readonly #options: StuckWatchOptions;
  readonly #repeated: Repeated;

  constructor(options: StuckWatchOptions) {
    this.#options = options;
    this.#repeated = new Repeated({ clock: options.clock, gapMs: GAP_MS, work: () => this.#look() });
  }

  stop(): void {
    this.#repeated.stop();
  }

  async #look(): Promise<void> {
    const { vault, hosts, pool, checkpoints, log } = this.#options;
    if (!pool.serving) return;
    try {
      for (const host of hosts()) {
        const hint = await readHostHint(vault, host);
        const stuckAt = hint?.pools.find((report) => report.pool === pool.id)?.stuckAt ?? null;
        if (stuckAt === null || stuckAt > (pool.servedHead?.slot ?? 0)) continue;
        const [newest] = await listCheckpoints(vault, pool.id);
        if (newest && newest.slot >= stuckAt) continue;
        log.warn({ host, slot: stuckAt }, "a host is stuck: a checkpoint is made for it");
        await checkpoints.take(`${host} is stuck at slot ${stuckAt}`);
      }
    } catch (error) {
      // The vault is away, or the checkpoint failed and says so itself: there is another look.
      if (!isHotspareError(error)) throw error;
    }
  }
}
