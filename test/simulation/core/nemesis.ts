/** Does to the cluster what the seed's swarm says, at random times; and at the end makes everything well again. */
import type { RecordId } from "../../../shared/ids.ts";
import type { SimHost } from "./sim-host.ts";
import { orderSeed, type SimProxy } from "./sim-proxy.ts";
import type { World } from "./world.ts";

export class Nemesis {
  readonly #world: World;
  readonly #hosts: readonly SimHost[];
  readonly #proxies: readonly SimProxy[];

  constructor(world: World, hosts: readonly SimHost[], proxies: readonly SimProxy[]) {
    this.#world = world;
    this.#hosts = hosts;
    this.#proxies = proxies;
  }

  start(): void {
    const { faults } = this.#world.swarm;
    this.#every(faults.crashMs, () => this.#crash(this.#world.dice.pick(this.#hosts)));
    this.#every(faults.pauseMs, () => this.#pause());
    this.#every(faults.vaultCrashMs, () => this.#crashVault());
    this.#every(faults.orderMs, () => this.#order());
    this.#every(faults.cutMs, () => this.#cut());
    this.#every(faults.fullMs, () => this.#fill());
    this.#every(faults.corruptMs, () => this.#world.vault.corrupt());
    this.#every(faults.rollbackMs, () => this.#rollBack());
    this.#every(2_000, () => this.#restartSick());
    if (this.#proxies.length > 0) {
      this.#every(faults.proxyFaultMs, () => this.#disturbProxy());
      this.#every(faults.partitionMs, () => this.#partition());
    }
    if (this.#world.swarm.rejoin === "manual") this.#every(3_000, () => this.#hosts.forEach((host) => host.enrol()));
  }

  /** All faults end: whoever is dead or sick is started, whoever is paused goes on. */
  heal(): void {
    this.#world.vault.full = false;
    this.#world.links.heal();
    for (const host of this.#hosts) {
      host.vault.cutUntilMs = 0;
      host.process.resume();
      if (!host.process.alive) host.start();
    }
    for (const proxy of this.#proxies) {
      proxy.process.resume();
      if (!proxy.process.alive) proxy.start();
    }
  }

  /** What a supervisor and an operator do while nothing serves. */
  assist(): void {
    for (const host of this.#hosts) host.enrol();
    this.#restartSick();
    // A living primary makes a checkpoint at once for whoever is stuck.
    if (this.#hosts.some(({ state }) => state.alarm?.code === "HS_POOL_STUCK")) {
      for (const host of this.#hosts) host.cleaner.hurry();
    }
    if (this.#proxies.length > 0 || this.#hosts.some(({ serving }) => serving)) return;
    this.#orderHost(this.#world.dice.pick(this.#hosts), this.#world.history.head?.fence.id ?? null);
  }

  /** A host that may never serve again in this life gets another one. */
  #restartSick(): void {
    for (const host of this.#hosts.filter(({ sick, process }) => sick && process.alive)) {
      host.crash();
      host.start();
    }
  }

  #every(meanMs: number | null, act: () => void): void {
    if (meanMs === null) return;
    const { dice, scheduler, healed } = this.#world;
    scheduler.after(-Math.log(1 - dice.next()) * meanMs, () => {
      if (healed()) return;
      act();
      this.#every(meanMs, act);
    });
  }

  #crash(host: SimHost): void {
    const { dice, scheduler, healed } = this.#world;
    if (!host.process.alive) return;
    host.crash();
    scheduler.after(dice.spread(10, 3_000), () => {
      if (!host.process.alive && !healed()) host.start();
    });
  }

  #pause(): void {
    const { dice, swarm, log } = this.#world;
    const host = dice.pick(this.#hosts);
    const durationMs = dice.spread(10, swarm.faults.longestPauseMs);
    log.add(host.id, "is paused", `for ${durationMs.toFixed(0)} ms`);
    host.process.pause(durationMs);
  }

  #crashVault(): void {
    this.#world.log.add("vault", "loses its power");
    this.#world.vault.crash();
  }

