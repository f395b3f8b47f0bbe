/** Messages between processes: each takes its time, and some are lost. */
import type { World } from "./world.ts";

export class SimNetwork {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  send(deliver: () => void): void {
    const { dice, swarm, scheduler, healed } = this.#world;
    if (!healed() && dice.chance(swarm.faults.lostMessage)) return;
    scheduler.after(dice.chance(0.02) ? dice.spread(2, 500) : dice.between(0.05, 1), deliver);
  }

  /** Over a connection: what does not arrive breaks it, and both ends learn that. */
  stream(deliver: () => void, broken: () => void): void {
    const { dice, swarm, scheduler, healed } = this.#world;
    const isBroken = !healed() && dice.chance(swarm.faults.lostMessage);
    scheduler.after(isBroken ? dice.spread(1, 1_000) : dice.between(0.05, 1), isBroken ? broken : deliver);
  }

  /** To a process that may be dead (`refused`), or paused: then the message waits for it. */
  sendTo(process: { alive: boolean; later(delayMs: number, run: () => void): void }, ways: Delivery): void {
    this.send(() => {
      if (!process.alive) return ways.refused();
      process.later(0, ways.deliver);
    });
  }
}

interface Delivery {
  readonly deliver: () => void;
  readonly refused: () => void;
}
