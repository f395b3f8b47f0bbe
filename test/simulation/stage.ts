/**
 * Plays one plot: waits until the cluster is well, lets the plot do its mischief, and judges what the cluster makes of it.
 * A takeover that nobody needed breaks `needless`; one that does not come in time, or does not end in one further epoch,
 * breaks `needed`.
 */
import { disorderOf, type Cluster } from "./diagnosis.ts";
import { check } from "./history.ts";
import type { Cast, Plot, Ways } from "./plot.ts";

const LOOK_MS = 50;
/** All is well for so long before anything happens: longer than a standby must have seen the vault stand still. */
const CALM_MS = 4_000;
const MOST_MS = 60_000;
/** How long it is watched after the last thing that happened. */
const AFTER_MS = 2_000;

export class Stage {
  readonly #cluster: Cluster;
  readonly #plot: Plot;
  #calmMs = 0;
  #epoch: number | null = null;
  #neededMs: number | null = null;
  #servedMs: number | null = null;
  #lastMs = 0;

  constructor(cluster: Cluster, plot: Plot) {
    this.#cluster = cluster;
    this.#plot = plot;
  }

  /** How long the takeover took. */
  get tookMs(): number | null {
    return this.#neededMs === null || this.#servedMs === null ? null : this.#servedMs - this.#neededMs;
  }

  get isOver(): boolean {
    if (this.#epoch === null || (this.#plot.takeovers > 0 && this.#servedMs === null)) return false;
    return this.#now >= Math.max(this.#lastMs, this.#servedMs ?? 0) + AFTER_MS;
  }

  start(): void {
    const { failed, scheduler, promised } = this.#cluster.world;
    scheduler.after(LOOK_MS, () => {
      promised();
      try {
        this.#look();
      } catch (error) {
        failed(error);
      }
      this.start();
    });
  }

  get #now(): number {
    return this.#cluster.world.scheduler.nowMs;
  }

  get #served(): number {
    return this.#cluster.world.history.head?.fence.epoch ?? 0;
  }

  #look(): void {
    if (this.#epoch === null) return this.#wait();
    const last = this.#epoch + this.#plot.takeovers;
    check(this.#served <= last, "needless", () => `epoch ${this.#served} begins, and there was no reason for it`);
    if (this.#neededMs === null || this.#servedMs !== null) return;
    const { withinMs } = this.#plot;
    if (this.#cluster.hosts.some(({ serving, pool }) => serving && pool?.fence?.epoch === last)) {
      this.#servedMs = this.#now;
      this.#cluster.world.log.note(
        `took ${Math.ceil((this.#servedMs - this.#neededMs) / 1_000)} s: ${this.#plot.name}`,
      );
    } else {
      check(this.#now - this.#neededMs < withinMs, "needed", () => `nobody serves ${withinMs} ms after it was needed`);
    }
  }

  #wait(): void {
    const disorder = disorderOf(this.#cluster);
    check(this.#now < MOST_MS, "I15", () => `${disorder}, though nothing ever happened`);
    this.#calmMs = disorder === null ? this.#calmMs + LOOK_MS : 0;
    if (this.#calmMs < CALM_MS) return;
    this.#epoch = this.#served;
    this.#cluster.world.log.add("plot", this.#plot.name);
    this.#plot.act(this.#cast());
  }

  #cast(): Cast {
    const { world, hosts, proxies } = this.#cluster;
    const { dice, scheduler } = world;
    const primary = hosts.find(({ serving }) => serving)!;
    const first = dice.whole(0, proxies.length - 1);
    return {
      dice,
      primary,
      standbys: hosts.filter((host) => host !== primary),
      proxies: [...proxies.slice(first), ...proxies.slice(0, first)],
      cut: (some, others, ways, forMs) => this.#cut(some, others, ways, forMs),
      cutShare: ({ machine }, forMs, how) => {
        machine.cutUntilMs = this.#now + forMs;
        machine.cutErrs = how === "fails";
      },
      later: (delayMs, run) => {
        this.#lastMs = Math.max(this.#lastMs, this.#now + delayMs);
        scheduler.after(delayMs, () => {
          world.promised();
          run();
        });
      },
      lasts: (forMs) => {
        this.#lastMs = Math.max(this.#lastMs, this.#now + forMs);
      },
      needed: () => {
        this.#neededMs = this.#now;
      },
    };
  }

  #cut(some: readonly Node[], others: readonly Node[], ways: Ways, forMs: number): void {
    const { links, log } = this.#cluster.world;
    const untilMs = this.#now + forMs;
    for (const one of some) {
      for (const other of others.filter(({ id }) => id !== one.id)) {
        log.add(one.id, `is cut off: ${ways}`, other.id);
        if (ways !== "from") links.cut(one.id, other.id, untilMs);
        if (ways !== "to") links.cut(other.id, one.id, untilMs);
      }
    }
  }
}

interface Node {
  readonly id: string;
}
