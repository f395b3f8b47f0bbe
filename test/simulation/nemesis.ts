/** Does to the cluster what the seed's swarm says, at random times; and at the end makes everything well again. */
import { isHotspareError } from "../../shared/errors.ts";
import type { NodeId, RecordId } from "../../shared/ids.ts";
import { randomId } from "../../shared/ids.ts";
import { SimOperator } from "./sim-operator.ts";
import type { SimHost } from "./sim-host.ts";
import type { SimProxy } from "./sim-proxy.ts";
import type { World } from "./world.ts";

/** Between two questions for a vote. */
const QUESTION_MS = 700;
const NOBODY = "nemesis" as NodeId;

export class Nemesis {
  readonly #world: World;
  readonly #hosts: readonly SimHost[];
  readonly #proxies: readonly SimProxy[];
  readonly #damage: () => boolean;
  readonly #operator: SimOperator;

  constructor(world: World, hosts: readonly SimHost[], proxies: readonly SimProxy[], damage: () => boolean) {
    this.#world = world;
    this.#hosts = hosts;
    this.#proxies = proxies;
    this.#damage = damage;
    this.#operator = new SimOperator(world, hosts, proxies);
  }

  start(): void {
    const { faults } = this.#world.swarm;
    const { dice } = this.#world;
    this.#every(faults.crashMs, "crash", () => this.#crash(dice.pick(this.#hosts)));
    this.#every(faults.stopMs, "stop", () => this.#stop(dice.pick(this.#hosts)));
    this.#every(faults.pauseMs, "pause", () => this.#pause());
    this.#every(faults.vaultCrashMs, "power cut of the share", () => this.#world.disk.crash(this.#world.random));
    this.#every(faults.orderMs, "random order", () => this.#order());
    this.#every(QUESTION_MS, "question", () => this.#question());
    this.#every(faults.cutMs, "cut from the share", () => this.#cut());
    this.#every(faults.partitionMs, "partition", () => this.#partition());
    this.#every(faults.resetMs, "reset", () => this.#reset());
    this.#every(faults.fullMs, "full", () => this.#fill());
    this.#every(faults.corruptMs, "damage", () => void this.#damage());
    this.#every(faults.clockJumpMs, "clock jump", () => this.#jump());
    this.#every(faults.operatorMs, "operator", () => this.#operator.act());
    this.#every(2_000, "restart of the sick", () => this.#restartSick());
    if (this.#proxies.length > 0) this.#every(faults.proxyFaultMs, "proxy fault", () => this.#disturbProxy());
  }

  /** All faults end: whoever is dead or sick is started, whoever is paused goes on. */
  heal(): void {
    this.#world.disk.freeBytes = 2 ** 40;
    this.#world.links.heal();
    for (const { machine } of [...this.#hosts, ...this.#proxies]) machine.wall.offsetMs = 0;
    for (const host of this.#hosts) {
      host.machine.cutUntilMs = 0;
      host.machine.process.resume();
      if (!host.alive) host.start();
    }
    for (const proxy of this.#proxies) {
      proxy.machine.process.resume();
      if (!proxy.alive) proxy.start();
    }
  }

  /** What a supervisor and an operator do while nothing serves. */
  assist(): void {
    this.#operator.undo();
    this.#restartSick();
    for (const host of this.#hosts) {
      if (this.#needsEnrolment(host)) host.pool?.enrol();
      if (!host.alive) host.start();
    }
    if (this.#proxies.length > 0 || this.#hosts.some(({ serving }) => serving)) return;
    this.#orderHost(this.#world.dice.pick(this.#hosts), this.#world.history.head?.fence.id ?? null);
  }

  #needsEnrolment({ pool }: SimHost): boolean {
    return this.#world.swarm.rejoin === "manual" && pool?.state.phase.type === "fenced";
  }

  /** A host that may never serve again in this life gets another one. */
  #restartSick(): void {
    for (const host of this.#hosts) if (host.sick) this.#restart(host);
  }

  #restart(host: SimHost): void {
    host.crash();
    host.start();
  }

  #every(meanMs: number | null, what: string, act: () => void): void {
    if (meanMs === null) return;
    const { dice, scheduler, healed, log, promised } = this.#world;
    scheduler.after(-Math.log(1 - dice.next()) * meanMs, () => {
      if (healed()) return;
      log.note(`fault: ${what}`);
      this.#world.disk.nowMs = scheduler.nowMs;
      promised();
      act();
      this.#every(meanMs, what, act);
    });
  }

  #crash(host: SimHost): void {
    const { dice, scheduler, healed, swarm } = this.#world;
    if (!host.alive) return;
    const { losesDisk, losesTail } = swarm.faults;
    host.crash(dice.chance(losesDisk) ? "disk" : dice.chance(losesTail) ? "tail" : "nothing");
    scheduler.after(dice.spread(10, 3_000), () => {
      if (!host.alive && !healed()) host.start();
    });
  }

  #stop(host: SimHost): void {
    const { dice, scheduler, healed } = this.#world;
    host.stop();
    scheduler.after(dice.spread(100, 4_000), () => {
      if (!host.alive && !healed()) host.start();
    });
  }

