/**
 * Watches the vault for each pool that this host follows as a standby: where its journal is, and what the owner of the
 * newest fence writes under `hosts/`. What that amounts to is decided in `core/standstill.ts`.
 *
 * Reads a small file of each owner twice a second; the next look begins only after the last one ended. A file that cannot
 * be read is an event like any other.
 */
import { readHostHint, type HostHint } from "../shared/checkpoint/host-hint.ts";
import type { Clock } from "../shared/clock.ts";
import { isHotspareError } from "../shared/errors.ts";
import type { NodeId } from "../shared/ids.ts";
import type { Vault } from "../shared/vault/vault.ts";
import { roleOf } from "./core/pool-core.ts";
import { nothingSeen, stepStandstill, type Standstill, type StandstillEvent } from "./core/standstill.ts";
import type { HostedPool } from "./pool.ts";
import { Repeated } from "./repeated.ts";

export type WatchedPool = Pick<HostedPool, "id" | "state">;

export interface OwnerWatchOptions {
  readonly self: NodeId;
  readonly pools: readonly WatchedPool[];
  readonly vault: Pick<Vault, "get">;
  readonly clock: Clock;
  /** How long something must not move to stand still. */
  readonly stillMs: () => number;
}

const GAP_MS = 500;

export class OwnerWatch {
  readonly #options: OwnerWatchOptions;
  readonly #repeated: Repeated;
  readonly #seen = new Map<WatchedPool, Standstill>();

  constructor(options: OwnerWatchOptions) {
    this.#options = options;
    this.#repeated = new Repeated({ clock: options.clock, gapMs: GAP_MS, work: (signal) => this.#look(signal) });
  }

  stop(): void {
    this.#repeated.stop();
  }

  /** What was seen of that pool up to now. */
  standstill(pool: WatchedPool): Standstill {
    this.#follow(pool);
    return this.#seen.get(pool) ?? nothingSeen;
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { pools } = this.#options;
    for (const pool of pools) this.#follow(pool);
    const owners = new Set(pools.flatMap((pool) => this.#ownerOf(pool) ?? []));
    for (const owner of owners) if (!signal.aborted) await this.#read(owner);
  }

  async #read(owner: NodeId): Promise<void> {
    const { vault, clock, pools } = this.#options;
    const askedMs = clock.monotonicMs();
    const hint = await readHostHint(vault, owner).catch((error: unknown) => {
      if (isHotspareError(error)) return null;
      throw error;
    });
    for (const pool of pools) {
      if (this.#ownerOf(pool) === owner) this.#step(pool, hint ? marked(hint, pool, askedMs) : { type: "unreadable" });
    }
  }

  /** Whose file tells something of the pool; `null`: nobody's. */
  #ownerOf({ state }: WatchedPool): NodeId | null {
    const owner = state.newestFence?.owner ?? null;
    return roleOf(state) !== "standby" || owner === this.#options.self ? null : owner;
  }

  #follow(pool: WatchedPool): void {
    const { newestFence, applied, atHeadMs } = pool.state;
    if (roleOf(pool.state) !== "standby") return this.#step(pool, { type: "away" });
    const slot = applied?.slot ?? 0;
    this.#step(pool, { type: "followed", fence: newestFence?.id ?? null, slot, atHeadMs });
  }

  #step(pool: WatchedPool, event: StandstillEvent): void {
    const { clock, stillMs } = this.#options;
    this.#seen.set(pool, stepStandstill(this.#seen.get(pool) ?? nothingSeen, event, clock.monotonicMs(), stillMs()));
  }
}

function marked({ bootId, tick, pools }: HostHint, { id }: WatchedPool, askedMs: number): StandstillEvent {
  const role = pools.find(({ pool }) => pool === id)?.role ?? null;
  return { type: "marked", mark: { bootId, tick, role }, askedMs };
}
