/**
 * Compares this host's state hashes with those of the others, as their hints tell, so that a copy that went wrong is found
 * before it is needed. Who is wrong is restored from a checkpoint beyond the mark; a primary hands over first.
 */
import type { Clock } from "../shared/clock.ts";
import { readHostHint } from "../shared/checkpoint/host-hint.ts";
import { isHotspareError } from "../shared/errors.ts";
import type { NodeId, Sha256 } from "../shared/ids.ts";
import type { Log } from "../shared/log.ts";
import { slot } from "../shared/position.ts";
import type { Vault } from "../shared/vault/vault.ts";
import type { Claim } from "./core/attestation.ts";
import { judgeOwnState } from "./core/state-verdict.ts";
import type { PoolCheckpoints } from "./pool-checkpoints.ts";
import type { HostedPool } from "./pool.ts";
import { Repeated } from "./repeated.ts";

export interface StateWatchOptions {
  readonly self: NodeId;
  readonly pool: Pick<HostedPool, "id" | "fence" | "diverged">;
  readonly checkpoints: Pick<PoolCheckpoints, "hashes">;
  readonly vault: Vault;
  /** The other hosts. */
  readonly hosts: () => readonly NodeId[];
  readonly clock: Clock;
  readonly log: Log;
}

const GAP_MS = 2000;

export class StateWatch {
  readonly #options: StateWatchOptions;
  readonly #repeated: Repeated;

  constructor(options: StateWatchOptions) {
    this.#options = options;
    this.#repeated = new Repeated({ clock: options.clock, gapMs: GAP_MS, work: () => this.#look() });
  }

  stop(): void {
    this.#repeated.stop();
  }

  async #look(): Promise<void> {
    const { self, pool, checkpoints, log } = this.#options;
    const own = checkpoints.hashes.map((said): Claim => ({ ...said, host: self, how: "hashed" }));
    if (own.length === 0) return;
    try {
      const wrong = judgeOwnState(self, pool.fence?.owner ?? null, [...own, ...(await this.#others())]);
      if (wrong === null) return;
      log.error({ ...wrong }, "the state of this host is wrong");
      await pool.diverged(wrong.slot, wrong.reason);
    } catch (error) {
      // The vault is away: there is another look.
      if (!isHotspareError(error)) throw error;
    }
  }

  async #others(): Promise<Claim[]> {
    const claims: Claim[] = [];
    for (const host of this.#options.hosts()) {
      const hint = await readHostHint(this.#options.vault, host);
      const report = hint?.pools.find(({ pool }) => pool === this.#options.pool.id);
      for (const { slot: at, hash } of report?.stateHashes ?? []) {
        claims.push({ host, slot: slot(at), hash: hash as Sha256, how: "hashed" });
      }
    }
    return claims;
  }
}
