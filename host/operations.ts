/**
 * What operators ask of a host, by message: handing a pool over, deciding, showing what was decided, coming back. Knows the
 * decisions before any pool begins, and carries out those that are about this host.
 */
import { sleep, type Clock } from "../shared/clock.ts";
import type { Config, PoolConfig } from "../shared/config/config.ts";
import { HotspareError } from "../shared/errors.ts";
import type { NodeId } from "../shared/ids.ts";
import type { Log } from "../shared/log.ts";
import type { Random } from "../shared/random.ts";
import { exclusionOf, maintenanceAt, type Decisions } from "../shared/revisions/decisions.ts";
import { RevisionLog } from "../shared/revisions/revision-log.ts";
import type { Vault } from "../shared/vault/vault.ts";
import type { Control, ControlHandlers } from "./control.ts";
import { DecisionKeeper } from "./decision-keeper.ts";
import { Failback, type FailbackOptions } from "./failback.ts";
import { Handover } from "./handover.ts";
import type { RoleHooks } from "./hooks/role-hooks.ts";
import type { PeerClient } from "./host-parts.ts";
import type { PoolCheckpoints } from "./pool-checkpoints.ts";
import type { HostedPool } from "./pool.ts";
import { WARM_MS } from "../shared/fitness.ts";
import { Withdrawal } from "./withdrawal.ts";

export interface OperationsOptions {
  readonly self: NodeId;
  /** As it is now. */
  readonly config: () => Config;
  readonly pools: readonly OperatedPool[];
  readonly vault: Vault;
  readonly control: Pick<Control, "decisions">;
  readonly client: PeerClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly onDecided: (decisions: Decisions) => void;
  /** This host was removed: nothing may tell of it any more. */
  readonly onRemoved: () => void;
}

export interface OperatedPool {
  readonly config: PoolConfig;
  readonly hosted: HostedPool;
  readonly checkpoints: PoolCheckpoints;
  readonly hooks: RoleHooks;
}

interface Operated extends OperatedPool {
  readonly handover: Handover;
  readonly withdrawal: Withdrawal;
  /** `null`: a pool stays where it is. */
  readonly failback: Failback | null;
}

export type OperationHandlers = Pick<ControlHandlers, "handover" | "decide" | "revisions" | "enrol">;

export class Operations implements OperationHandlers {
  readonly #options: OperationsOptions;
  readonly #keeper: DecisionKeeper;
  readonly #pools: readonly Operated[];

  constructor(options: OperationsOptions) {
    const { self, vault, clock, random, log } = options;
    this.#options = options;
    this.#pools = options.pools.map((pool) => this.#operate(pool));
    const onChange = (decisions: Decisions): void => this.#decided(decisions);
    const onUndurable = (error: unknown): void => options.pools.forEach(({ hosted }) => hosted.distrust(error));
    const revisions = new RevisionLog(vault);
    this.#keeper = new DecisionKeeper({ self, revisions, vault, clock, random, log, onUndurable, onChange });
  }

  /** Before any pool begins. @throws {HotspareError} HS_VAULT_IO, HS_VAULT_FORMAT. */
  start(): Promise<void> {
    return this.#keeper.start();
  }

  stop(): void {
    this.#keeper.stop();
    for (const { handover, withdrawal, failback } of this.#pools) {
      failback?.stop();
      withdrawal.stop();
      handover.stop();
    }
  }

  /** Somebody knows of a newer revision. */
  look(): void {
    void this.#keeper.look();
  }