  #pause(): void {
    const { dice, swarm, log } = this.#world;
    const host = dice.pick(this.#hosts);
    const durationMs = dice.spread(10, swarm.faults.longestPauseMs);
    log.add(host.id, "is paused", `for ${durationMs.toFixed(0)} ms`);
    host.machine.pause(durationMs);
  }

  /** At any time, to anybody, about any fence: nothing of safety rests on orders. */
  #order(): void {
    const { dice, history } = this.#world;
    const host = dice.pick(this.#hosts);
    const known = [history.head?.fence.id ?? null, host.pool?.fence?.id ?? null, this.#anyFence()];
    const fence = dice.chance(0.1) ? dice.pick([null, randomId<RecordId>(this.#world.random)]) : dice.pick(known);
    for (let count = dice.chance(0.3) ? 2 : 1; count > 0; count -= 1) {
      this.#orderHost(dice.chance(0.5) ? dice.pick(this.#hosts) : host, fence);
    }
  }

  #anyFence(): RecordId | null {
    const { dice, history } = this.#world;
    return history.at(dice.whole(1, Math.max(1, history.head?.slot ?? 1)))?.head.fence.id ?? null;
  }

  #orderHost(host: SimHost, fence: RecordId | null): void {
    const { log, failed } = this.#world;
    const pool = host.pool;
    if (!pool) return;
    const { bootId } = pool.state.settings;
    host.lifeline().later(0, () => {
      this.#world.promised();
      pool
        .promote({ pool: pool.id, bootId, fence, cause: "random", votes: [] }, NOBODY)
        .then((answer) => log.add(host.id, "answers the order", answer.reason), failed);
    });
  }

  /** A vote changes nothing, whoever is asked and about which fence; an answer comes, or the host says that it is busy. */
  #question(): void {
    const { dice, log, failed } = this.#world;
    const host = dice.pick(this.#hosts);
    const fence = dice.chance(0.8) ? (host.pool?.fence?.id ?? null) : this.#anyFence();
    host.lifeline().later(0, () => {
      const { pool, control } = host;
      if (!pool || !control) return;
      this.#world.promised();
      control.hear("vote", { pool: pool.id, bootId: pool.state.settings.bootId, fence }, NOBODY).then(
        ({ verdict }) => log.note(`vote ${verdict}`),
        (error: unknown) => (isHotspareError(error) ? log.note(`vote ${error.code}`) : failed(error)),
      );
    });
  }

  #cut(): void {
    const { dice, scheduler } = this.#world;
    const { machine } = dice.pick(this.#hosts);
    machine.cutUntilMs = scheduler.nowMs + dice.spread(100, 5_000);
    machine.cutErrs = dice.chance(0.5);
  }

  #partition(): void {
    const { dice, scheduler, links, swarm } = this.#world;
    const ids = [...this.#hosts, ...this.#proxies].map(({ id }) => id);
    const one = dice.pick(ids);
    const others = dice.chance(0.25) ? ids : [dice.pick(ids)];
    const untilMs = scheduler.nowMs + dice.spread(100, swarm.faults.longestPartitionMs);
    const ways = dice.pick(["to", "from", "both", "both"] as const);
    for (const other of others) {
      if (ways !== "from") links.cut(one, other, untilMs);
      if (ways !== "to") links.cut(other, one, untilMs);
    }
  }

  #reset(): void {
    const { dice, net } = this.#world;
    const proxy = this.#proxies.length > 0 ? dice.pick(this.#proxies).id : "client-1";
    net.reset(proxy, dice.pick(this.#hosts).id);
  }

  #fill(): void {
    const { dice, scheduler, disk } = this.#world;
    disk.freeBytes = dice.pick([0, 32 * 1024 * 1024]);
    scheduler.after(dice.spread(50, 4_000), () => {
      disk.freeBytes = 2 ** 40;
    });
  }

  /** Of a wall clock: by an hour at most, in both directions. */
  #jump(): void {
    const { dice } = this.#world;
    dice.pick([...this.#hosts, ...this.#proxies]).machine.wall.offsetMs = dice.between(-3_600_000, 3_600_000);
  }

  #disturbProxy(): void {
    const { dice, scheduler, healed } = this.#world;
    const proxy = dice.pick(this.#proxies);
    if (dice.chance(0.5)) return proxy.machine.pause(dice.spread(50, 3_000));
    if (!proxy.alive) return;
    proxy.crash();
    scheduler.after(dice.spread(10, 2_000), () => {
      if (!proxy.alive && !healed()) proxy.start();
    });
  }
}