  /** At any time, to anybody, about any fence: nothing of safety rests on orders. */
  #order(): void {
    const { dice, history } = this.#world;
    const host = dice.pick(this.#hosts);
    if (!host.process.alive) return;
    const known = [history.head?.fence.id ?? null, host.state.newestFence?.id ?? null, this.#anyFence()];
    const fence = dice.chance(0.1) ? dice.pick([null, this.#world.newId<RecordId>()]) : dice.pick(known);
    const times = dice.chance(0.3) ? 2 : 1;
    for (let count = 0; count < times; count += 1)
      this.#orderHost(dice.chance(0.5) ? dice.pick(this.#hosts) : host, fence);
  }

  #anyFence(): RecordId | null {
    const { dice, history } = this.#world;
    const at = dice.whole(1, Math.max(1, history.head?.slot ?? 1));
    return history.at(at)?.head.fence.id ?? null;
  }

  #orderHost(host: SimHost, fence: RecordId | null): void {
    const { log } = this.#world;
    host.process.later(0, () => {
      const order = {
        ...orderSeed(host),
        reason: "order" as const,
        fence,
        orderedBy: null,
        cause: "random",
        votes: [],
      };
      host.order(order, (answer) => log.add(host.id, "answers the order", answer?.outcome));
    });
  }

  #cut(): void {
    const { dice, scheduler, log } = this.#world;
    const host = dice.pick(this.#hosts);
    host.vault.cutUntilMs = scheduler.nowMs + dice.spread(100, 5_000);
    log.add(host.id, "is cut off from the vault");
  }

  #partition(): void {
    const { dice, scheduler, swarm, links, log } = this.#world;
    const nodes = [...this.#proxies, ...this.#hosts].map(({ id }) => id);
    const one = dice.pick(this.#proxies).id;
    const others = dice.chance(0.25) ? nodes : [dice.pick(nodes)];
    const untilMs = scheduler.nowMs + dice.spread(100, swarm.faults.longestPartitionMs);
    const ways = dice.pick(["to", "from", "both", "both"] as const);
    log.note(`partition ${ways}`);
    for (const other of others) {
      if (ways !== "from") links.cut(one, other, untilMs);
      if (ways !== "to") links.cut(other, one, untilMs);
    }
  }

  #fill(): void {
    const { dice, scheduler, vault, log } = this.#world;
    vault.full = true;
    log.add("vault", "is full");
    scheduler.after(dice.spread(50, 2_000), () => {
      vault.full = false;
    });
  }

  /** Somebody brings back an older copy of the vault while all hosts are down; one of them has lost its disk, too. */
  #rollBack(): void {
    const { dice, scheduler, healed, history, ledger, vault, log } = this.#world;
    const last = history.head?.slot ?? 0;
    const kept = dice.whole(Math.max(history.newestFence, last - 3), last);
    if (kept >= last) return;
    const lost = dice.pick(this.#hosts);
    for (const host of this.#hosts) host.crash(host === lost ? "disk" : "nothing");
    log.add("vault", "is rolled back", { from: last, to: kept });
    history.rollBack(kept);
    ledger.rolledBack(scheduler.nowMs);
    vault.rollBack(kept);
    for (const host of this.#hosts) {
      scheduler.after(host === lost ? 10 : dice.between(500, 900), () => {
        if (!host.process.alive && !healed()) host.start();
      });
    }
  }

  #disturbProxy(): void {
    const { dice, scheduler, healed } = this.#world;
    const proxy = dice.pick(this.#proxies);
    if (dice.chance(0.5)) return proxy.process.pause(dice.spread(50, 3_000));
    if (!proxy.process.alive) return;
    proxy.crash();
    scheduler.after(dice.spread(10, 2_000), () => {
      if (!proxy.process.alive && !healed()) proxy.start();
    });
  }
}