  /**
   * The host stops: its pools go to others, as far as there are some. In maintenance they rest: whoever stops a host then wants
   * everything to be where it was when it is there again. One that was decided a moment ago may not have come here by itself.
   */
  async leave(hosted: Pick<HostedPool, "id" | "retire">, cause: string): Promise<void> {
    hosted.retire();
    await this.#lookInTime();
    if (this.#maintenance) return;
    await this.#find(hosted.id).handover.leave(cause, { insists: true });
  }

  // --- What is asked --------------------------------------------------------------------------------------------------

  readonly handover: OperationHandlers["handover"] = (request) => this.#find(request.pool).handover.run(request);

  readonly decide: OperationHandlers["decide"] = (request) => this.#keeper.decide(request);

  readonly revisions: OperationHandlers["revisions"] = (request) => this.#keeper.revisions(request);

  /** Deposed pools come back; the others are what they are. */
  readonly enrol: OperationHandlers["enrol"] = async () => {
    const { self, clock } = this.#options;
    const reason = exclusionOf(this.#keeper.decisions, self);
    if (reason !== null) throw new HotspareError("HS_DECISION_REFUSED", { reason: `${self} was ${reason}` });
    for (const { hosted } of this.#pools) hosted.enrol();
    return { pools: this.#pools.map(({ hosted }) => hosted.report(clock.monotonicMs())) };
  };

  /** Whether it was removed for good: nobody is to find a trace of it. */
  get isRemoved(): boolean {
    return this.#keeper.decisions.removed.includes(this.#options.self);
  }

  /** What was decided, if the vault answers: one that hangs keeps nobody from stopping. */
  async #lookInTime(): Promise<void> {
    const looked = new AbortController();
    try {
      await Promise.race([this.#keeper.lookAfresh(), sleep(this.#options.clock, LEAST_TIMEOUT_MS, looked.signal)]);
    } finally {
      looked.abort();
    }
  }

  // --- Parts ----------------------------------------------------------------------------------------------------------

  get #maintenance(): boolean {
    return maintenanceAt(this.#keeper.decisions, this.#options.clock.wallMs()) !== null;
  }

  #decided(decisions: Decisions): void {
    const { control, log, onRemoved, onDecided } = this.#options;
    control.decisions(decisions);
    onDecided(decisions);
    if (this.isRemoved) {
      log.warn({ revision: decisions.revision }, "this host was removed from the cluster: stop it");
      onRemoved();
    }
    for (const { withdrawal } of this.#pools) withdrawal.decided(decisions);
  }

  #operate(pool: OperatedPool): Operated {
    const { self, config, client, clock, log } = this.#options;
    const { hosted, checkpoints, hooks } = pool;
    const { health, takeover } = config();
    const preferred = (): readonly NodeId[] =>
      config().pools.find(({ id }) => id === hosted.id)?.preferred ?? pool.config.preferred;
    const handover = new Handover({
      self,
      pool: hosted,
      hosts: () => config().hosts,
      proxies: () => config().proxies,
      rules: () => ({
        vaultId: config().vault.id,
        preferred: preferred(),
        storageFreshMs: config().health.storageMs / 2,
        warmMs: WARM_MS,
        offline: (host) => exclusionOf(this.#keeper.decisions, host),
      }),
      timeoutMs: Math.max(health.timeoutMs, LEAST_TIMEOUT_MS),
      takeoverMs: takeover.timeoutMs,
      hooks,
      client,
      clock,
      log,
    });
    const withdrawal = new Withdrawal({ self, pool: hosted, handover, checkpoints, clock, log });
    return { ...pool, handover, withdrawal, failback: this.#failback({ hosted, handover, preferred }) };
  }

  #failback(given: Pick<FailbackOptions, "handover" | "preferred"> & Pick<OperatedPool, "hosted">): Failback | null {
    const { hosted: pool, handover, preferred } = given;
    const { self, config, clock, log } = this.#options;
    const { failback, failbackStableMs: stableMs } = config();
    if (failback === "manual") return null;
    const inMaintenance = (): boolean => this.#maintenance;
    return new Failback({ self, pool, handover, preferred, stableMs, inMaintenance, clock, log });
  }

  #find(id: string): Operated {
    const pool = this.#pools.find(({ hosted }) => hosted.id === id);
    if (pool) return pool;
    const accepted = this.#pools.map(({ hosted }) => hosted.id).join(", ");
    throw new HotspareError("HS_MESSAGE_INVALID", { field: "pool", found: id, accepted });
  }
}

/** People wait for it, not requests: a busy host may take longer than a heartbeat may. */
const LEAST_TIMEOUT_MS = 1000;
