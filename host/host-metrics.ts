/**
 * What a host's main thread counts and measures. The control thread gets it all once a second, and shows the last of it when this
 * thread stands still.
 */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Clock } from "../shared/clock.ts";
import type { PoolId } from "../shared/ids.ts";
import type { Space } from "../shared/vault/vault.ts";
import type { Taken } from "./checkpointer.ts";
import { phasesOf } from "./core/phases.ts";
import { NewestCheckpoint, type NewestCheckpointOptions } from "./newest-checkpoint.ts";
import type { PoolCheckpoints } from "./pool-checkpoints.ts";
import type { HostedPool } from "./pool.ts";

const PUBLISH_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const TAKEOVER_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const CHECKPOINT_BUCKETS = [0.1, 0.5, 1, 5, 15, 60, 300, 1800];

type MeasuredPool = Pick<HostedPool, "id" | "on" | "serving" | "state">;

export class HostMetrics {
  readonly register = new Registry();
  readonly #clock: Clock;
  readonly #registers = { registers: [this.register] };
  readonly #pools: WatchedPool[] = [];
  #space: () => Space | null = () => null;
  readonly #published = new Histogram({
    name: "hotspare_journal_fsync_seconds",
    help: "How long the vault took to make a record durable: its contents, its name, both synced",
    labelNames: ["pool"],
    buckets: PUBLISH_BUCKETS,
    ...this.#registers,
  });
  readonly #failovers = new Counter({
    name: "hotspare_failover_total",
    help: "Takeovers by which this host became primary and served",
    labelNames: ["pool", "reason"],
    ...this.#registers,
  });
  readonly #phases = new Histogram({
    name: "hotspare_failover_duration_seconds",
    help: "Of those, by phase",
    labelNames: ["pool", "phase"],
    buckets: TAKEOVER_BUCKETS,
    ...this.#registers,
  });
  readonly #checkpoints = new Counter({
    name: "hotspare_checkpoints_total",
    help: "Checkpoints that this host tried to take, by outcome",
    labelNames: ["pool", "outcome"],
    ...this.#registers,
  });
  readonly #taking = new Histogram({
    name: "hotspare_checkpoint_duration_seconds",
    help: "How long the published ones took",
    labelNames: ["pool"],
    buckets: CHECKPOINT_BUCKETS,
    ...this.#registers,
  });

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#addCheckpointGauges();
    this.#addSpaceGauges();
  }

  /** A put of a record was answered: the name is durable. */
  published(pool: PoolId, durationMs: number): void {
    this.#published.observe({ pool }, durationMs / 1000);
  }

  taken(pool: PoolId, taken: Taken): void {
    this.#checkpoints.inc({ pool, outcome: taken.type });
    if (taken.type !== "published") return;
    this.#taking.observe({ pool }, taken.durationMs / 1000);
    this.#pools.find(({ hosted }) => hosted.id === pool)?.newest.published(taken.manifest);
  }

  /** For as long as the pool lives. */
  watchPool(
    hosted: MeasuredPool,
    checkpoints: Pick<PoolCheckpoints, "journalBytes">,
    vault: NewestCheckpointOptions["vault"],
  ): void {
    const newest = new NewestCheckpoint({ pool: hosted.id, vault });
    this.#pools.push({ hosted, checkpoints, newest });
    hosted.on("primary", () => this.#countTakeover(hosted));
    hosted.on("standby", () => newest.forget());
    // A series that begins with its first failure cannot be seen to grow.
    for (const outcome of ["published", "failed"] as const) this.#checkpoints.inc({ pool: hosted.id, outcome }, 0);
  }

  watchSpace(space: () => Space | null): void {
    this.#space = space;
  }

  #countTakeover({ id: pool, state }: MeasuredPool): void {
    if (state.phase.type !== "primary") return;
    this.#failovers.inc({ pool, reason: state.lastTenure?.reason ?? "unknown" });
    for (const [phase, ms] of Object.entries(phasesOf(state.phase.primary.timings)))
      this.#phases.observe({ pool, phase }, ms / 1000);
  }

  /** Of pools that this host serves: what others publish it need not know. */
  #addCheckpointGauges(): void {
    const add = (name: string, help: string, read: (watched: WatchedPool) => number | null): void =>
      this.#gauge(name, help, ["pool"], (made) => {
        for (const watched of this.#pools) {
          const value = watched.hosted.serving ? read(watched) : null;
          if (value !== null) made.set({ pool: watched.hosted.id }, value);
        }
      });
    add("hotspare_checkpoint_age_seconds", "Since the newest checkpoint was taken", ({ newest }) => {
      const found = newest.get();
      return found && Math.max(0, this.#clock.wallMs() - found.wallMs) / 1000;
    });
    add("hotspare_checkpoint_slot", "Slot of the newest checkpoint", ({ newest }) => newest.get()?.head.slot ?? null);
    add(
      "hotspare_checkpoint_journal_bytes",
      "Journal since then: what a host that restores has to replay",
      ({ checkpoints }) => checkpoints.journalBytes,
    );
  }

  #addSpaceGauges(): void {
    const add = (name: string, help: string, read: (space: Space) => number): void =>
      this.#gauge(name, help, [], (made) => {
        const space = this.#space();
        if (space !== null) made.set(read(space));
      });
    add("hotspare_vault_free_bytes", "Free bytes of the vault's file system", ({ freeBytes }) => freeBytes);
    add("hotspare_vault_free_inodes", "Files that it has room for", ({ freeInodes }) => freeInodes);
  }

  #gauge(name: string, help: string, labelNames: readonly string[], fill: (made: Gauge) => void): void {
    const made: Gauge = new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      ...this.#registers,
      collect: () => {
        made.reset();
        fill(made);
      },
    });
  }
}

interface WatchedPool {
  readonly hosted: MeasuredPool;
  readonly checkpoints: Pick<PoolCheckpoints, "journalBytes">;
  readonly newest: NewestCheckpoint;
}
